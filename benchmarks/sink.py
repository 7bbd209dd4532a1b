"""The Systems: a process of its own that takes POSTs on one port a System and remembers which reference came when.

    python -m benchmarks.sink [how many]

Talks JSON lines: first the ports, then an answer to each command on stdin. `reset` · `stats` · `refuse` (connections
are refused, the ports stay ours) · `accept` · `hang N` (System N answers nothing) · `dump FILE`.
"""

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httptools
import uvloop

REFERENCE = re.compile(rb'"reference": ?"([0-9a-f-]{36})"')
CLOSING_S = 0.05
_CREATED = b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n%09d"
_AMISS = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 0\r\n\r\n"


def _bound(port: int) -> socket.socket:
    """Return a socket bound to a port that only sockets of ours can share."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


class System:
    """One destination: its port, and of each reference how often it came and when first."""

    def __init__(self) -> None:
        self.seen: dict[bytes, list[int]] = {}
        self.open: set[Wire] = set()
        self.hangs = False
        self.amiss = 0
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self.server: asyncio.AbstractServer | None = None

    async def accept(self) -> None:
        """Take connections."""
        if self.server is None:
            loop = asyncio.get_running_loop()
            self.server = await loop.create_server(lambda: Wire(self), sock=_bound(self.port), backlog=1024)

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones; a socket that never listens keeps the port ours."""
        if self.server is None:
            return
        self.server.close()
        self.server = None
        for wire in tuple(self.open):
            wire.cut()
        await asyncio.sleep(CLOSING_S)

    def take(self, body: bytes) -> bytes | None:
        """Note one POST and return the answer, or None to leave it unanswered."""
        found = REFERENCE.search(body)
        if found is None:
            self.amiss += 1
            return _AMISS
        if self.hangs:
            return None
        entry = self.seen.get(found[1])
        if entry is None:
            self.seen[found[1]] = [1, time.monotonic_ns()]
        else:
            entry[0] += 1
        return _CREATED % len(self.seen)


class Wire(asyncio.Protocol):
    """One connection of a sender."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._answers: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._system.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface of a protocol
        self._system.open.discard(self)

    def cut(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        answer = self._system.take(self._body)
        if answer is not None:
            self._answers.append(answer)


class Desk:
    """Carries out what the measuring process asks for."""

    def __init__(self, systems: list[System]) -> None:
        self._systems = systems

    async def reset(self) -> None:
        for system in self._systems:
            system.seen.clear()
            system.amiss, system.hangs = 0, False

    async def accept(self) -> None:
        for system in self._systems:
            await system.accept()

    async def refuse(self) -> None:
        for system in self._systems:
            await system.refuse()

    async def hang(self, number: str) -> None:
        self._systems[int(number)].hangs = True

    async def stats(self) -> list[dict[str, int]]:
        return [
            {
                "unique": len(system.seen),
                "repeated": sum(entry[0] for entry in system.seen.values()) - len(system.seen),
                "last_ns": max((entry[1] for entry in system.seen.values()), default=0),
                "amiss": system.amiss,
            }
            for system in self._systems
        ]

    async def counts(self) -> list[int]:
        return [len(system.seen) for system in self._systems]

    async def dump(self, file: str) -> None:
        lines = [
            f"{number} {reference.decode()} {count} {first_ns}\n"
            for number, system in enumerate(self._systems)
            for reference, (count, first_ns) in system.seen.items()
        ]
        await asyncio.to_thread(Path(file).write_text, "".join(lines))


async def serve(count: int) -> None:
    """Serve until stdin ends."""
    systems = [System() for _ in range(count)]
    desk = Desk(systems)
    await desk.accept()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say([system.port for system in systems])
    while line := (await reader.readline()).decode().split():
        act: Callable[..., Any] = getattr(desk, line[0])
        _say(await act(*line[1:]))


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
