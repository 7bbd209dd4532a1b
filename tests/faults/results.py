"""Keeps how the tests of the fault matrix ended, so that the table can say so: a pytest plugin.

Each process writes a file of its own into .faults/ (git ignores it): workers of one run and several runs add up, the
newest result of a test counts. `make test` begins with an empty folder.
"""

import json
import os
from collections import defaultdict
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".faults"
_ended: dict[str, str] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how each phase of a marked test ended; a failure in any phase stays one."""
    report = yield
    tells = report.when == "call" or report.outcome != "passed"
    if (
        tells
        and any(marker.name in {"fault", "case"} for marker in item.iter_markers())
        and _ended.get(item.nodeid) != "failed"
    ):
        _ended[item.nodeid] = report.outcome
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this process saw."""
    if _ended:
        folder, now = session.config.rootpath / FOLDER.name, datetime.now(UTC)
        folder.mkdir(exist_ok=True)
        file = folder / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}.json"
        file.write_text(json.dumps({"at": now.isoformat(), "ended": _ended}, indent=1), encoding="utf-8")


def last_results(folder: Path = FOLDER) -> dict[str, tuple[str, int, str]]:
    """Return for each test (`path::name`) how it ended at last, in how many cases, and on which day."""
    cases: dict[str, tuple[str, str]] = {}
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    for run in sorted(runs, key=lambda run: str(run["at"])):
        cases |= {node: (outcome, run["at"][:10]) for node, outcome in run["ended"].items()}
    tests: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for node, ended in cases.items():
        tests[node.partition("[")[0]].append(ended)
    return {name: (_worst(ended), len(ended), max(day for _, day in ended)) for name, ended in tests.items()}


def _worst(ended: list[tuple[str, str]]) -> str:
    outcomes = {outcome for outcome, _ in ended}
    return next(outcome for outcome in ("failed", "skipped", "passed") if outcome in outcomes)
