"""Every place that commits, sends, flushes or renames has a failpoint; outside a test's launcher none can be armed."""

import ast
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import failpoint
from hub.failpoint import POINTS, passing
from tests.crash.kills import County
from tests.crash.mortal import PLAIN
from tests.crash.orders import SLEEP_S, Acting, Struck, read_orders
from tests.fifth.ledger_world import ROOT, sign_in, submission

SOURCES = [
    path
    for path in sorted((ROOT / "hub").rglob("*.py"))
    if not {"node_modules", "versions"} & set(path.parts) and path.name != "failpoint.py"
]
WRITERS = ("intake", "outbox", "pulls")
"""Packages in which every write is a moment of its own; elsewhere the writer's two points stand for all."""
INSIDE_A_SEND = "hub/sdk/"
"""What a door does happens between `send.before` and `send.after`."""


AT_A_STROKE = ("commit", "fsync", "fdatasync", "rename", "unlink", "backup")
KEEPS_NOTHING = {
    "hub/outbox/handover.py ring": "wakes other processes; who misses it looks for himself",
    "hub/store/blobs/keep.py _drop_unless_held": "what a dead process had half received; the next start drops the rest",
    "hub/store/backup/restore.py _remove": "what a killed restore began, each file by itself; the next one begins anew",
}


def sites(function: ast.AST, path: Path) -> Iterator[str]:
    """Yield what a function does that a crash could cut in two."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, on = node.func.attr, ast.unparse(node.func.value)
        one_argument = len(node.args) == 1 and not node.keywords
        if name in AT_A_STROKE or (name == "replace" and one_argument):
            yield name
        elif name in ("push", "probe") and on.endswith("connector"):
            yield f"connector.{name}"
        elif name in ("write", "write_item") and on.endswith(("store", "writer")) and set(WRITERS) & set(path.parts):
            yield f"store.{name}"


def points_in(node: ast.AST) -> Iterator[str]:
    """Yield the names of the points a piece of code passes."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "passing":
            (name,) = call.args
            assert isinstance(name, ast.Constant), "a failpoint's name is written out"
            yield str(name.value)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield functions and methods, those inside others not by themselves."""
    for node in tree.body:
        for child in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield child


def is_guarded(function: ast.AST, tree: ast.Module) -> bool:
    """Say whether a function passes a point, itself or in a function of its module that it names, or that one names."""
    others, waiting, looked_at = list(functions(tree)), [function], set[ast.AST]()
    while waiting:
        part = waiting.pop()
        if any(points_in(part)):
            return True
        looked_at.add(part)
        waiting += [other for other in others if other.name in names_in(part) and other not in looked_at]
    return False


def names_in(part: ast.AST) -> set[str]:
    """Return what code names of its module and of its own class."""
    names = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
    own = (node for node in ast.walk(part) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self")
    return names | {node.attr for node in own}


@pytest.mark.fault("F1", "F2", "F39")
def test_every_site_has_a_failpoint() -> None:
    found: Counter[str] = Counter()
    bare, excused = [], set()
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text())
        for function in functions(tree):
            kinds = list(sites(function, path))
            found.update(kinds)
            if not kinds or where.startswith(INSIDE_A_SEND) or is_guarded(function, tree):
                continue
            if f"{where} {function.name}" in KEEPS_NOTHING:
                excused.add(f"{where} {function.name}")
            else:
                bare.append(f"{where}:{function.lineno} {function.name}: {', '.join(kinds)}")
    assert bare == []
    assert excused == set(KEEPS_NOTHING)
    assert {"commit", "fsync", "replace", "unlink", "connector.push", "connector.probe", "store.write"} <= set(found)


def test_every_name_is_registered_and_used_once() -> None:
    used = Counter(name for path in SOURCES for name in points_in(ast.parse(path.read_text())))
    assert set(used) == set(POINTS)
    assert {name: count for name, count in used.items() if count > 1} == {}
    assert all(what and name.count(".") == 1 for name, what in POINTS.items())


def test_a_site_without_one_is_found() -> None:
    tree = ast.parse("def keep(path, new):\n    new.replace(path)\n")
    (function,) = functions(tree)
    assert list(sites(function, ROOT / "hub/store/blobs/keep.py")) == ["replace"]
    assert not is_guarded(function, tree)


def test_nothing_in_the_hub_arms_or_reads_the_orders() -> None:
    for top in ("hub", "connectors", "deploy"):
        for path in (ROOT / top).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            words = path.read_text()
            assert "FAILPOINT" not in words, path
            assert "import arm" not in words, path
            assert "failpoint.arm" not in words, path


async def test_a_plain_hub_does_not_know_the_orders(tmp_path: Path) -> None:
    home = tmp_path / "hub"
    county = County(home, f"sqlite:///{home / 'hub.db'}")
    async with county.books, county.client:
        county.write_files()
        hub = county.mortal()
        hub.launcher = PLAIN
        hub.start("writer.committed=kill,intake.begin=kill")
        try:
            assert await hub.ready(county.client, county.url), hub.last_words()
            await sign_in(county.client, county.url)
            answer = await county.client.post(
                f"{county.url}/api/v1/submissions",
                content=submission(1, "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11"),
                headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"},
            )
            assert answer.status_code == 201
        finally:
            code = await hub.stop()
    assert code == 0
    assert not hub.seen_file.exists()


def test_orders_are_read_strictly() -> None:
    orders = read_orders("intake.begin=kill@3,send.after=raise")
    assert {name: (order.action, order.nth) for name, order in orders.items()} == {
        "intake.begin": ("kill", 3),
        "send.after": ("raise", 1),
    }
    for wrong in ("intake.beginning=kill", "intake.begin=maim", "intake.begin=kill@soon"):
        with pytest.raises(ValueError, match=r"no such failpoint|invalid literal"):
            read_orders(wrong)


def test_each_action_comes_at_its_passage_and_only_then(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    acting = Acting(read_orders("send.before=raise@2,send.after=enospc,blob.row=sleep"), str(seen))
    failpoint.arm(acting)
    try:
        passing("send.before")
        with pytest.raises(Struck):
            passing("send.before")
        passing("send.before")
        with pytest.raises(OSError, match="No space left"):
            passing("send.after")
        began = time.monotonic()
        passing("blob.row")
        assert time.monotonic() - began >= SLEEP_S
        with pytest.raises(LookupError):
            passing("nobody.knows")
    finally:
        failpoint.arm(None)
    assert seen.read_text().split() == ["send.before", "send.after", "blob.row"]
    assert acting.passed == {"send.before": 3, "send.after": 1, "blob.row": 1}
