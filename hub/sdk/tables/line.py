"""The line to a database: carries what its driver and it say to each other, and no more answer than so many bytes.

The driver keeps whatever an answer holds, an error's words or a notice too, before anybody can look at it. So it is
given a port of this machine instead of the database's own, behind which this line counts. It reads nothing: TLS, where
it is spoken, is between driver and database.
"""

import asyncio
import contextlib
from typing import Final

from hub.sdk.door.trust import check_peer

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of the answers in one session: a row read back, twice as long as a submission may be, and what its table is like."""
_PIECE_BYTES: Final = 65_536


class Line:
    """One line, open from `connect` to `aclose`."""

    def __init__(self, place: str, most_bytes: int = MOST_BYTES) -> None:
        self.port = 0
        self.fault = ""
        """Why it was cut; empty while it was not."""
        self.place = place
        self._most_bytes = most_bytes
        self._left = most_bytes
        self._server: asyncio.Server | None = None
        self._far: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._ends: list[asyncio.StreamWriter] = []
        self._carrying: list[asyncio.Task[None]] = []

    async def connect(self, literals: list[str], port: int, within_s: float) -> None:
        """Reach the first judged address that answers in its share of the time; then `self.port` leads there, once."""
        failure = OSError(f"{self.place} has no address")
        for literal in literals:
            try:
                async with asyncio.timeout(within_s / len(literals)):
                    self._far = await asyncio.open_connection(literal, port)
            except (OSError, TimeoutError) as error:
                failure = error
                continue
            self._ends.append(self._far[1])
            check_peer(literal, self._far[1].get_extra_info("peername"), self.place)
            self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            return
        raise failure

    def cut(self, why: str) -> None:
        """End it at once; whoever waits for something on it waits no more."""
        self.fault = self.fault or why
        for end in self._ends:
            end.transport.abort()

    async def aclose(self) -> None:
        """Let go of both ends."""
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _take(self, near: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the driver's end, and nobody else's after it."""
        if self._server is None or self._far is None or self._carrying:
            writer.transport.abort()
            return
        self._server.close()
        self._ends.append(writer)
        far, far_writer = self._far
        self._carrying += [
            asyncio.create_task(self._ask(near, far_writer)),
            asyncio.create_task(self._answer(far, writer)),
        ]

    async def _ask(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while said := await near.read(_PIECE_BYTES):
                far.write(said)
                await far.drain()
        far.close()

    async def _answer(self, far: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while said := await far.read(_PIECE_BYTES):
                self._left -= len(said)
                if self._left < 0:
                    self.cut(f"the database says more than {self._most_bytes} bytes")
                    return
                near.write(said)
                await near.drain()
        near.close()
