"""Files and functions stay small enough to read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("hub", "connectors", "deploy") for path in (ROOT / top).rglob("*.py"))
SOURCES = [path for path in SOURCES if "node_modules" not in path.parts]
COMPONENTS = sorted(path for path in (ROOT / "hub/ui").rglob("*.vue") if "node_modules" not in path.parts)
MAX_FILE, MAX_FUNCTION, MAX_COMPONENT = 300, 40, 250


def name(path: Path) -> str:
    """The path as it is read in a report."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function's name and length, its docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
            doc_lines = (doc.end_lineno or 0) - doc.lineno + 1 if doc else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - doc_lines


def test_something_is_measured() -> None:
    """An empty list would make every test below pass."""
    tops = {path.relative_to(ROOT).parts[0] for path in SOURCES}
    assert tops == {"hub", "connectors", "deploy"}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_small_module(path: Path) -> None:
    """No file and no function outgrows its limit."""
    assert len(path.read_text().splitlines()) <= MAX_FILE
    assert [found for found in functions(path) if found[1] > MAX_FUNCTION] == []


def test_small_components() -> None:
    """A page that needs more lines is two components."""
    assert {
        name(path): size for path in COMPONENTS if (size := len(path.read_text().splitlines())) > MAX_COMPONENT
    } == {}
