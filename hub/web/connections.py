"""How much and how long a connection may ask before there is anything to judge; and who gives way when all are taken.

uvicorn reads HTTP. This guards what it leaves open: a head without end, one that never comes, a body that drips, an
answer nobody reads, more connections than there are files to open. Each waits for somebody: for us, or for the other
side. Only those that wait for the other side have a deadline, and can be made to give way.
"""

import asyncio
import logging
import resource
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import inf
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hub.catalog.messages import Messages
from hub.errors import Problem
from hub.web.problems import refuse
from hub.web.security import source_of

MOST_CONNECTIONS, FILES_FOR_OTHERS = 1_000, 200
"""Connections, where there are enough files to open; of those so many stay for database, photos and Systems."""
MOST_HEAD_BYTES, MOST_FIELDS, MOST_PIPELINED = 32 * 1024, 100, 16
_REFUSED = {
    400: Problem("request.malformed", 400),
    408: Problem("request.too_slow", 408),
    431: Problem("request.head_too_large", 431, most=MOST_HEAD_BYTES, fields=MOST_FIELDS),
    503: Problem("hub.crowded", 503, retry_after=5),
}
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)  # a stranger's rubbish is no event: it could fill any disk


@dataclass(frozen=True)
class Patience:
    """How long a connection may wait for the other side, in seconds."""

    head: float = 15
    """From its beginning, or from the first byte of a further request, until the whole head is there."""
    body: float = 30
    """From the head until the body begins to come; then it may take as long again for each `body * least_rate`."""
    least_rate: float = 1024
    """Bytes a second, on average."""
    answer: float = 30
    """Until the other side has read some of what waits to be sent."""
    idle: float = 10
    """For a further request, or for the end of a connection that is being closed."""
    look_every: float = 1
    """How exactly all this is kept."""


class _TooLarge(Exception):
    """A head has more than anybody needs."""


