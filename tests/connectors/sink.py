"""A System that misbehaves on purpose: a small HTTP server on loopback that answers exactly as it is told.

    async with Sink() as sink:
        sink.say(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        ...sink.url, sink.requests

An answer is a list of steps: bytes to write, seconds (a number) to wait, a Flood, or one of CLOSE, RESET, HANG, KEEP,
FORGET. The last answer given is repeated. By default it reads the whole request first; `say(..., after=n)` acts after n
bytes of it. `on(mark, ...)` answers requests that hold some bytes (a key, a path), each mark with its own queue.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

CLOSE: Final = "close"
RESET: Final = "reset"
HANG: Final = "hang"
KEEP: Final = "keep"
"""Store the request, as a System does that takes it over."""
FORGET: Final = "forget"
"""Lose what was stored last."""


@dataclass(frozen=True)
class Flood:
    """The same piece again and again, as fast as it is taken; nothing of it is held in memory."""

    piece: bytes
    times: int


Step = bytes | float | str | Flood


def drip(text: bytes, every_s: float) -> tuple[Step, ...]:
    """Write one byte at a time."""
    return tuple(step for byte in text for step in (bytes([byte]), every_s))


def answer(status: int = 200, body: bytes = b"{}", headers: str = "", *, length: int | None = None) -> bytes:
    """Write a plain answer; `length` may lie about the body."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} Said\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def answer_json(content: object, status: int = 200) -> bytes:
    """Write a JSON answer."""
    return answer(status, json.dumps(content).encode(), "Content-Type: application/json\r\n")


@dataclass
class Sink:
    """The server and what it has seen."""

    requests: list[bytes] = field(default_factory=list)
    """What came, raw, and when it had come, in seconds of the steady clock."""
    times: list[float] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    """What it stored."""
    pieces: int = 0
    """Writes that were taken from it."""
    connections: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None
    _answers: list[tuple[int | None, tuple[Step, ...]]] = field(default_factory=list)
    _said: int = 0
    _marked: dict[bytes, list[tuple[Step, ...]]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def reaches(self) -> list[str]:
        """The grant that covers it."""
        return [f"127.0.0.1:{self.port}"]

    def say(self, *steps: Step, after: int | None = None) -> Self:
        """Queue one answer."""
        self._answers.append((after, steps))
        return self

    def on(self, mark: bytes, *steps: Step) -> Self:
        """Queue one answer for the requests that hold some bytes."""
        self._marked.setdefault(mark, []).append(steps)
        return self

    def seen(self, mark: bytes) -> int:
        """How many requests held some bytes."""
        return sum(mark in each for each in self.requests)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._turn(reader, writer):
                pass
        writer.close()
        self._talks.discard(talk)

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        after = self._answers[min(self._said, len(self._answers) - 1)][0] if self._answers else None
        received = await (_whole(reader) if after is None else reader.readexactly(after))
        self.times.append(time.monotonic())
        self.requests.append(received)
        for step in self._script(received):
            if not await self._do(step, writer):
                return False
        return True

    def _script(self, received: bytes) -> tuple[Step, ...]:
        for mark, scripts in self._marked.items():
            if mark in received:
                return scripts.pop(0) if len(scripts) > 1 else scripts[0]
        self._said += 1
        return self._answers[min(self._said, len(self._answers)) - 1][1]

    async def _do(self, step: Step, writer: asyncio.StreamWriter) -> bool:
        """Do one step; say whether the connection lives on."""
        if isinstance(step, bytes | Flood):
            await self._write(step if isinstance(step, Flood) else Flood(step, 1), writer)
        elif isinstance(step, int | float):
            await asyncio.sleep(step)
        elif step == HANG:
            await asyncio.Event().wait()
        elif step == KEEP:
            self.kept.append(self.requests[-1])
        elif step == FORGET:
            self.kept.pop()
        elif step == RESET:
            _lose(writer)
        return step not in (RESET, CLOSE)

    async def _write(self, flood: Flood, writer: asyncio.StreamWriter) -> None:
        for _ in range(flood.times):
            writer.write(flood.piece)
            await writer.drain()
            self.pieces += 1


async def _whole(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + (await reader.readexactly(int(sizes[0].split(b":")[1])) if sizes else b"")


def _lose(writer: asyncio.StreamWriter) -> None:
    # Lingering for zero seconds makes the close an RST, which is what a crashed machine or firewall sends.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
