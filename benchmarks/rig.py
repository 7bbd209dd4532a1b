"""The measuring rig: the Systems' process, runs of the load generator, and the count of what arrived."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from benchmarks.candidates import Candidate
from benchmarks.machine import Watch
from benchmarks.world import ROOT, SYSTEMS

BOTTLENECK = 0.85
"""A load generator or sink that used this share of a core may have been the limit itself."""
QUIET_S = 45.0
PAUSE_S = 0.5
LATE_MS = 50.0


@dataclass(frozen=True)
class Arrivals:
    """What the Systems got of the submissions that were accepted."""

    wanted: int
    lost: int
    repeated: int
    last_ns: int
    busy_s: float
    """From the first to the last arrival, without the pauses in which nothing at all came."""
    complete_ns: Mapping[str, int]
    """When the last of the Systems first had a reference."""


class Sink:
    """The Systems, as a process of its own."""

    def __init__(self, systems: int = SYSTEMS) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sink", str(systems)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            cwd=ROOT, text=True,
        )  # fmt: skip
        self.pid = self._process.pid
        self.ports: list[int] = self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def _listen(self) -> Any:  # noqa: ANN401 - any JSON value
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the sink ended")
        return json.loads(line)

    def do(self, *words: object) -> Any:  # noqa: ANN401 - any JSON value
        """Give the sink a command and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()
        return self._listen()


class Rig:
    """Sink and load generator around one candidate after the other."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        self.folder = folder
        self.sink = sink
        self.notes: list[str] = []
        self.others: list[float] = []
        """The share of all cores other people's processes took, run by run."""

    def watch(self, candidate: Candidate) -> Watch:
        """Return a watch on everybody who takes part, but for the load generator, which tells itself."""
        roles = {"sink": [self.sink.pid], "candidate": candidate.pids()}
        database = candidate.database()
        return Watch({**roles, "database": database} if database else roles)

    def load(self, candidate: Candidate, **order: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of Order
        """Run the load generator against a candidate and return what it saw."""
        words = {"port": candidate.port, "path": candidate.path, "headers": candidate.headers, **order}
        words["log"] = str(self.folder / "accepted")
        watch = self.watch(candidate)
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.load", json.dumps(words)], cwd=ROOT, text=True, check=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        result: dict[str, Any] = json.loads(ran.stdout)
        candidate.demand_alive()
        result["shares"] = watch.shares(result["cpu_all_s"])
        result["shares"]["load"] = result["cpu_s"] / result["seconds"]
        self._judge(candidate, result)
        return result

    def _judge(self, candidate: Candidate, result: dict[str, Any]) -> None:
        shares: dict[str, float] = result["shares"]
        self.others.append(shares["others"])
        for role in ("sink", "load"):
            if shares[role] > BOTTLENECK:
                self.notes.append(
                    f"{candidate.name}, {result['clients']} clients: {role} used {shares[role]:.0%} of a core"
                )
        if not result["accepted"]:
            raise SystemExit(f"{candidate.name} accepted nothing ({result['statuses']}):\n{candidate.log()}")
        if result["late_ms"] > LATE_MS:
            self.notes.append(f"{candidate.name}: the load generator sent up to {result['late_ms']:.0f} ms late")
        if result["refused"] or result["broken"]:
            self.notes.append(
                f"{candidate.name}, {result['clients']} clients: {result['refused']} refused {result['statuses']}, "
                f"{result['broken']} broken off"
            )

    def settle(self, wanted: int, limit_s: float = 300.0, without: int | None = None) -> Arrivals:
        """Wait until every System, but for one that may be left out, has all of the last run's submissions; count."""
        began = moved = time.monotonic()
        before: list[int] = []
        while min(have := _but(self.sink.do("counts"), without)) < wanted:
            now = time.monotonic()
            if have != before:
                before, moved = have, now
            if now - moved > QUIET_S or now - began > limit_s:
                break
            time.sleep(0.02)
        return self._count()

    def _count(self) -> Arrivals:
        self.sink.do("dump", self.folder / "arrived")
        accepted = {line.split()[0] for line in (self.folder / "accepted").read_text().splitlines()}
        seen: dict[str, list[int]] = {}
        repeated = last_ns = 0
        for line in (self.folder / "arrived").read_text().splitlines():
            _, reference, count, first_ns = line.split()
            if reference in accepted:
                seen.setdefault(reference, []).append(int(first_ns))
                repeated += int(count) - 1
                last_ns = max(last_ns, int(first_ns))
        systems = len(self.sink.ports)
        arrived = sum(len(times) for times in seen.values())
        complete = {reference: max(times) for reference, times in seen.items() if len(times) == systems}
        lost = len(accepted) * systems - arrived
        return Arrivals(len(accepted), lost, repeated, last_ns, _busy_s(seen.values()), complete)

    def sent_ns(self) -> dict[str, int]:
        """Return when the last run sent each reference it got accepted."""
        lines = (line.split() for line in (self.folder / "accepted").read_text().splitlines())
        return {reference: int(at) for reference, at in lines}


def _busy_s(arrivals: Iterable[list[int]]) -> float:
    ordered = sorted(at for times in arrivals for at in times)
    gaps = ((later - earlier) / 1e9 for earlier, later in pairwise(ordered))
    return sum(gap for gap in gaps if gap < PAUSE_S)


def _but(counts: list[int], place: int | None) -> list[int]:
    return [count for number, count in enumerate(counts) if number != place]
