"""Measures pulls of a county's size: this version and one before, in turn, on both databases.

    python -m benchmarks.pulls [--rows 300000] [--busy-rows 60000] [--before 66bb839] [--database sqlite]

Each version reads a register of households (five values, three codes each) into an empty hub, then the same again
unchanged, with nobody else there. Then, into another empty hub, while 16 clients submit one form after the other.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import report
from benchmarks.machine import cpu_s, end_in_order, rss_mb
from benchmarks.postgres import Postgres
from benchmarks.pulls.version import Measured, Version, checkout, running
from benchmarks.report import Column, Target, figure, ratio
from benchmarks.rig import Rig, Sink
from benchmarks.scenarios import Figures
from benchmarks.world import ROOT

CLIENTS = 16
SLICE_S = 5.0
ALONE_S = 10.0
COLUMNS = [
    Column("first reading: CPU s of hub · database", ("first_cpu", "first_cpu_database"), 1),
    Column("rows a CPU s", ("rows_a_cpu_s",)),
    Column("s", ("first_s",), 1),
    Column("again unchanged: CPU s", ("again_cpu", "again_cpu_database"), 1),
    Column("MB above idle", ("memory",)),
    Column("longest write group ms: alone · with 16 clients", ("held", "held_busy"), 1),
    Column("submit p99 ms at 16 clients: alone · worst 5 s of a pull", ("p99_alone", "p99_busy"), 1),
]


class Peak(threading.Thread):
    """Looks every quarter of a second how much memory processes have."""

    def __init__(self, pids: list[int]) -> None:
        super().__init__(daemon=True)
        self._pids, self._over = pids, threading.Event()
        self.idle = self.most = rss_mb(pids)

    def run(self) -> None:
        while not self._over.wait(0.25):
            self.most = max(self.most, rss_mb(self._pids))

    def above_idle(self) -> float:
        """Stop looking, and return the most there was above the beginning."""
        self._over.set()
        self.join()
        return self.most - self.idle


def quiet(hub: Measured, households: int) -> Figures:
    """Read everything for the first time, and again."""
    found: Figures = {}
    hub.fill(households)
    own, database = hub.candidate.pids(), hub.candidate.database()
    peak = Peak(own)
    peak.start()
    for name in ("first", "again"):
        before, before_database, began = cpu_s(own), cpu_s(database), time.monotonic()
        told = hub.pull(1)
        found[f"{name}_s"] = time.monotonic() - began
        found[f"{name}_cpu"] = cpu_s(own) - before
        if database:
            found[f"{name}_cpu_database"] = cpu_s(database) - before_database
        if told["rows"] != households:
            raise SystemExit(f"{hub.candidate.name}: {told}")
    found["memory"] = peak.above_idle()
    found["rows_a_cpu_s"] = households / found["first_cpu"]
    return found


def busy(rig: Rig, hub: Measured, households: int) -> Figures:
    """Read everything for the first time while people submit."""
    rig.sink.do("reset")
    alone = rig.load(hub.candidate, clients=CLIENTS, seconds=ALONE_S, warm=2.0)
    hub.fill(households)
    pulling = threading.Thread(target=hub.pull, args=(1,))
    pulling.start()
    slices = []
    while pulling.is_alive():
        slices.append(rig.load(hub.candidate, clients=CLIENTS, seconds=SLICE_S)["p99_ms"])
    pulling.join()
    return {"p99_alone": alone["p99_ms"], "p99_busy": max(slices)}


def measure(asked: argparse.Namespace, version: Version, folder: Path, postgres: Postgres | None, rig: Rig) -> Figures:
    """Measure one version on one database."""
    with running(version, folder / "quiet", rig.sink.ports, postgres) as hub:
        found = quiet(hub, asked.rows)
    found["held"] = hub.held_ms
    with running(version, folder / "busy", rig.sink.ports, postgres) as hub:
        found |= busy(rig, hub, asked.busy_rows)
    found["held_busy"] = hub.held_ms
    return found


def targets(now: str, before: str, database: str) -> list[Target]:
    """Return what issue 10 asks, for one database."""
    one, other = f"{now}, {database}", f"{before}, {database}"
    return [
        Target(f"{database}: first reading", figure("first_cpu", one), 60, at_most=True, unit="CPU s"),
        Target(f"{database}: the same again unchanged", figure("again_cpu", one), 15, at_most=True, unit="CPU s"),
        Target(f"{database}: memory above idle", figure("memory", one), 150, at_most=True, unit="MB"),
        Target(f"{database}: longest write group", figure("held", one), 50, at_most=True, unit="ms"),
        Target(
            f"{database}: longest write group with 16 clients", figure("held_busy", one), 50, at_most=True, unit="ms"
        ),
        Target(f"{database}: submit p99 while it runs", figure("p99_busy", one), 100, at_most=True, unit="ms"),
        Target(f"{database}: rows a CPU second, now : before", ratio("rows_a_cpu_s", one, other), 1),
    ]


def measure_all(asked: argparse.Namespace, databases: list[str], folder: Path) -> tuple[report.Medians, list[str]]:
    """Measure every version on every database, in turn; return the figures and what was noted meanwhile."""
    found: report.Medians = {}
    with Sink(1) as sink, Postgres() as postgres:
        rig = Rig(folder, sink)
        versions = [Version("now", ROOT), *([checkout(asked.before, folder / "before")] if asked.before else [])]
        for database in databases:
            for version in versions:
                beside = postgres if database == "postgres" else None
                name = f"{version.name}, {database}"
                found[name] = measure(asked, version, folder / database / version.name, beside, rig)
                print(f"{time.strftime('%H:%M:%S')} {name}: {found[name]}", file=sys.stderr, flush=True)
    return found, rig.notes


def main() -> None:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pulls")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--busy-rows", type=int, default=60_000)
    parser.add_argument("--before", default="66bb839", help="a commit to compare with; empty for none")
    parser.add_argument("--database", choices=("sqlite", "postgres"), help="only this one")
    report.offer_places(parser)
    asked = parser.parse_args()
    databases = [asked.database] if asked.database else ["sqlite", "postgres"]
    with tempfile.TemporaryDirectory(prefix="fillonce-pulls-") as place:
        found, notes = measure_all(asked, databases, Path(place))
    rows = [each.row(found) for database in databases for each in targets("now", asked.before[:7], database)]
    text = f"{report.setting(' '.join(['python -m benchmarks.pulls', *sys.argv[1:]]), report.commit())}\n\n"
    text += f"{report.table(found, COLUMNS)}\n\n"
    text += report.lines([["target", "measured", "asked", ""], *(row for row in rows if row)]) + "\n"
    text += "".join(f"- {note}\n" for note in notes)
    report.publish(text, "pulls", asked.markdown, page=asked.page)


if __name__ == "__main__":
    main()
