"""Tables of medians and the issue's targets as ratios, in Markdown. Measures nothing."""

import argparse
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.scenarios import Figures
from benchmarks.world import ROOT

Rounds = dict[str, list[Figures]]
Medians = dict[str, Figures]
SUMMED = ("lost", "repeated")
ABSENT = "–"


def medians(rounds: Rounds) -> Medians:
    """Return the median of each figure over the rounds that have it; what must be 0 is summed."""
    out: Medians = {}
    for name, rows in rounds.items():
        keys = list(dict.fromkeys(key for row in rows for key in row))
        out[name] = {key: _middle(key, [row[key] for row in rows if key in row]) for key in keys}
    return out


def _middle(key: str, values: list[float]) -> float:
    return sum(values) if key in SUMMED else statistics.median(values)


@dataclass(frozen=True)
class Column:
    """One column: its head, the figures in it, and how many digits they get."""

    head: str
    keys: tuple[str, ...]
    digits: int = 0

    def cell(self, row: Figures) -> str:
        """Return what stands there for one candidate."""
        if not any(key in row for key in self.keys):
            return ABSENT
        return " · ".join(f"{row[key]:.{self.digits}f}" if key in row else ABSENT for key in self.keys)


def columns(levels: Iterable[int]) -> list[Column]:
    """Return the columns of the main table."""
    levels = list(levels)
    named = " · ".join(str(level) for level in levels)
    most = max(levels)
    return [
        Column(f"accepted/s at {named} clients", tuple(f"accepted@{level}" for level in levels)),
        Column(f"answer p50 · p99 ms at {most}", (f"answer_p50@{most}", f"answer_p99@{most}"), 1),
        Column("complete/s", ("complete",)),
        Column("deliveries/s", ("deliveries",)),
        Column("CPU ms a submission: own · database", ("cpu_ms", "cpu_database_ms"), 2),
        Column("idle → all delivered p50 · p99 ms", ("idle_p50", "idle_p99"), 1),
        Column("RSS MB idle · backlog · after", ("rss_idle", "rss_backlog", "rss_after")),
        Column("backlog s: draining · from the Systems' return", ("drain_s", "back_s"), 1),
        Column("ready s: first start · any other", ("first_s", "ready_s"), 2),
        Column("lost · repeated", SUMMED),
    ]


def table(found: Medians, shown: list[Column]) -> str:
    """Return the main table."""
    rows = [["measured", *(column.head for column in shown)]]
    rows += [[name, *(column.cell(row) for column in shown)] for name, row in found.items() if name != "door"]
    return lines(rows)


