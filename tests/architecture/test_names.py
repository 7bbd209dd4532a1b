"""Names: no gravity files, no vendor leaking inward, no silenced check or promise without a reason."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BANNED = {"utils", "util", "helpers", "common", "base", "manager", "service", "handler", "processor", "misc", "types"}
SKIPPED = {"node_modules", "dist", "__pycache__"}
TOPS = ("hub", "connectors", "deploy", "benchmarks", "tests")
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover)", re.IGNORECASE)
EXPLAINED = re.compile(r"(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\]|pragma: no cover)\s+(- |# )\S.{5,}")
PROMISE = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\s*\(?#\d+)")


def files(*suffixes: str, tops: tuple[str, ...] = TOPS) -> list[Path]:
    """Every file of ours with one of these endings."""
    found = [path for top in tops for suffix in suffixes for path in (ROOT / top).rglob(f"*{suffix}")]
    return sorted(path for path in found if not SKIPPED & set(path.parts))


def vendor_names() -> set[str]:
    """Names of connectors and of the Systems that connectors.yaml wires, in both spellings."""
    names = {path.parent.name for path in (ROOT / "connectors").glob("*/connector.py")}
    wiring = ROOT / "connectors.yaml"
    if wiring.exists():
        names |= set(yaml.safe_load(wiring.read_text())["systems"])
    return names | {name.replace("_", "-") for name in names} | {name.replace("-", "_") for name in names}


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and text of each comment, strings not mistaken for one."""
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def test_no_gravity_files() -> None:
    """A file called utils attracts everything that has no home."""
    sources = files(".py", ".js", ".mjs", ".vue")
    assert sources
    assert [str(path.relative_to(ROOT)) for path in sources if path.stem in BANNED] == []


def test_there_are_vendor_names_to_look_for() -> None:
    """An empty list would let every vendor in."""
    assert len(vendor_names()) >= 4


@pytest.mark.parametrize("vendor", sorted(vendor_names()))
def test_the_hub_names_no_system(vendor: str) -> None:
    """What one System needs lives in its connector folder and in connectors.yaml, never under hub/."""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(vendor)}(?![A-Za-z0-9])")
    inside = files(".py", ".vue", ".js", ".mjs", ".html", tops=("hub",))
    assert [str(path.relative_to(ROOT)) for path in inside if word.search(path.read_text())] == []


def test_silenced_checks_say_why() -> None:
    """`# noqa: X - reason` or `# type: ignore[x] - reason`: the rule named and the reason given."""
    bare = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in files(".py")
        for line, text in comments(path)
        if SILENCED.search(text) and not EXPLAINED.search(text)
    ]
    assert bare == []


def test_promises_carry_an_issue() -> None:
    """A TODO is `TODO #12`, or it is not written."""
    open_ends = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files(".py", ".js", ".vue", ".mjs", ".yaml")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if PROMISE.search(line)
    ]
    assert open_ends == []


def test_one_module_draws_codes() -> None:
    """The QR library has one door."""
    users = [
        path
        for path in files(".py", tops=("hub", "connectors"))
        if re.search(r"^\s*(import|from) qrcode\b", path.read_text(), re.MULTILINE)
    ]
    assert len(users) <= 1
