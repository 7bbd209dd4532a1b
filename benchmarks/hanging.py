"""One System of twenty hangs: do the others wait longer? The same hub, the same steady load, with and without."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing

from benchmarks.candidates import Candidate, hub_at
from benchmarks.report import Rounds
from benchmarks.rig import Rig, Sink
from benchmarks.scenarios import Figures, share, warm
from benchmarks.world import wiring, write_home

SYSTEMS = 20
HANGING = 0
ANSWER_WITHIN = "2s"
PER_SECOND = 10.0
"""Submissions: 200 Deliveries a second, which keep the hub busy for a quarter of the time at most."""
CLIENTS = 16
WARM = 40
ALL, BUT_ONE = "all answer", "one hangs"


def measure_all(rounds: int, seconds: float, rig_of: Rig) -> Rounds:
    """Measure in turn, on a fresh folder and database each time."""
    found: Rounds = {ALL: [], BUT_ONE: []}
    with Sink(SYSTEMS) as sink:
        rig = Rig(rig_of.folder, sink)
        for number in range(rounds):
            for name, rows in found.items():
                rows.append(measure(rig, f"{name}, round {number + 1}", hangs=name == BUT_ONE, seconds=seconds))
    rig_of.notes += rig.notes
    rig_of.others += rig.others
    return found


def measure(rig: Rig, name: str, *, hangs: bool, seconds: float) -> Figures:
    """Return how long the nineteen others' Deliveries took from sending the submission, and what became of all."""
    folder = rig.folder / name
    folder.mkdir()
    write_home(folder, wiring(rig.sink.ports, answer_within=ANSWER_WITHIN))
    candidate = hub_at(folder, name=name)
    candidate.start()
    try:
        warm(rig, candidate, WARM)
        rig.sink.do("reset")
        if hangs:
            rig.sink.do("hang", HANGING)
        seen = rig.load(candidate, clients=CLIENTS, seconds=seconds, per_second=PER_SECOND)
        rig.settle(seen["accepted"], without=HANGING if hangs else None)
        rig.sink.do("dump", rig.folder / "arrived")
    finally:
        candidate.stop()
    arrived = (rig.folder / "arrived").read_text().splitlines()
    found = waits(rig.sent_ns(), arrived)
    there, waiting = held(candidate)
    found["lost"] += WARM + seen["accepted"] - there
    return found | {"waiting": waiting, "busy": seen["shares"]["candidate"]}


def waits(sent_ns: Mapping[str, int], arrived: Iterable[str]) -> Figures:
    """Return the others' waits, and how many of their Deliveries never came; lines are those of the sink's `dump`."""
    found = []
    for line in arrived:
        number, reference, _, first_ns = line.split()
        if int(number) != HANGING and reference in sent_ns:
            found.append((int(first_ns) - sent_ns[reference]) / 1e6)
    return {"p50": share(found, 0.5), "p95": share(found, 0.95), "lost": len(sent_ns) * (SYSTEMS - 1) - len(found)}


def held(candidate: Candidate) -> tuple[int, int]:
    """Return how many Deliveries the hub has for the System that may hang, and how many of them it still holds."""
    states = "SELECT state, count(*) FROM delivery WHERE system = ? GROUP BY state"
    with closing(sqlite3.connect(candidate.folder / "var" / "hub.db")) as database:
        counts = dict(database.execute(states, (f"ledger-{HANGING + 1}",)).fetchall())
    there = sum(counts.values())
    return there, there - counts.get("delivered", 0)
