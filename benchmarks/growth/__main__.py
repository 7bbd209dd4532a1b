"""Measures the hub on an empty database and on filled ones, in turn, and prints the curve.

    python -m benchmarks.growth --rows 10000,1000000,10000000 [--database postgres] [--rounds 2]

Ten million Deliveries take about 35 GB of disk and some ten minutes to make.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
from sqlmodel import Session

from benchmarks import report
from benchmarks.candidates import Candidate, hub_at
from benchmarks.growth import fill
from benchmarks.growth.measure import QUESTIONS, reads, work
from benchmarks.machine import end_in_order
from benchmarks.postgres import Postgres
from benchmarks.rig import Rig, Sink
from benchmarks.scenarios import Figures, warm
from benchmarks.world import wiring, write_home
from hub.model import Alias, Place, PullRow
from hub.store.engine import open_writing

EMPTY = "empty"
WANTED = 0.9
RATES = ("accepted@64", "complete", "claimed")
TIMES = ("cpu_ms", *QUESTIONS)
OLD_SHOWN = 50
KNOWN = {"household.head_name": "陈大山", "household.phone": "19900000101", "household.member_count": 4}


class Size:
    """One database with so many Deliveries in it, made from the pattern one real submission left."""

    def __init__(self, folder: Path, deliveries: int, postgres: Postgres | None) -> None:
        self.folder = folder
        self.deliveries = deliveries
        self.name = f"{deliveries:,}" if deliveries else EMPTY
        self._postgres = postgres
        self._database = f"d{deliveries}"
        self.old: list[str] = []

    def url(self) -> str:
        """Return its URL."""
        return self._postgres.url(self._database) if self._postgres else f"sqlite:///{self.folder}/var/hub.db"

    def make_pattern(self, rig: Rig) -> None:
        """Let a real hub accept and deliver one submission, and add one Place that Systems know."""
        (self.folder / "var").mkdir(parents=True)
        write_home(self.folder, wiring(rig.sink.ports))
        if self._postgres:
            self._postgres.make(self._database)
        candidate = self.candidate(True)
        candidate.start()
        try:
            rig.sink.do("reset")
            rig.load(candidate, clients=1, count=1)
            rig.settle(1)
            time.sleep(1.0)  # its results are written down
        finally:
            candidate.stop()
        engine = open_writing(self.url())
        with Session(engine) as session:
            place, *known = _known_place()
            session.add(place)
            session.flush()
            session.add_all(known)
            session.commit()
        engine.dispose()

    def candidate(self, works: bool) -> Candidate:
        """Return the hub on this database."""
        made = hub_at(self.folder, self.url(), name=self.name)
        made.environment["HUB_WORKER"] = "true" if works else "false"
        if self._postgres:
            made.database = self._postgres.pids
        return made

    def fill(self) -> None:
        """Put the rows in."""
        if not self.deliveries:
            return
        if self._postgres:
            with psycopg.connect(self._postgres.url(self._database, "postgresql"), autocommit=True) as connection:
                connection.execute("SET session_replication_role = replica")
                fill.fill(fill.Postgres(connection), self.deliveries)
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")
                self.old = _old_ids(fill.Postgres(connection))
            return
        with closing(sqlite3.connect(self.folder / "var" / "hub.db", isolation_level=None)) as connection:
            # Nothing is lost if this breaks off, and a log of what is filled in would be written twice.
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            fill.fill(fill.Sqlite(connection), self.deliveries)
            connection.execute("PRAGMA journal_mode=WAL")
            self.old = _old_ids(fill.Sqlite(connection))

    def gigabytes(self) -> float:
        """Return how much it takes on disk."""
        if self._postgres:
            with psycopg.connect(self._postgres.url(self._database, "postgresql")) as connection:
                row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
                return float(row[0]) / 1e9 if row else 0.0
        return (self.folder / "var" / "hub.db").stat().st_size / 1e9


def _known_place() -> Iterable[object]:
    now = datetime.now(UTC)
    place = Place(kind="household", name="村口1号", division="330783005004", token="t0", created_at=now)
    yield place
    yield Alias(issuer="ledger-1", code="HH-0", place_id=place.id, is_key=True, told_by="ledger-1", since=now)
    at = now - timedelta(days=1)
    yield PullRow(system="ledger-1", pull="homes", row_key="hh-0", place_id=place.id, codes=[], known=KNOWN, changed={},
                  since=at, as_of=at, pull_id="")  # fmt: skip


def _old_ids(database: fill.Database) -> list[str]:
    """Return submissions of the real author from the middle of the time, so that they are in no cache."""
    rows = database.run(
        "SELECT s.id FROM submission s JOIN account a ON a.id = s.account_id"
        f" WHERE a.login = 'ada' AND s.erased_at IS NULL ORDER BY s.received_at LIMIT {OLD_SHOWN}"
    )
    return [row[0] for row in rows]


def curve(found: report.Medians, sizes: list[Size]) -> str:
    """Return the table: each figure, and what part of the empty database's speed is left."""
    heads = ["Deliveries stored", "GB", *(f"{name}/s" for name in ("accepted", "complete", "claimed")),
             "CPU ms a submission", "status ms", "my list ms", "prefill ms", "ready s"]  # fmt: skip
    rows = [heads]
    for size in sizes:
        mine, empty = found[size.name], found[EMPTY]
        rates = [_cell(f"{mine[key]:.0f}", mine[key] / empty[key]) for key in RATES]
        times = [_cell(f"{mine[key]:.2f}", empty[key] / mine[key]) for key in TIMES]
        rows.append([size.name, f"{size.gigabytes():.2f}", *rates, *times, f"{mine['ready_s']:.2f}"])
    return report.lines(rows)


