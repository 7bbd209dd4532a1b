"""One size measured: what grows slower with it would show in claim, status, list, prefill, accept or complete."""

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from urllib.parse import quote

import orjson

from benchmarks import scenarios
from benchmarks.candidates import Candidate
from benchmarks.rig import Rig
from benchmarks.scenarios import Figures, share

READS = 200
QUESTIONS = ("status_ms", "list_ms", "prefill_ms")
CLAIMED = 1500


class Reader:
    """One kept connection that reads as the signed-in person."""

    def __init__(self, candidate: Candidate) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", candidate.port, timeout=30)
        self._headers = candidate.headers

    def get(self, path: str) -> bytes:
        """Return the body of a 200."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"GET {path}: {answer.status} {body.decode()[:300]}")
        return body

    def paths(self, old: Sequence[str], places: Sequence[str]) -> dict[str, list[str]]:
        """Return what people ask: what became of one of mine, new or old, my list, what is known at a Place."""
        mine = "/api/v1/submissions?mine=true&limit=50"
        newest = [line["id"] for line in orjson.loads(self.get(mine))]
        shown = [f"/api/v1/submissions/{each}" for each in [*newest[: len(old) or None], *old]]
        known = [f"/api/v1/forms/visit/prefill?place={quote(code)}" for code in places]
        return {"status_ms": shown, "list_ms": [mine], "prefill_ms": known}


def claim(rig: Rig, make: Callable[[bool], Candidate]) -> Figures:
    """Let a hub that does not deliver accept some, then measure how fast another one finds and delivers them."""
    rig.sink.do("reset")
    accepting = make(False)
    accepting.start()
    try:
        seen = rig.load(accepting, clients=scenarios.MOST, count=CLAIMED)
    finally:
        accepting.stop()
    delivering = make(True)
    delivering.start()
    try:
        arrivals = rig.settle(seen["accepted"])
    finally:
        delivering.stop()
    seconds = max(arrivals.busy_s, 1e-9)
    return {"claimed": arrivals.wanted * len(rig.sink.ports) / seconds, **scenarios.tallied(arrivals)}


def reads(asked: Mapping[str, tuple[Candidate, Sequence[str], Sequence[str]]]) -> dict[str, Figures]:
    """Measure what people ask of hubs that run side by side, one question each in turn.

    A machine's drift from one minute to the next is larger than what these figures are to show.
    """
    readers = {name: Reader(candidate) for name, (candidate, _, _) in asked.items()}
    paths = {name: readers[name].paths(old, places) for name, (_, old, places) in asked.items()}
    found: dict[str, Figures] = {name: {} for name in asked}
    for question in QUESTIONS:
        waits: dict[str, list[float]] = {name: [] for name in asked}
        turns = {name: cycle(mine[question]) for name, mine in paths.items()}
        for _ in range(READS):
            for name, reader in readers.items():
                began = time.perf_counter()
                reader.get(next(turns[name]))
                waits[name].append((time.perf_counter() - began) * 1000)
        for name, each in waits.items():
            found[name][question] = share(each, 0.5)
    return found


def work(rig: Rig, make: Callable[[bool], Candidate]) -> Figures:
    """Return how fast one size accepts, delivers and claims."""
    found = claim(rig, make)
    candidate = make(True)
    candidate.start()
    try:
        scenarios.warm(rig, candidate)
        found["ready_s"] = candidate.ready_s
        for more in (scenarios.accept(rig, candidate, scenarios.MOST, 2.0), scenarios.complete(rig, candidate, 2000)):
            found.update(more | {name: found[name] + more[name] for name in ("lost", "repeated")})
    finally:
        candidate.stop()
    return found
