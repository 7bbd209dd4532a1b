"""The guarded file door: SFTP with a pinned host key, where a file appears whole or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import PurePosixPath
from typing import Final, cast

import asyncssh

from hub.sdk.egress import Egress, SftpAddress
from hub.sdk.errors import DeliveryFailure, Misconfigured, Unanswered, Unavailable
from hub.sdk.packets import PacketDecodeError, Packets, start_packets

CONNECT_S: Final = 5.0
OPERATION_S: Final = 30.0
FILE_BYTES: Final = 20 * 1024 * 1024
MOST_NAMES: Final = 10_000
"""Of one listing: many years of a file a night."""
LISTING_BYTES: Final = 4 * 1024 * 1024
"""Of all that one operation is answered, beside a file's own bytes."""
PIECE_BYTES: Final = 32 * 1024
"""Read or written at once: what every server takes, whatever this one says it would."""

_NOT_TRUSTED = (
    asyncssh.PermissionDenied,
    asyncssh.HostKeyNotVerifiable,
    asyncssh.KeyExchangeFailed,
    asyncssh.KeyImportError,
)
_BROKEN = (asyncssh.Error, OSError, TimeoutError)


class FileDoor:
    """One System's way out over SFTP."""

    def __init__(self, egress: Egress, *, connect_s: float = CONNECT_S, operation_s: float = OPERATION_S) -> None:
        self._egress = egress
        self._connect_s = connect_s
        self._operation_s = operation_s

    @contextlib.asynccontextmanager
    async def open(self, address: SftpAddress) -> AsyncIterator["SftpSession"]:
        """Open a session. Raises Unavailable when not reached, Misconfigured when either side is not trusted."""
        place = f"{address.host}:{address.port}"
        with _connecting(place):
            connection = await self._connect(address)
        async with connection:
            with _connecting(place):
                packets = await asyncio.wait_for(start_packets(connection), self._connect_s)
            yield SftpSession(packets, connection.abort, self._operation_s)

    async def _connect(self, address: SftpAddress) -> asyncssh.SSHClientConnection:
        pinned = asyncssh.import_public_key(address.host_key)
        async with asyncio.timeout(self._connect_s):
            literals = await self._egress.resolve(address.host, address.port)
            # config, agent and keys are switched off: nothing of the hub's own account may leak into a System.
            return await asyncssh.connect(
                literals[0],
                address.port,
                username=address.user,
                password=address.password,
                known_hosts=([pinned], [], []),
                preferred_auth=("password",),
                config=None,
                agent_path=None,
                client_keys=None,
                # A little that unpacks to a lot would pass every cap.
                compression_algs=["none"],
            )


class SftpSession:
    """An open session. Every operation has a deadline; when the connection breaks they raise Unavailable."""

    def __init__(self, packets: Packets, abort: Callable[[], None], operation_s: float) -> None:
        self._packets = packets
        self._client = asyncssh.SFTPClient(packets, "utf-8", "strict")
        self._abort = abort
        self._operation_s = operation_s

    async def put(self, path: str, data: bytes) -> None:
        """Make `path` hold `data`, replacing it at once: written under a temporary name, then renamed.

        A break before the rename raises Unavailable, since nobody can have seen the file; one during it Unanswered.
        """
        part = f"{path}.part"
        async with self._operating(path):
            async with self._client.open(part, "wb", block_size=PIECE_BYTES) as file:
                await file.write(data)
            size_bytes = await self._client.getsize(part)
        if size_bytes != len(data):
            raise Unavailable(f"{path}: {size_bytes} of {len(data)} bytes arrived")
        async with self._operating(path, broken=Unanswered):
            await self._rename(part, path)

    async def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when there is no such file; one that is not as long as it says is not read."""
        async with self._operating(path, most_bytes=FILE_BYTES + LISTING_BYTES):
            try:
                said = (await self._client.stat(path)).size
                _demand_small(path, said or 0)
                async with self._client.open(path, "rb", block_size=PIECE_BYTES) as file:
                    data: bytes = await file.read(FILE_BYTES + 1 if said is None else said + 1)
            except asyncssh.SFTPNoSuchFile:
                return None
        _demand_small(path, len(data))
        if said is not None and len(data) != said:
            raise Unavailable(f"{path}: {said} bytes were announced, {len(data)} came; it is being changed, or damaged")
        return data

    async def has(self, path: str) -> bool:
        """Say whether there is a file or folder of that name; asks for it alone, however many lie beside it."""
        async with self._operating(path):
            try:
                await self._client.stat(path)
            except asyncssh.SFTPNoSuchFile:
                return False
        return True

    async def names(self, directory: str, ending: str = "") -> list[str]:
        """Return the plain file names in a directory that end so, sorted; Unavailable where more than MOST_NAMES lie.

        Left out are unfinished uploads, and names that are not UTF-8, by which no file could be asked for.
        """
        found, seen = [], 0
        listing = cast("AsyncGenerator[asyncssh.SFTPName, None]", self._client.scandir(directory.encode()))
        async with self._operating(directory), contextlib.aclosing(listing) as entries:
            async for entry in entries:
                seen += 1
                if seen > MOST_NAMES:
                    raise Unavailable(f"{directory} holds more than {MOST_NAMES} files; move away what is done with")
                name = cast("bytes", entry.filename).decode("utf-8", "replace")
                if name.endswith(ending) and _is_plain(name):
                    found.append(name)
        return sorted(found)

    async def remove(self, path: str) -> None:
        """Delete a file; one that is already gone is fine."""
        async with self._operating(path):
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await self._client.remove(path)

    async def _rename(self, part: str, path: str) -> None:
        try:
            await self._client.posix_rename(part, path)
        except asyncssh.SFTPOpUnsupported:
            await self._client.rename(part, path)

    @contextlib.asynccontextmanager
    async def _operating(
        self, path: str, broken: type[DeliveryFailure] = Unavailable, most_bytes: int = LISTING_BYTES
    ) -> AsyncIterator[None]:
        self._packets.left_bytes = most_bytes
        # Cancelling would not do: closing a file on a silent server waits for it. A cut connection ends every wait.
        deadline = asyncio.get_running_loop().call_later(self._operation_s, self._abort)
        try:
            yield
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as failure:
            raise Misconfigured(f"{path}: {failure.reason}") from failure
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as failure:
            raise broken(f"{path}: the connection broke") from failure
        except (asyncssh.SFTPBadMessage, PacketDecodeError) as failure:  # what was asked for may have been done
            raise broken(f"{path}: the answer cannot be read ({failure})") from failure
        except asyncssh.SFTPError as failure:
            raise Unavailable(f"{path}: {failure.reason or type(failure).__name__}") from failure
        except _BROKEN as failure:
            raise broken(f"{path}: the connection broke ({type(failure).__name__})") from failure
        finally:
            deadline.cancel()


def _demand_small(path: str, size_bytes: int) -> None:
    if size_bytes > FILE_BYTES:
        raise Unavailable(f"{path} is larger than {FILE_BYTES} bytes")


def _is_plain(name: str) -> bool:
    """Say whether this is the name of a whole file in the directory itself."""
    is_one = name == PurePosixPath(name).name and name not in (".", "..")
    return is_one and not name.endswith(".part") and "\ufffd" not in name


@contextlib.contextmanager
def _connecting(place: str) -> Iterator[None]:
    try:
        yield
    except _NOT_TRUSTED as failure:
        raise Misconfigured(f"{place}: {type(failure).__name__}: {failure}") from failure
    except _BROKEN as failure:
        raise Unavailable(f"{place}: no connection ({type(failure).__name__})") from failure
