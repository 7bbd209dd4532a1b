"""Counts what one POST of a submission passes through until its Deliveries are delivered.

    python -m benchmarks.trace [--root FOLDER] [--names]

The hub is the real `hub serve` on SQLite with three Systems that take everything at once. Some submissions go before,
so that what happens only once does not count; the hub looks for due work by itself only once a minute. `--root` is
another checkout to count in. A change of thread is counted where two calls that follow each other are in two threads.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.candidates import Candidate, hub
from benchmarks.machine import end_in_order
from benchmarks.rig import Rig, Sink
from benchmarks.world import ROOT, SYSTEMS

WARM = 20
ROUNDS = 9
QUIET_S = 0.3


@dataclass(frozen=True)
class Passage:
    """What one submission passed through."""

    files: int
    functions: int
    hops: int
    names: tuple[str, ...]


def record(rig: Rig, candidate: Candidate) -> Passage:
    """Send one submission and return what it passed through until every System has it."""
    calls, switch = candidate.folder / "calls.json", candidate.folder / "on"
    calls.unlink(missing_ok=True)
    rig.sink.do("reset")
    switch.touch()
    time.sleep(QUIET_S)
    rig.load(candidate, clients=1, count=1)
    rig.settle(1)
    time.sleep(QUIET_S)
    switch.unlink()
    while not calls.exists():
        candidate.demand_alive()
        time.sleep(0.02)
    return counted([(thread, name) for thread, name in json.loads(calls.read_text(encoding="utf-8"))])


def counted(calls: list[tuple[str, str]]) -> Passage:
    """Count files, functions, and how often the work goes over to another thread."""
    names = {name for _, name in calls}
    files = {name.rpartition(":")[0] for name in names}
    hops = sum(1 for _ in groupby(calls, key=lambda call: call[0])) - 1
    return Passage(len(files), len(names), hops, tuple(sorted(names)))


def traced(folder: Path, ports: list[int], root: Path) -> Candidate:
    """Return the hub of a checkout with the recorder in it."""
    candidate = hub(folder, ports)
    candidate.commands = [[sys.executable, str(Path(__file__).with_name("recorded.py")), str(folder)]]
    candidate.environment |= {"HUB_POLL_INTERVAL": "PT60S", "PYTHONPATH": str(root)}
    return candidate


def main() -> None:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trace")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--names", action="store_true", help="name the functions")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fillonce-trace-") as place, Sink(SYSTEMS) as sink:
        rig = Rig(Path(place), sink)
        candidate = traced(Path(place) / "hub", list(sink.ports), asked.root.resolve())
        candidate.start()
        try:
            rig.load(candidate, clients=1, count=WARM)
            found = sorted(
                (record(rig, candidate) for _ in range(ROUNDS)), key=lambda each: (each.hops, each.functions)
            )
        finally:
            candidate.stop()
    middle = found[len(found) // 2]
    if asked.names:
        print("\n".join(name.removeprefix(f"{asked.root.resolve()}/") for name in middle.names))
    print(f"files {middle.files}, functions {middle.functions}, changes of thread {middle.hops} (of {ROUNDS}: "
          f"{found[0].hops} to {found[-1].hops})")  # fmt: skip


if __name__ == "__main__":
    main()
