"""Measures the hub with many Systems, and with one of twenty that hangs; prints tables and targets.

python -m benchmarks.many [--rounds 3] [--seconds 20] [--page] [--markdown FILE]
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import hanging, report, startup
from benchmarks.hanging import ALL, BUT_ONE, PER_SECOND, SYSTEMS
from benchmarks.machine import end_in_order
from benchmarks.report import Column, Medians, Target, figure, ratio
from benchmarks.rig import Rig, Sink

FEW, MANY = 3, 1000
THREE, THOUSAND = f"{FEW:,} Systems", f"{MANY:,} Systems"
SAME = 1.25
"""Two measurements of the same differ by as much."""

STARTING = [
    Column("start to ready s", ("ready_s",), 2),
    Column("CPU s until then", ("ready_cpu_s",), 2),
    Column("`hub check` s", ("check_s",), 2),
    Column("tasks · threads", ("tasks", "threads")),
    Column("idle: voluntary switches/s", ("switches",), 1),
    Column("idle: CPU ms/s", ("idle_cpu_ms",), 2),
]
HANGING = [
    Column("submission sent → arrived, p50 · p95 ms", ("p50", "p95"), 1),
    Column("the hub's share of a core", ("busy",), 2),
    Column("the one's Deliveries held", ("waiting",)),
    Column("lost, the one's included", ("lost",)),
]
TARGETS = [
    Target("the others' p95, one hangs : all answer", ratio("p95", BUT_ONE, ALL), 2, at_most=True),
    Target("lost, the hanging one's included",
           lambda found: found[ALL]["lost"] + found[BUT_ONE]["lost"], 0, at_most=True, unit=""),
    Target(f"start to ready, {THOUSAND}", figure("ready_s", THOUSAND), 3, at_most=True, unit="s"),
    Target(f"start to ready, {THREE}", figure("ready_s", THREE), 1.5, at_most=True, unit="s"),
    Target(f"`hub check`, {THREE}", figure("check_s", THREE), 1, at_most=True, unit="s"),
    *(Target(f"{words}, {MANY:,} : {FEW} Systems", ratio(key, THOUSAND, THREE), most, at_most=True)
      for words, key, most in (("tasks when idle", "tasks", 1), ("threads when idle", "threads", 1),
                               ("voluntary switches when idle", "switches", SAME),
                               ("CPU when idle", "idle_cpu_ms", SAME))),
]  # fmt: skip


def written(found: Medians, rounds: int) -> str:
    """Return both tables and the targets."""
    hung, started = ({name: found[name] for name in pair} for pair in ((ALL, BUT_ONE), (THREE, THOUSAND)))
    parts = [
        f"The {SYSTEMS - 1} others of {SYSTEMS} Systems at {PER_SECOND:.0f} submissions a second; medians of {rounds}.",
        report.table(hung, HANGING),
        f"Starting, and doing nothing for {startup.WATCHED_S:.0f} s; medians of {rounds}.",
        report.table(started, STARTING),
        report.targets(found, TARGETS),
    ]
    return "\n\n".join(parts)


def main() -> None:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a run with twenty Systems")
    report.offer_places(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fillonce-many-") as folder, Sink() as sink:
        rig = Rig(Path(folder), sink)
        rounds = startup.measure_all(asked.rounds, rig.folder, sink.ports[0], (FEW, MANY))
        rounds |= hanging.measure_all(asked.rounds, asked.seconds, rig)
    command = " ".join(["python -m benchmarks.many", *sys.argv[1:]])
    parts = [report.setting(command, report.commit()), written(report.medians(rounds), asked.rounds)]
    parts += [report.noise(statistics.median(rig.others)), *(f"- {note}" for note in rig.notes)]
    report.publish("\n\n".join(parts) + "\n", "many", asked.markdown, page=asked.page)


if __name__ == "__main__":
    main()