def _cell(value: str, left: float) -> str:
    return f"{value} ({left:.0%}{'' if left >= WANTED else ', **below**'})"


def measure_all(asked: argparse.Namespace, rig: Rig, sizes: list[Size]) -> report.Rounds:
    """Make all sizes, then measure them in turn."""
    for size in sizes:
        began = time.monotonic()
        size.make_pattern(rig)
        size.fill()
        _tell(f"{size.name}: filled in {time.monotonic() - began:.0f} s, {size.gigabytes():.2f} GB")
    rounds: report.Rounds = {size.name: [] for size in sizes}
    for number in range(asked.rounds):
        for size in sizes:
            rounds[size.name].append(work(rig, partial(Size.candidate, size)))
        for name, found in _read_all(rig, sizes).items():
            rounds[name][-1].update(found)
            _tell(f"round {number + 1}, {name}: {json.dumps(rounds[name][-1])}")
    return rounds


def _read_all(rig: Rig, sizes: list[Size]) -> dict[str, Figures]:
    """Ask all sizes at once, each by a hub of its own."""
    with ExitStack() as running:
        asked = {}
        for size in sizes:
            candidate = size.candidate(True)
            candidate.start()
            running.callback(candidate.stop)
            warm(rig, candidate)
            places = fill.own_places(size.deliveries) if size.deliveries else ["HH-0"]
            asked[size.name] = (candidate, size.old, places)
        return reads(asked)


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main() -> None:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument(
        "--rows", default="10000,1000000", help="numbers of Deliveries, for example 10000,1000000,10000000"
    )
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=2)
    report.offer_places(parser)
    asked = parser.parse_args()
    counts = [0, *(int(part) for part in asked.rows.split(","))]
    with tempfile.TemporaryDirectory(prefix="fillonce-growth-") as folder, Sink() as sink, Postgres() as postgres:
        rig = Rig(Path(folder), sink)
        sizes = [
            Size(Path(folder) / f"d{each}", each, postgres if asked.database == "postgres" else None) for each in counts
        ]
        found = report.medians(measure_all(asked, rig, sizes))
        text = f"{report.setting(' '.join(['python -m benchmarks.growth', *sys.argv[1:]]), report.commit())}\n\n"
        text += f"{curve(found, sizes)}\n\nIn brackets: what is left of the empty one's speed, asked {WANTED:.0%}.\n"
        lost, repeated = (sum(row[key] for row in found.values()) for key in report.SUMMED)
        text += f"Lost {lost:.0f}, repeated {repeated:.0f}.\n"
        text += "".join(f"- {note}\n" for note in rig.notes)
    mark = "growth-postgres" if asked.database == "postgres" else "growth"
    report.publish(text, mark, asked.markdown, page=asked.page)


if __name__ == "__main__":
    main()
