"""Which tests guard which row of the fault matrix or which case, read from their marks without running anything."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
MARKS = {"pytest.mark.fault", "pytest.mark.case"}


@dataclass
class Source:
    """One test file: its test functions, the rows each is marked with, and marks that belong to nobody."""

    path: str
    tests: dict[str, set[str]] = field(default_factory=dict)
    astray: list[int] = field(default_factory=list)


def guarded(tests: Path = TESTS) -> dict[str, list[str]]:
    """Return for each row the tests that guard it, as `path::name`; raises where a mark belongs to no test."""
    rows: dict[str, set[str]] = defaultdict(set)
    for source in map(read_marks, sorted(tests.rglob("test_*.py"))):
        assert not source.astray, f"{source.path}:{source.astray[0]}: this mark of a row or case is on no test"
        for name, marked in source.tests.items():
            for row in marked:
                rows[row].add(f"{source.path}::{name}")
    return {row: sorted(found) for row, found in rows.items()}


def known_tests(tests: Path = TESTS) -> set[str]:
    """Return every test there is, as `path::name`."""
    return {f"{source.path}::{name}" for path in sorted(tests.rglob("test_*.py"))
            for source in [read_marks(path)] for name in source.tests}  # fmt: skip


def read_marks(path: Path) -> Source:
    """Read one file's marks: on a test, on a case of its parametrize (also in a named list), or on the whole module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    source = Source(path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name)
    lists = {name: set(_rows(value)) for name, value in _named(tree)}
    everywhere = lists.get("pytestmark", set())
    used = {"pytestmark"}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            rows, names = set(everywhere), _names(node.decorator_list)
            for decorator in node.decorator_list:
                rows |= set(_rows(decorator))
            for name in names & lists.keys():
                rows |= lists[name]
            used |= names
            source.tests[node.name] = rows
    source.astray = [value.lineno for name, value in _named(tree) if lists[name] and name not in used]
    return source


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is given a name at the top of the module."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _names(nodes: list[ast.expr]) -> set[str]:
    return {inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _rows(node: ast.expr) -> Iterator[str]:
    """Yield the rows of every `pytest.mark.fault(...)` and `pytest.mark.case(...)` inside."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) in MARKS:
            yield from (str(ast.literal_eval(argument)) for argument in inner.args)
