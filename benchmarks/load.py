"""The load generator: a process of its own, keep-alive connections, one request at a time on each.

A closed loop, each client sending the next when the last was answered; with `per_second` at a steady rate instead.

    python -m benchmarks.load '{"port": 8000, "path": "/…", "clients": 64, "count": 2000}'

Prints one JSON line: answers a second, answer times, processor time. With `log`, writes a line per accepted reference.
"""

import asyncio
import json
import re
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httptools
import uvloop

from benchmarks.world import TEMPLATE

RETRY_S = 0.05
LONGEST_S = 600.0
GOOD = (200, 201, 202)
_BLANK = re.compile(rb"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Order:
    """What to send: `count` submissions, or as many as fit in `seconds` after `warm` seconds that do not count."""

    port: int
    path: str
    clients: int = 1
    count: int = 0
    seconds: float = 0.0
    warm: float = 0.0
    gap: float = 0.0
    """Seconds each client pauses after an answer."""
    per_second: float = 0.0
    """Submissions a second from all clients together, sent when they are due; an answer is waited for by its client."""
    headers: dict[str, str] = field(default_factory=dict)
    log: str = ""


class Bodies:
    """Makes requests: the template with an id and a number nobody used before, reported at this moment."""

    def __init__(self, order: Order) -> None:
        prefix = str(uuid4())[:24]
        self._prefix = prefix.encode()
        self._parts = _BLANK.split(TEMPLATE)
        self.made = 0
        size = len(b"".join(self._filled(b"-" * 36)))
        lines = [f"POST {order.path} HTTP/1.1", f"Host: 127.0.0.1:{order.port}", "Content-Type: application/json",
                 f"Content-Length: {size}", *(f"{name}: {value}" for name, value in order.headers.items())]  # fmt: skip
        self._head = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"

    def __call__(self) -> tuple[bytes, bytes]:
        """Return the next reference and the request that carries it."""
        self.made += 1
        reference = b"%s%012x" % (self._prefix, self.made)
        return reference, b"".join((self._head, *self._filled(reference)))

    def _filled(self, reference: bytes) -> list[bytes]:
        values = {b"id": reference, b"n": b"%010d" % self.made, b"now": _now()}
        return [values[part] if place % 2 else part for place, part in enumerate(self._parts)]


def _now() -> bytes:
    """Return the moment as phones write it, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").encode()


class Run:
    """One run: what all clients share."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.bodies = Bodies(order)
        self.waits_ms: list[float] = []
        self.accepted: list[tuple[bytes, int]] = []
        self.counted = self.refused = self.broken = self.ended = 0
        self.statuses: dict[int, int] = {}
        self.started_ns = time.monotonic_ns()
        self.from_ns = self.started_ns + int(order.warm * 1e9)
        self.until_ns = self.from_ns + int((order.seconds or LONGEST_S) * 1e9)
        self.last_ns = self.started_ns
        self.slots = 0
        self.latest_s = 0.0
        self.over = asyncio.get_running_loop().create_future()

    def more(self) -> bool:
        """Say whether another request is to be sent."""
        order = self.order
        return (not order.count or self.bodies.made < order.count) and time.monotonic_ns() < self.until_ns

    def pause_s(self) -> float:
        """Return how long a client that could send waits: until the next submission is due, or all is over."""
        if not self.order.per_second:
            return self.order.gap
        due_ns = min(self.until_ns, self.started_ns + int(self.slots * 1e9 / self.order.per_second))
        self.slots += 1
        pause = (due_ns - time.monotonic_ns()) / 1e9
        self.latest_s = max(self.latest_s, -pause)
        return max(0.0, pause)

    def note(self, reference: bytes, sent_ns: int, status: int) -> None:
        """Note one answer."""
        now = time.monotonic_ns()
        if status not in GOOD:
            self.refused += 1
            self.statuses[status] = self.statuses.get(status, 0) + 1
            return
        self.accepted.append((reference, sent_ns))
        if self.from_ns <= now <= self.until_ns:
            self.counted += 1
            self.last_ns = now
            self.waits_ms.append((now - sent_ns) / 1e6)

    def leave(self) -> None:
        """Note that one client is done."""
        self.ended += 1
        if self.ended == self.order.clients and not self.over.done():
            self.over.set_result(None)

    def result(self) -> dict[str, Any]:
        """Return what is printed."""
        end_ns = self.last_ns if self.order.count else self.until_ns
        own = resource.getrusage(resource.RUSAGE_SELF)
        waits = sorted(self.waits_ms)
        return {
            "sent": self.bodies.made,
            "accepted": len(self.accepted),
            "refused": self.refused,
            "statuses": self.statuses,
            "broken": self.broken,
            "per_second": self.counted / max((end_ns - self.from_ns) / 1e9, 1e-9),
            "p50_ms": _share(waits, 0.5),
            "p99_ms": _share(waits, 0.99),
            "most_ms": _share(waits, 1.0),
            "late_ms": self.latest_s * 1000,
            "started_ns": self.started_ns,
            "seconds": (time.monotonic_ns() - self.started_ns) / 1e9,
            "cpu_s": own.ru_utime + own.ru_stime - _SPENT,
            "cpu_all_s": own.ru_utime + own.ru_stime,
        }


def _share(ordered: list[float], share: float) -> float:
    return ordered[int((len(ordered) - 1) * share)] if ordered else 0.0


class Client(asyncio.Protocol):
    """One connection: sends the next submission when the last one was answered."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._reference = b""
        self._sent_ns = 0
        self._left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._parser = httptools.HttpResponseParser(self)
        self._send_after(self._run.pause_s() if self._run.order.per_second else 0)

    def _send_after(self, pause_s: float) -> None:
        if pause_s:
            asyncio.get_running_loop().call_later(pause_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if not self._run.more():
            self._left = True
            self._transport.close()
            self._run.leave()
            return
        self._reference, request = self._run.bodies()
        self._sent_ns = time.monotonic_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._run.note(self._reference, self._sent_ns, self._parser.get_status_code())
        self._reference = b""
        self._send_after(self._run.pause_s())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface of a protocol
        if not self._left:
            self._run.broken += bool(self._reference)
            asyncio.get_running_loop().call_later(RETRY_S, asyncio.ensure_future, connect(self._run))


async def connect(run: Run) -> None:
    """Connect one client; while nobody listens, try again."""
    while run.more():
        try:
            await asyncio.get_running_loop().create_connection(lambda: Client(run), "127.0.0.1", run.order.port)
        except OSError:
            run.broken += 1
            await asyncio.sleep(RETRY_S)
        else:
            return
    run.leave()


async def generate(order: Order) -> Run:
    """Send all there is to send and return what came of it."""
    run = Run(order)
    for _ in range(order.clients):
        await connect(run)
    await run.over
    return run


def main() -> None:
    order = Order(**json.loads(sys.argv[1]))
    run = uvloop.run(generate(order))
    if order.log:
        lines = (f"{reference.decode()} {sent_ns}\n" for reference, sent_ns in run.accepted)
        Path(order.log).write_text("".join(lines), encoding="ascii")
    sys.stdout.write(json.dumps({**asdict(order), **run.result()}) + "\n")


_BEGUN = resource.getrusage(resource.RUSAGE_SELF)
_SPENT = _BEGUN.ru_utime + _BEGUN.ru_stime
"""Processor time of starting Python, which is no part of generating load."""

if __name__ == "__main__":
    main()
