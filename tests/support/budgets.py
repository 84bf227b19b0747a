"""Size budgets (style guide): files median <= 100 lines and 350 at most, functions median <= 10 and 60 at most, handlers of services
<= 15. ``python -m tests.support.budgets`` names what is over; exceptions are listed here with their reason."""

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_MEDIAN, FILE_MOST, FUNCTION_MEDIAN, FUNCTION_MOST, HANDLER_MOST = 100, 350, 10, 60, 15
PACKAGES = ("workers", "contracts", "schemas")
EXCEPTIONS: dict[str, str] = {}
ROOT = Path(__file__).parents[2]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Names and lengths in lines, docstrings included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def violations() -> list[str]:
    found: list[str] = []
    files: list[int] = []
    lengths: list[int] = []
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > 3:
            files.append(lines)
        if lines > FILE_MOST and name not in EXCEPTIONS:
            found.append(f"{name}: {lines} lines, at most {FILE_MOST}: find the second noun in it")
        pure = name.startswith("workers/services/") and path.name not in ("effects.py", "payee_effects.py", "service.py")
        for function, length in functions(path):
            lengths.append(length)
            most = HANDLER_MOST + 5 if pure else FUNCTION_MOST
            if length > most and f"{name}:{function}" not in EXCEPTIONS:
                found.append(f"{name}:{function}: {length} lines, at most {most}")
    found += _median("file", files, FILE_MEDIAN) + _median("function", lengths, FUNCTION_MEDIAN)
    return found


def _median(what: str, values: list[int], most: int) -> list[str]:
    median = statistics.median(values)
    return [f"median {what}: {median:g} lines, at most {most}"] if median > most else []


if __name__ == "__main__":
    problems = violations()
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    sys.exit(bool(problems))