@dataclass(eq=False)
class Gate:
    """All connections of a server: how many, whose, and for how long each may wait."""

    refusals: Mapping[int, bytes]
    most: int
    patience: Patience = field(default_factory=Patience)
    _open: set["Guarded"] = field(default_factory=set)
    _sweeping: asyncio.TimerHandle | None = None

    def admit(self, connection: "Guarded") -> bool:
        """Let a connection in, if need be for others that wait longest; say whether there was room."""
        if self._sweeping is None:
            self._sweeping = self._look_again(connection.loop)
        if len(self._open) >= self.most and not self._make_room():
            return False
        self._open.add(connection)
        return True

    def forget(self, connection: "Guarded") -> None:
        """Let a connection go."""
        self._open.discard(connection)

    def _make_room(self) -> bool:
        """Close some that wait for the other side, of who has the most; a few at once, or a rush would cost much."""
        crowds = defaultdict[str, list[Guarded]](list)
        for connection in self._open:
            crowds[connection.source].append(connection)
        share = self.most // len(crowds)
        for crowd in sorted(crowds.values(), key=len, reverse=True):
            waiting = sorted((one for one in crowd if one.rank), key=lambda one: (one.rank, one.since))
            many = max(1, min(self.most // 20, len(crowd) - share))
            for connection in waiting[:many]:
                self.forget(connection)
                connection.transport.abort()
            if waiting:
                return True
        return False

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what waited too long."""
        now = loop.time()
        for connection in [one for one in self._open if one.due_at <= now]:
            connection.end_overdue()
        self._sweeping = self._look_again(loop) if self._open else None

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle:
        return loop.call_later(self.patience.look_every, self._sweep, loop)


def open_gate(messages: Messages, patience: Patience | None = None) -> Gate:
    """Return the gate of this process, as wide as the files it may open allow."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    refusals = {status: _answer(problem, messages) for status, problem in _REFUSED.items()}
    return Gate(refusals, most_of(files), patience or Patience())


def most_of(files: int) -> int:
    """Return how many connections there may be where a process may open so many files."""
    return min(MOST_CONNECTIONS, max(files // 4, files - FILES_FOR_OTHERS))


def _answer(problem: Problem, messages: Messages) -> bytes:
    """Return a whole answer as it goes over the wire."""
    told = refuse(problem, messages)
    head = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(), b"connection: close"]
    return b"\r\n".join([*head, *(name + b": " + value for name, value in told.raw_headers), b"", bytes(told.body)])


IDLE, HEAD, BODY, ANSWER = 1, 2, 3, 4
"""What is waited for; those that lose least by it give way first."""


class Guarded(HttpToolsProtocol):
    """uvicorn's connection with deadlines and caps; made by `guarded_by`."""

    gate: Gate

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _log
        self.source = ""
        self.rank = 0
        """What is waited for; nothing while the hub is at work."""
        self.since, self.due_at = 0.0, inf
        self._unread = self._received = self._unsent = 0
        """Bytes since the last piece of a body or whole head; bytes of the body; bytes that waited at the last look."""
        self._is_over = self._is_whole = False
        """Whether nothing more is read; whether the request under way has come whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection, or say that there is no room."""
        super().connection_made(transport)
        self.source = source_of(self.client[0] if self.client else "")
        if self.gate.admit(self):
            self._wait(HEAD, self.gate.patience.head)
        else:
            self._is_over = True
            self.transport.write(self.gate.refusals[503])
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let it go."""
        self.gate.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, as far as it is worth reading."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        if self.rank == IDLE:
            self._wait(HEAD, self.gate.patience.head)
        self._unread += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # answered as if it had not asked; what follows is no HTTP any more
            self._is_over = True
        except httptools.HttpParserError as error:
            self._refuse(431 if isinstance(error.__context__, _TooLarge) else 400)
        if self._unread > MOST_HEAD_BYTES:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        """Judge the head before anything is done about it; raises _TooLarge."""
        self._demand_small()
        if len(self.pipeline) >= MOST_PIPELINED:
            raise _TooLarge
        self._unread = self._received = 0
        self._is_whole = False
        self._wait(BODY, self.gate.patience.body)
        super().on_headers_complete()

    def _demand_small(self) -> None:
        if len(self.headers) > MOST_FIELDS:
            raise _TooLarge
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD_BYTES:
            raise _TooLarge

    def on_body(self, body: bytes) -> None:
        """Give a body more time by what came of it."""
        super().on_body(body)
        self._unread = 0
        self._received += len(body)
        if self.rank == BODY and not self.cycle.response_complete:
            self.due_at = self.since + self.gate.patience.body + self._received / self.gate.patience.least_rate

    def on_message_complete(self) -> None:
        """Go to work, for as long as that takes."""
        self._demand_small()  # a chunked body may have brought more fields
        super().on_message_complete()
        self._unread, self._is_whole = 0, True
        if self.cycle.response_complete:
            self._wait(IDLE, self.gate.patience.idle)
        else:
            self._wait(0, inf)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that was answered before it had come whole."""
        at_work = bool(self.pipeline)
        super().on_response_complete()
        if self.transport.is_closing() or not self._is_whole:
            self._wait(ANSWER, self.gate.patience.idle)
        elif not at_work:
            self._wait(IDLE, self.gate.patience.idle)

    def pause_writing(self) -> None:
        """Wait until somebody reads what was sent."""
        super().pause_writing()
        self._wait(ANSWER, self.gate.patience.answer)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait(0, inf) if self._is_whole else self._wait(BODY, self.gate.patience.body)

    def timeout_keep_alive_handler(self) -> None:
        """End a connection nothing came on; what it was sent last may still be on its way."""
        super().timeout_keep_alive_handler()
        self._wait(ANSWER, self.gate.patience.idle)

    def end_overdue(self) -> None:
        """End what waited too long, with a word where one can be said; who is only slow gets as long again."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if self.rank == BODY and self.flow.read_paused:
            self._wait(BODY, self.gate.patience.body)  # held up by us
        elif 0 < self._unsent < before or (self._unsent and not before):
            self._wait(self.rank, self.gate.patience.answer)
        elif self.rank == HEAD and self._unread and not self._is_over:
            self._refuse(408)
        else:
            self.transport.abort()

    def _wait(self, rank: int, seconds: float) -> None:
        now = self.loop.time()
        self.rank, self.since, self.due_at = rank, now, now + seconds

    def _refuse(self, status: int) -> None:
        """Say why and hang up; what comes meanwhile is not kept, and an answer under way is not cut into."""
        if self._is_over or self.transport.is_closing():
            return
        self._is_over = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(self.gate.refusals[status])
        self.transport.write_eof()
        self._wait(ANSWER, self.gate.patience.idle)


def guarded_by(gate: Gate) -> type[Guarded]:
    """Return the connections of one server."""
    return type("GuardedHere", (Guarded,), {"gate": gate})
