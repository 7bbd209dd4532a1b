"""One connection to a System: a request out, its answer in. Decides nothing about where to or what it means."""

import asyncio
import select
from collections.abc import Callable
from typing import Final, cast

from hub.sdk.door.answer import Answer, Broken
from hub.sdk.errors import Unavailable

READ_BYTES: Final = 4096
"""Read in one go: while the parser goes through it, chunk by chunk, all else waits."""


class Connection(asyncio.BufferedProtocol):
    """A connection that carries one exchange after another, never two at once."""

    def __init__(self, place: str, on_lost: Callable[["Connection"], None]) -> None:
        self.idle_since = 0.0
        self._place = place
        self._on_lost = on_lost
        self._lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._readable = select.poll()
        self._buffer = bytearray(READ_BYTES)
        self._answer: Answer | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def exchange(self, request: bytes, answer: Answer, until: float) -> bool:
        """Send a request and fill its answer; return whether the connection may be kept.

        Raises Unavailable when nothing was sent, Broken for no complete answer, TimeoutError at `until` (loop time).
        """
        if self._transport is None or self._transport.is_closing():
            raise Unavailable(f"{self._place}: no connection (closed at once)")
        loop = asyncio.get_running_loop()
        self._answer, self._waiter = answer, loop.create_future()
        deadline = loop.call_at(until, self._fail, TimeoutError())
        kept = False
        try:
            self._transport.write(request)
            await self._waiter
            # An answer before its request has left entirely leaves the rest of it in the way of the next one.
            kept = answer.leaves_open and not self._transport.get_write_buffer_size()
            return kept
        finally:
            deadline.cancel()
            self._answer = self._waiter = None
            answer.release()
            if not kept:
                self.abort()

    def is_at_rest(self) -> bool:
        """Ask the System's end, not our memory: nothing may wait to be read, above all not that it has closed."""
        return self._transport is not None and not self._transport.is_closing() and not self._readable.poll(0)

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def aclose(self) -> None:
        """Drop the connection and wait until it is gone."""
        self.abort()
        await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - always the same few bytes
        """Say where to put what comes next."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what came; nothing may come unasked."""
        if self._answer is None:
            self.abort()
            return
        self._answer.feed(bytes(memoryview(self._buffer)[:nbytes]))
        self._settle(self._answer)

    def eof_received(self) -> None:
        """Take an orderly end as the answer's end where it said so; over TLS, uvloop calls this for a goodbye only."""
        if self._answer is not None:
            self._answer.end()
            self._settle(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._transport = None
        self._on_lost(self)
        self._lost.set()
        self._fail(Broken(f"{self._place}: the answer broke off ({type(exc).__name__ if exc else 'closed'})"))

    def _settle(self, answer: Answer) -> None:
        if answer.fault:
            self._fail(Broken(answer.fault))
        elif answer.complete and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
