"""The size budgets of CONTRIBUTING.md hold."""

from pathlib import Path

from tests.support import budgets


def test_every_file_and_function_is_within_its_budget() -> None:
    assert budgets.violations() == []


def test_an_oversized_function_is_found(tmp_path: Path) -> None:
    body = "\n".join("    value += 1" for _ in range(70))
    file = tmp_path / "long.py"
    file.write_text(f"def grows(value):\n{body}\n    return value\n", encoding="utf-8")
    assert list(budgets.functions(file)) == [("grows", 72)]
