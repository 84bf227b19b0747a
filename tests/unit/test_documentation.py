"""What the documents name exists: repository paths in backticks, the functions behind them, links from page to page, make targets."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_LEVEL = ("workers", "contracts", "schemas", "tests", "docs", "deploy", ".ci")
ROOT_FILES = r"[A-Z]+\.md|Makefile|compose\.yaml|pyproject\.toml|requirements\.lock|\.env\.example|\.editorconfig|\.pre-commit-config\.yaml"
REFERENCE = re.compile(rf"(?P<path>(?:{'|'.join(map(re.escape, TOP_LEVEL))})(?:/[\w.*-]*)+|{ROOT_FILES})(?::(?P<name>[A-Za-z_][\w.]*))?")
LINK = re.compile(r"\]\((?P<target>[^)#:\s]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"`make ([a-z-]+)")
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md", "tests/README.md", "deploy/**/README.md")
    for page in ROOT.glob(pattern)
    if "target" not in page.relative_to(ROOT).parts
)
TREE = "Where things live"


def references(text: str) -> list[tuple[str, str | None]]:
    """Paths, with the function or class named after the colon. Placeholders (``<service>``) name nothing."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    found = (REFERENCE.fullmatch(span) for span in spans)
    return [(match["path"], match["name"]) for match in found if match]


def exists(path: str) -> bool:
    return bool(list(ROOT.glob(path.rstrip("/")))) if "*" in path else (ROOT / path).exists()


def defines(file: Path, name: str) -> bool:
    """``name``: a function, class or constant of the module, or ``Class.member``."""
    body: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    for part in name.split("."):
        node = next((node for node in body if part in _names(node)), None)
        if node is None:
            return False
        body = node.body if isinstance(node, ast.ClassDef) else []
    return True


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_and_function_named_exists(page: Path) -> None:
    wrong = []
    for path, name in references(page.read_text(encoding="utf-8")):
        if not exists(path):
            wrong.append(f"no {path}")
        elif name and not defines(ROOT / path, name):
            wrong.append(f"no {name} in {path}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(TARGET.findall(page.read_text(encoding="utf-8"))) <= targets


def test_every_folder_of_the_readmes_tree_exists() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8").partition(TREE)[2]
    named = re.findall(r"^(\S+/)\s", tree, flags=re.MULTILINE)
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).is_dir()] == []


def test_the_references_of_a_text_are_found() -> None:
    text = "`workers/engine/root.py:Root.owed`, `docs/none.md`, `make test`, `contracts/<service>.py`\n```\n`docs/fenced.md`\n```\n"
    assert references(text) == [("workers/engine/root.py", "Root.owed"), ("docs/none.md", None)]


def test_a_wrong_function_is_noticed() -> None:
    file = ROOT / "workers/engine/root.py"
    assert defines(file, "Root.owed")
    assert not defines(file, "Root.nothing")
    assert not defines(file, "owed")
