"""A proxy on loopback that loses what passes through it, for tests that ask what happens then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

Losing = Callable[[bytes], str]
"""What is lost of bytes on their way: "" nothing, "request" they themselves, "reply" what the server answers them."""
CHUNK = 65_536


class Proxy:
    """Passes bytes between its own port and a server until `losing` says that something gets lost."""

    def __init__(self, losing: Losing, *, port: int = 0, path: str = "") -> None:
        self.losing, self.lost = losing, 0
        self._port, self._path = port, path
        self._under_way: set[asyncio.Task[None]] = set()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._path:
            return await asyncio.open_unix_connection(self._path)
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        far_reader, far_writer = await self._connect()
        answers = asyncio.create_task(_carry(far_reader, writer))
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            what, data = await self._forward(reader, far_writer)
            answers.cancel()
            await asyncio.wait([answers])
            if what == "reply":
                far_writer.write(data)
                await far_reader.read(CHUNK)
            self.lost += bool(what)
        answers.cancel()
        for end in (writer, far_writer):
            end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> tuple[str, bytes]:
        """Pass on what comes until something is to be lost; return what, and the bytes it is about."""
        while data := await reader.read(CHUNK):
            if what := self.losing(data):
                return what, data
            far.write(data)
            await far.drain()
        return "", b""

    async def stop(self) -> None:
        """End every connection under way."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def listening(proxy: Proxy) -> AsyncIterator[int]:
    """Let a proxy listen on a free port, and return the port."""
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await proxy.stop()
