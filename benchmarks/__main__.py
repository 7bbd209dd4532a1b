"""Measures the hub beside what else could be written, in turn, and prints medians, ratios and targets.

    python -m benchmarks [--quick] [--systems hub,prototype-hand] [--only accept,complete,idle,backlog] [--rounds 3]

Load generator and Systems are processes of their own; a note says when one of them was the limit.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report, scenarios
from benchmarks.candidates import Candidate, baseline, hub, prototype
from benchmarks.machine import end_in_order, rss_mb
from benchmarks.postgres import Postgres
from benchmarks.rig import Rig, Sink
from benchmarks.scenarios import Figures
from benchmarks.world import ROOT

SCENARIOS = ("accept", "complete", "idle", "backlog", "door")
QUICK = ("hub", "prototype-door", "prototype-hand")
DATABASE = "measured"


@dataclass(frozen=True)
class Place:
    """Where one candidate of one round lives: its folder, the Systems' ports, the PostgreSQL that may be used."""

    folder: Path
    ports: list[int]
    postgres: Postgres

    def database(self, driver: str = "postgresql+psycopg") -> str:
        """Return the URL of a fresh database."""
        self.postgres.make(DATABASE)
        return self.postgres.url(DATABASE, driver)


MAKERS: dict[str, Callable[[Place], Candidate]] = {
    "hub": lambda place: hub(place.folder, place.ports, name="hub"),
    "prototype-door": lambda place: prototype(place.folder, place.ports, "door"),
    "prototype-httpx": lambda place: prototype(place.folder, place.ports, "httpx"),
    "prototype-hand": lambda place: prototype(place.folder, place.ports, "hand"),
    "hub-pg": lambda place: hub(place.folder, place.ports, place.database(), name="hub-pg"),
    "hub-pg-split": lambda place: hub(place.folder, place.ports, place.database(), split=True, name="hub-pg-split"),
    "procrastinate": lambda place: baseline(place.folder, place.ports, place.database("postgresql")),
}
SLOWER = {"procrastinate": 8}
"""Gets this part of the count, since it would take too long otherwise; its rate does not depend on it."""
IDLE_GAP_S = 0.05
BACKLOGGED = ("hub", "hub-pg")


