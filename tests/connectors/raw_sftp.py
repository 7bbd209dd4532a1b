"""An SFTP server that answers with whatever packets a test makes: what a library would never send.

It has a thread of its own, so that only what its answers cost the reader is measured.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncssh

from hub.sdk.egress import Egress, SftpAddress
from hub.sdk.files import FileDoor, SftpSession
from tests.connectors.test_file_door import Gate

INIT, VERSION, OPEN, CLOSE, READ = 1, 2, 3, 4, 5
OPENDIR, READDIR, STAT, STATUS, HANDLE, DATA, NAME, ATTRS = 11, 12, 17, 101, 102, 103, 104, 105
Answer = Callable[[bytes], bytes | None]
"""What is answered to a request's body: type and content without the id; None is no answer at all."""


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def status(code: int, words: bytes = b"") -> bytes:
    return bytes([STATUS]) + b"{id}" + number(code) + text(words) + text(b"")


def named(names: list[bytes]) -> bytes:
    """A packet of names, as a server of version 3 sends it."""
    return bytes([NAME]) + b"{id}" + number(len(names)) + b"".join(text(name) + text(b"") + number(0) for name in names)


def sized(size: int) -> bytes:
    """What a server says a file is like: no more than its size."""
    return bytes([ATTRS]) + b"{id}" + number(1) + size.to_bytes(8, "big")


PLAIN: dict[int, Answer] = {
    OPEN: lambda _: bytes([HANDLE]) + b"{id}" + text(b"h"),
    OPENDIR: lambda _: bytes([HANDLE]) + b"{id}" + text(b"h"),
    CLOSE: lambda _: status(0),
    READDIR: lambda _: status(1),
    STAT: lambda _: status(2, b"no such file"),
}


class Talk(asyncssh.SSHServerSession[bytes]):
    """One session: whole requests in, the answers a test made out."""

    def __init__(self, answers: dict[int, Answer], version: bytes) -> None:
        self._answers, self._version = {**PLAIN, **answers}, version
        self._came = b""

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self._channel = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._came += data
        while len(self._came) >= 4 and len(self._came) >= (end := 4 + int.from_bytes(self._came[:4], "big")):
            request, self._came = self._came[4:end], self._came[end:]
            if (packet := self._packet(request)) is not None:
                self._channel.write(number(len(packet)) + packet)

    def _packet(self, request: bytes) -> bytes | None:
        if request[0] == INIT:
            return bytes([VERSION]) + number(3) + self._version
        answer = self._answers.get(request[0], lambda _: status(8, b"not here"))(request[5:])
        return None if answer is None else answer.replace(b"{id}", request[1:5], 1)


@asynccontextmanager
async def answering(answers: dict[int, Answer], version: bytes = b"") -> AsyncIterator[SftpAddress]:
    """A server that answers so; its address."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Raw(Gate):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self._connection = conn

        def session_requested(self) -> tuple["asyncssh.SSHServerChannel[bytes]", Talk]:
            channel: asyncssh.SSHServerChannel[bytes] = self._connection.create_server_channel(encoding=None)  # type: ignore[no-untyped-call]  # asyncssh's
            return channel, Talk(answers, version)

    listening, line = socket.create_server(("127.0.0.1", 0)), key.export_public_key().decode().strip()
    over: list[Callable[[], object]] = []

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        over.append(lambda: loop.call_soon_threadsafe(stop.set))
        async with asyncssh.listen(sock=listening, server_host_keys=[key], server_factory=Raw):
            await stop.wait()

    with ThreadPoolExecutor(1) as pool:
        serving = asyncio.get_running_loop().run_in_executor(pool, asyncio.run, serve())
        try:
            yield SftpAddress("127.0.0.1", listening.getsockname()[1], "hub", "secret", line)
        finally:
            over[0]()
            await serving


def door_to(address: SftpAddress, operation_s: float = 30) -> FileDoor:
    """A door granted to it."""
    return FileDoor(Egress.parse([f"127.0.0.1:{address.port}"], allow_loopback=True), operation_s=operation_s)


def open_to(address: SftpAddress, operation_s: float = 30) -> AbstractAsyncContextManager[SftpSession]:
    """A session with it."""
    return door_to(address, operation_s).open(address)
