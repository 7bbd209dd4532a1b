"""One size measured: what grows slower with it would show in claim, status, list, prefill, accept or complete."""

import http.client
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from urllib.parse import quote

import orjson

from benchmarks import scenarios
from benchmarks.candidates import Candidate
from benchmarks.rig import Rig
from benchmarks.scenarios import Figures, share

READS = 200
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

    def median_ms(self, paths: Sequence[str]) -> float:
        """Return the median answer time over these paths, each asked as often as the others."""
        waits = []
        for path in islice(cycle(paths), READS):
            began = time.perf_counter()
            self.get(path)
            waits.append((time.perf_counter() - began) * 1000)
        return share(waits, 0.5)


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


def reads(candidate: Candidate, old: Sequence[str], places: Sequence[str]) -> Figures:
    """Measure the three questions people ask: what became of one, my list, what is known at a Place."""
    reader = Reader(candidate)
    mine = "/api/v1/submissions?mine=true&limit=50"
    newest = [line["id"] for line in orjson.loads(reader.get(mine))]
    shown = [f"/api/v1/submissions/{each}" for each in [*newest[: len(old) or None], *old]]
    known = [f"/api/v1/forms/visit/prefill?place={quote(code)}" for code in places]
    return {"status_ms": reader.median_ms(shown), "list_ms": reader.median_ms([mine]),
            "prefill_ms": reader.median_ms(known)}  # fmt: skip


def measure(rig: Rig, make: Callable[[bool], Candidate], old: Sequence[str], places: Sequence[str]) -> Figures:
    """Return all figures of one size."""
    found = claim(rig, make)
    candidate = make(True)
    candidate.start()
    try:
        scenarios.warm(rig, candidate)
        found["ready_s"] = candidate.ready_s
        for more in (scenarios.accept(rig, candidate, scenarios.MOST, 2.0), scenarios.complete(rig, candidate, 2000)):
            found.update(more | {name: found[name] + more[name] for name in ("lost", "repeated")})
        found.update(reads(candidate, old, places))
    finally:
        candidate.stop()
    return found