def lines(rows: list[list[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


@dataclass(frozen=True)
class Target:
    """One target of the issue: what is compared, how much is asked, in which direction."""

    words: str
    value: Callable[[Medians], float]
    wanted: float
    at_most: bool = False
    unit: str = "×"

    def row(self, found: Medians) -> list[str] | None:
        """Return its line, or None when what it compares was not measured."""
        try:
            value = self.value(found)
        except (KeyError, ZeroDivisionError):
            return None
        met = value <= self.wanted if self.at_most else value >= self.wanted
        sign = "≤" if self.at_most else "≥"
        return [
            self.words,
            _figure(value, self.unit),
            f"{sign} {_figure(self.wanted, self.unit)}",
            "met" if met else "**not met**",
        ]


def _figure(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.0f} %"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - three digits of meaning
    return f"{value:.{digits}f}{unit}" if unit == "×" else f"{value:.{digits}f} {unit}"


def ratio(key: str, one: str, other: str) -> Callable[[Medians], float]:
    """Return a comparison of one figure of two candidates."""
    return lambda found: found[one][key] / found[other][key]


def figure(key: str, one: str = "hub") -> Callable[[Medians], float]:
    """Return a plain figure of one candidate."""
    return lambda found: found[one][key]


def _drain(one: str) -> Callable[[Medians], float]:
    return lambda found: found[one]["drain_s"] / (found[one]["backlog"] / found[one]["complete"])


ACCEPTED = "accepted@64"
TARGETS = [
    Target("accepted at 64, hub : Procrastinate", ratio(ACCEPTED, "hub", "procrastinate"), 8),
    Target("accepted at 64, hub : prototype with the same client (the hub's door)",
           ratio(ACCEPTED, "hub", "prototype-door"), 0.6, unit="%"),
    Target("accepted at 64, hub : prototype on httpx", ratio(ACCEPTED, "hub", "prototype-httpx"), 0.6, unit="%"),
    Target("complete, hub : Procrastinate", ratio("complete", "hub", "procrastinate"), 25),
    Target("complete, hub : prototype with the same client (the hub's door)",
           ratio("complete", "hub", "prototype-door"), 0.6, unit="%"),
    Target("complete, hub : prototype on httpx", ratio("complete", "hub", "prototype-httpx"), 0.6, unit="%"),
    Target("deliveries, hub : its HTTP door alone on one core",
           lambda found: found["hub"]["deliveries"] / found["door"]["posts"], 0.5, unit="%"),
    Target("idle submit → all delivered, p50", figure("idle_p50"), 6, at_most=True, unit="ms"),
    Target("idle submit → all delivered, p99", figure("idle_p99"), 20, at_most=True, unit="ms"),
    Target("answer p99 at 64 clients", figure("answer_p99@64"), 100, at_most=True, unit="ms"),
    Target("RSS idle", figure("rss_idle"), 120, at_most=True, unit="MB"),
    Target("RSS with the backlog", figure("rss_backlog"), 200, at_most=True, unit="MB"),
    Target("RSS late : early in the long run", figure("rss_growth"), 1.1, at_most=True),
    Target("backlog drained : time at the steady rate", _drain("hub"), 1.3, at_most=True),
    Target("PostgreSQL, drained : time at the steady rate", _drain("hub-pg"), 1.3, at_most=True),
    Target("PostgreSQL one process : SQLite, accepted at 64", ratio(ACCEPTED, "hub-pg", "hub"), 0.8, unit="%"),
    Target("PostgreSQL one process : SQLite, complete", ratio("complete", "hub-pg", "hub"), 0.8, unit="%"),
    Target("PostgreSQL web + worker : one process, accepted at 64", ratio(ACCEPTED, "hub-pg-split", "hub-pg"), 1.6),
    Target("start-up to ready", figure("ready_s"), 1.5, at_most=True, unit="s"),
    Target("beyond: accepted at 64, hub : prototype with the hand-written client",
           ratio(ACCEPTED, "hub", "prototype-hand"), 0.6, unit="%"),
    Target("beyond: complete, hub : prototype with the hand-written client",
           ratio("complete", "hub", "prototype-hand"), 0.6, unit="%"),
    Target("lost, all candidates", lambda found: sum(row.get("lost", 0) for row in found.values()), 0, at_most=True,
           unit=""),
]  # fmt: skip


def targets(found: Medians, asked: Iterable[Target] = TARGETS) -> str:
    """Return the targets that could be judged."""
    rows = [row for target in asked if (row := target.row(found)) is not None]
    return lines([["target", "measured", "asked", ""], *rows])


NOISE = 0.1


def noise(others: float) -> str:
    """Return the line that says what share of all cores other programs took."""
    warning = " That is much: run it again on a quieter machine." if others > NOISE else ""
    return f"Other programs took {others:.0%} of all cores (median of the runs).{warning}"


PAGE = ROOT / "docs/performance.md"


def offer_places(parser: argparse.ArgumentParser) -> None:
    """Let a program be asked where to keep its report."""
    parser.add_argument("--page", action="store_true", help="put the report into docs/performance.md")
    parser.add_argument("--markdown", type=Path, help="write the report to this file as well")


def place(text: str, mark: str) -> None:
    """Put a report into docs/performance.md, between `<!-- mark -->` and `<!-- /mark -->`."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def publish(text: str, mark: str, file: Path | None, *, page: bool) -> None:
    """Print a report, and keep it where it was asked for."""
    print(text)
    if file is not None:
        file.write_text(text, encoding="utf-8")
    if page:
        place(text, mark)


def commit() -> str:
    """Return what is checked out, with a mark when files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "unknown"


def setting(command: str, state: str) -> str:
    """Return the line that says where and when this was."""
    today = datetime.now(UTC).date().isoformat()
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return (
        f"`{command}`, {today}, commit {state}, {os.cpu_count()} cores ({model}), CPython {platform.python_version()}"
    )
