"""The measuring program itself, at its smallest: it must count right, or its figures mean nothing."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks import many, scenarios
from benchmarks.candidates import hub
from benchmarks.growth import fill
from benchmarks.hanging import ALL, BUT_ONE, SYSTEMS, waits
from benchmarks.load import Bodies, Order
from benchmarks.report import medians, targets
from benchmarks.rig import Rig, Sink
from benchmarks.world import wiring, write_home
from hub.files import read_files
from hub.settings import Settings


def test_a_run_against_the_real_hub_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """Thirty submissions at rest, twenty behind Systems that refuse connections: each arrives once at each of three."""
    with Sink() as sink:
        rig = Rig(tmp_path, sink)
        candidate = hub(tmp_path / "hub", sink.ports)
        candidate.start()
        try:
            done = scenarios.complete(rig, candidate, 30)
            late = scenarios.backlog(rig, candidate, 20, down_s=0.2)
        finally:
            candidate.stop()
        counts = sink.do("counts")
    assert (done["lost"], done["repeated"], late["lost"], late["repeated"]) == (0, 0, 0, 0)
    assert done["deliveries"] == pytest.approx(3 * done["complete"])
    assert late["backlog"] == 20
    assert counts == [20, 20, 20]  # counted anew for the backlog
    assert rig.notes == []
    with closing(sqlite3.connect(tmp_path / "hub/var/hub.db")) as database:
        assert database.execute("SELECT count(*) FROM submission").fetchone() == (50,)
        assert database.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall() == [
            ("delivered", 150)
        ]


def test_the_submissions_are_the_ones_described() -> None:
    """About 1 KB, twelve answers; each with an id of its own, whole, and reported when it is made."""
    bodies, began = Bodies(Order(8000, "/submissions")), datetime.now(UTC)
    sent = dict(bodies() for _ in range(3))
    assert len(sent) == 3
    for reference, request in sent.items():
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"Content-Length: %d" % len(body) in head.split(b"\r\n")
        assert 1000 <= len(body) <= 1150
        filled = json.loads(body)
        assert filled["id"] == filled["answers"]["inspection.reference"] == reference.decode()
        assert len(filled["answers"]) == 12
        reported = datetime.fromisoformat(filled["reported_at"])
        assert timedelta(milliseconds=-1) <= reported - began < timedelta(minutes=1)


def test_medians_add_up_what_must_be_nothing() -> None:
    """One lost delivery in one of three rounds shows, and its target is not met."""
    rows = [
        {"accepted@64": rate, "lost": lost, "repeated": 0.0} for rate, lost in ((5.0, 0.0), (900.0, 1.0), (7.0, 0.0))
    ]
    found = medians({"hub": rows, "procrastinate": [{"accepted@64": 0.5, "lost": 0.0, "repeated": 0.0}]})
    assert found["hub"] == {"accepted@64": 7.0, "lost": 1.0, "repeated": 0.0}
    judged = dict(line.strip("| ").split(" | ", 1) for line in targets(found).splitlines()[2:])
    assert judged["accepted at 64, hub : Procrastinate"] == "14.0× | ≥ 8.00× | met"
    assert judged["lost, all candidates"].endswith("**not met**")


def test_waits_are_those_of_the_others_and_what_never_came_is_lost() -> None:
    """Nineteen of twenty count, from sending to arrival; the first one's never do, nor do submissions of before."""
    sent = {"a": 1_000_000, "b": 2_000_000}
    lines = [f"{system} a 1 {1_000_000 * (1 + system)}" for system in range(SYSTEMS)]
    lines += [f"{system} b 2 {3_000_000}" for system in range(SYSTEMS - 1)] + ["5 earlier 1 9000000"]
    found = waits(sent, lines)
    assert (found["p50"], found["p95"], found["lost"]) == (1.0, 17.0, 1)


def test_what_many_systems_cost_is_judged() -> None:
    """Ratios to few Systems and to none hanging; one Delivery missing at the hanging one is not met."""
    idle = {"tasks": 3.0, "threads": 4.0, "switches": 5.0, "idle_cpu_ms": 2.0}
    rounds = {
        ALL: [{"p50": 6.0, "p95": 10.0, "lost": 0.0}],
        BUT_ONE: [{"p50": 7.0, "p95": 25.0, "lost": lost} for lost in (0.0, 1.0, 0.0)],
        many.THREE: [idle | {"ready_s": 1.0, "check_s": 0.5}],
        many.THOUSAND: [idle | {"ready_s": 2.0, "check_s": 0.9, "tasks": 1003.0}],
    }
    text = many.written(medians(rounds), 3)
    judged = dict(line.strip("| ").split(" | ", 1) for line in text.rpartition("\n\n")[2].splitlines()[2:])
    assert len(judged) == len(many.TARGETS)
    assert {words for words, rest in judged.items() if "**not met**" in rest} == {
        "the others' p95, one hangs : all answer",
        "lost, the hanging one's included",
        "tasks when idle, 1,000 : 3 Systems",
    }
    assert judged["start to ready, 1,000 Systems"] == "2.00 s | ≤ 3.00 s | met"


def test_a_thousand_systems_fit_into_one_file(tmp_path: Path) -> None:
    """connectors.yaml may hold what a province has."""
    write_home(tmp_path, wiring([9] * 1000))
    settings = Settings(profile="test", home=tmp_path, connector_packages=("tests.fifth",))
    _, registry = read_files(settings, lambda _: "", lambda _: "")
    assert len(registry.systems) == 1000


def test_filled_rows_hang_together(tmp_path: Path) -> None:
    """A real submission repeated: every id leads somewhere, the real author has a share, the integrity check passes."""
    with Sink() as sink:
        rig = Rig(tmp_path, sink)
        candidate = hub(tmp_path / "hub", sink.ports)
        candidate.start()
        try:
            scenarios.complete(rig, candidate, 1)
        finally:
            candidate.stop()
    with closing(sqlite3.connect(tmp_path / "hub/var/hub.db", isolation_level=None)) as database:
        fill.fill(fill.Sqlite(database), 6000)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table, count in (("submission", 2001), ("record", 2001), ("delivery", 6003), ("attempt", 6003)):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,)
        own = "SELECT count(*) FROM submission JOIN account ON account.id = account_id WHERE login = 'ada'"
        assert database.execute(own).fetchone() == (667,)
