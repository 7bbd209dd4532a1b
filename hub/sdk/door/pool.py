"""The connections of one System: opened to judged addresses only, kept a moment between two requests."""

import asyncio
import functools
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final

from hub.clock import Clock, SystemClock
from hub.sdk.door.connection import Connection
from hub.sdk.door.trust import Expiry, check_peer, checked, trusted_tls
from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unavailable

# Below the 5 s after which common servers drop an idle connection: a POST that meets the drop is Unanswered.
KEEP_ALIVE_S: Final = 3.0
RESOLVED_S: Final = 10.0


@dataclass(frozen=True)
class Endpoint:
    """Where a request goes."""

    host: str
    port: int
    tls: bool

    @property
    def place(self) -> str:
        """Its name for people."""
        return f"{self.host}:{self.port}"


class Pool:
    """Open and idle connections of one System."""

    def __init__(
        self,
        egress: Egress,
        tls: ssl.SSLContext | None = None,
        *,
        clock: Clock | None = None,
        keep_s: float = KEEP_ALIVE_S,
    ) -> None:
        self._egress = egress
        self._tls = tls and checked(tls)
        self._expiry = Expiry(clock or SystemClock())
        self._keep_s = keep_s
        self._open: set[Connection] = set()
        self._idle: dict[Endpoint, deque[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._found: dict[Endpoint, tuple[float, list[str]]] = {}
        self._asking: dict[Endpoint, asyncio.Task[list[str]]] = {}

    async def take(self, to: Endpoint, within_s: float) -> Connection:
        """Return a kept connection that is at rest, the freshest first, or a new one. Raises like `_connect`."""
        idle, now = self._idle.get(to), asyncio.get_running_loop().time()
        while idle:
            kept = idle.pop()
            if now - kept.idle_since < self._keep_s and kept.is_at_rest():
                return kept
            kept.abort()
        return await self._connect(to, within_s)

    def keep(self, to: Endpoint, connection: Connection) -> None:
        """Keep a connection for the next request."""
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(to, deque()).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._keep_s, self._sweep)

    async def aclose(self) -> None:
        """Drop every connection and wait until they are gone."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for question in self._asking.values():
            question.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await asyncio.gather(*(each.aclose() for each in self._open))

    def _sweep(self) -> None:
        """Close what has been idle for too long, and come back for the rest."""
        loop = asyncio.get_running_loop()
        too_old = loop.time() - self._keep_s
        for to, idle in tuple(self._idle.items()):
            while idle and idle[0].idle_since <= too_old:
                idle.popleft().abort()
            if not idle:
                del self._idle[to]
        oldest = min((idle[0].idle_since for idle in self._idle.values()), default=None)
        self._sweeper = None if oldest is None else loop.call_at(oldest + self._keep_s, self._sweep)

    async def _connect(self, to: Endpoint, within_s: float) -> Connection:
        """Open a connection. Raises Unavailable when it is not reached, Misconfigured when it is not trusted."""
        try:
            async with asyncio.timeout(within_s):
                return await self._reach(to, await self._literals(to), within_s)
        except ssl.SSLCertVerificationError as failure:
            raise Misconfigured(f"{to.place}: its certificate is not trusted: {failure.verify_message}") from failure
        except (OSError, TimeoutError) as failure:
            raise Unavailable(f"{to.place}: no connection ({type(failure).__name__})") from failure

    async def _reach(self, to: Endpoint, literals: list[str], within_s: float) -> Connection:
        """Try the addresses in turn, each for its share of the time."""
        failure: Exception = OSError(f"{to.place} has no address")
        for literal in literals:
            try:
                async with asyncio.timeout(within_s / len(literals)):
                    return await self._open_one(to, literal)
            except ssl.SSLCertVerificationError:
                raise
            except (OSError, TimeoutError) as failed:
                failure = failed
        raise failure

    async def _open_one(self, to: Endpoint, literal: str) -> Connection:
        loop = asyncio.get_running_loop()
        tls = (self._tls or trusted_tls()) if to.tls else None
        transport, connection = await loop.create_connection(
            lambda: Connection(to.place, self._open.discard),
            literal,
            to.port,
            ssl=tls,
            server_hostname=to.host if tls else None,
        )
        # Counted as open only now: of one given up on while it was being made, uvloop never says that it is gone.
        if not transport.is_closing():
            self._open.add(connection)
        try:
            check_peer(literal, transport.get_extra_info("peername"), to.place)
            self._expiry.note(to.place, transport.get_extra_info("peercert"))
        except Exception:
            connection.abort()
            raise
        return connection

    async def _literals(self, to: Endpoint) -> list[str]:
        """Return the judged addresses; one question at a time, so that a dead resolver costs a System one thread."""
        until, literals = self._found.get(to, (0.0, []))
        if asyncio.get_running_loop().time() < until:
            return literals
        if to not in self._asking:
            self._asking[to] = asyncio.create_task(self._egress.resolve(to.host, to.port))
            self._asking[to].add_done_callback(functools.partial(self._note, to))
        return await asyncio.shield(self._asking[to])

    def _note(self, to: Endpoint, answered: asyncio.Task[list[str]]) -> None:
        del self._asking[to]
        if not answered.cancelled() and answered.exception() is None:
            self._found[to] = (asyncio.get_running_loop().time() + RESOLVED_S, answered.result())