def measure(rig: Rig, candidate: Candidate, asked: argparse.Namespace) -> Figures:
    """Run the scenarios asked for against one started candidate."""
    slower = SLOWER.get(candidate.name, 1)
    count = asked.count // slower
    found: Figures = {"ready_s": candidate.ready_s, "rss_idle": rss_mb(candidate.pids()), "lost": 0, "repeated": 0}

    def add(more: Figures) -> None:
        found.update(more | {name: found[name] + more[name] for name in report.SUMMED})

    add(scenarios.warm(rig, candidate, 200 // slower))
    if "accept" in asked.only:
        for clients in asked.clients:
            add(scenarios.accept(rig, candidate, clients, asked.seconds))
    if "complete" in asked.only:
        add(scenarios.complete(rig, candidate, count))
    if "idle" in asked.only:
        add(scenarios.idle(rig, candidate, asked.idle, IDLE_GAP_S * (1 if slower == 1 else 3)))
    if asked.long and candidate.name == "hub":
        add(scenarios.long_run(rig, candidate, asked.long))
    found["rss_after"] = rss_mb(candidate.pids())
    if "backlog" in asked.only and candidate.name in BACKLOGGED:
        add(scenarios.backlog(rig, candidate, asked.backlog))
    return found


def measure_door(ports: list[int], seconds: float) -> Figures:
    """Return what the hub's HTTP door does alone."""
    command = [sys.executable, "-m", "benchmarks.door", ",".join(str(port) for port in ports), str(seconds)]
    ran = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: Figures = json.loads(ran.stdout)
    return found


def measure_all(asked: argparse.Namespace, rig: Rig, postgres: Postgres) -> report.Rounds:
    """Measure all candidates in turn, round after round: A B C A B C."""
    rounds: report.Rounds = {name: [] for name in asked.systems}
    for number in range(asked.rounds):
        for name in asked.systems:
            place = Place(rig.folder / f"{name}-{number}", rig.sink.ports, postgres)
            rig.sink.do("accept")
            candidate = MAKERS[name](place)
            candidate.database = postgres.pids if "pg" in name or name == "procrastinate" else list
            try:
                candidate.start()
                rounds[name].append(_begun_again(candidate) | measure(rig, candidate, asked))
            finally:
                candidate.stop()
            _tell(f"round {number + 1}, {name}: " + _brief(rounds[name][-1]))
        if "door" in asked.only:
            rounds.setdefault("door", []).append(measure_door(rig.sink.ports, asked.seconds))
            rig.sink.do("reset")
            _tell(f"round {number + 1}, door alone: {rounds['door'][-1]['posts']:.0f} POSTs/s")
    return rounds


def _begun_again(candidate: Candidate) -> Figures:
    """Start a hub once more, since only a first start makes the database and the people in it."""
    first = candidate.ready_s
    if candidate.name.startswith("hub"):
        candidate.stop()
        candidate.start()
    return {"first_s": first}


def _brief(row: Figures) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in row.items())


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def written(asked: argparse.Namespace, rig: Rig, rounds: report.Rounds) -> str:
    """Return the whole report."""
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    parts = [report.setting(command, report.commit()), *_compared(asked, rounds)]
    parts.append(report.noise(statistics.median(rig.others)))
    parts += [f"- {note}" for note in rig.notes]
    return "\n\n".join(parts) + "\n"


def _compared(asked: argparse.Namespace, rounds: report.Rounds) -> list[str]:
    found = report.medians(rounds)
    parts = [report.table(found, report.columns(asked.clients))]
    if "door" in found:
        parts.append(f"The hub's HTTP door alone, one core: {found['door']['posts']:.0f} POSTs/s.")
    parts.append(report.targets(found))
    load, sink = (max((row.get(role, 0.0) for rows in rounds.values() for row in rows), default=0.0)
                  for role in ("load_share", "sink_share"))  # fmt: skip
    return [*parts, f"At most {load:.0%} of a core went to the load generator, {sink:.0%} to the sink."]


def read_choices() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="hub and prototypes at 64 clients, two rounds, a minute")
    parser.add_argument("--systems", type=_names(MAKERS), default=list(MAKERS), help=", ".join(MAKERS))
    parser.add_argument("--only", type=_names(SCENARIOS), default=list(SCENARIOS), help=", ".join(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=4000, help="submissions of a `complete` run")
    parser.add_argument("--clients", type=_numbers, default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=2.0, help="length of an `accept` run")
    parser.add_argument("--idle", type=int, default=100, help="submissions of an `idle` run")
    parser.add_argument("--backlog", type=int, default=10_000, help="submissions accepted while the Systems are away")
    parser.add_argument("--long", type=int, default=0, help="submissions of a long run that watches the hub's memory")
    report.offer_places(parser)
    first, _ = parser.parse_known_args()
    if first.quick:
        parser.set_defaults(systems=list(QUICK), only=["accept", "complete", "idle", "door"], rounds=2, count=2000,
                            clients=[64], seconds=1.5, idle=50)  # fmt: skip
    return parser.parse_args()


def _names(known: object) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in known]  # type: ignore[operator]  # a tuple or a dict
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
        return chosen

    return read


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    end_in_order()
    asked = read_choices()
    with tempfile.TemporaryDirectory(prefix="fillonce-bench-") as folder, Sink() as sink, Postgres() as postgres:
        rig = Rig(Path(folder), sink)
        text = written(asked, rig, measure_all(asked, rig, postgres))
    report.publish(text, "bench", asked.markdown, page=asked.page)


if __name__ == "__main__":
    main()
