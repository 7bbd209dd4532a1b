"""The guarded file door: SFTP with a pinned host key, where a file appears whole or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

import asyncssh

from hub.sdk.egress import Egress, SftpAddress
from hub.sdk.errors import DeliveryFailure, Misconfigured, Unanswered, Unavailable

CONNECT_S: Final = 5.0
OPERATION_S: Final = 30.0
FILE_BYTES: Final = 20 * 1024 * 1024

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
                client = await asyncio.wait_for(connection.start_sftp_client(), self._connect_s)
            yield SftpSession(client, connection.abort, self._operation_s)

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
            )


class SftpSession:
    """An open session. Every operation has a deadline; when the connection breaks they raise Unavailable."""

    def __init__(self, client: asyncssh.SFTPClient, abort: Callable[[], None], operation_s: float) -> None:
        self._client = client
        self._abort = abort
        self._operation_s = operation_s

    async def put(self, path: str, data: bytes) -> None:
        """Make `path` hold `data`, replacing it at once: written under a temporary name, then renamed.

        A break before the rename raises Unavailable, since nobody can have seen the file; one during it Unanswered.
        """
        part = f"{path}.part"
        async with self._operating(path):
            async with self._client.open(part, "wb") as file:
                await file.write(data)
            size_bytes = await self._client.getsize(part)
        if size_bytes != len(data):
            raise Unavailable(f"{path}: {size_bytes} of {len(data)} bytes arrived")
        async with self._operating(path, broken=Unanswered):
            await self._rename(part, path)

    async def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""
        async with self._operating(path):
            try:
                if (await self._client.getsize(path) or 0) > FILE_BYTES:
                    raise Unavailable(f"{path} is larger than {FILE_BYTES} bytes")
                async with self._client.open(path, "rb") as file:
                    data: bytes = await file.read(FILE_BYTES)
            except asyncssh.SFTPNoSuchFile:
                return None
        return data

    async def names(self, directory: str) -> list[str]:
        """Return the plain file names in a directory, sorted; unfinished uploads are left out."""
        async with self._operating(directory):
            found = [str(name) for name in await self._client.listdir(directory)]
        return sorted(n for n in found if n == PurePosixPath(n).name and n not in (".", "..") and n[-5:] != ".part")

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
    async def _operating(self, path: str, broken: type[DeliveryFailure] = Unavailable) -> AsyncIterator[None]:
        # Cancelling would not do: closing a file on a silent server waits for it. A cut connection ends every wait.
        deadline = asyncio.get_running_loop().call_later(self._operation_s, self._abort)
        try:
            yield
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as failure:
            raise Misconfigured(f"{path}: {failure.reason}") from failure
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as failure:
            raise broken(f"{path}: the connection broke") from failure
        except asyncssh.SFTPError as failure:
            raise Unavailable(f"{path}: {failure.reason or type(failure).__name__}") from failure
        except _BROKEN as failure:
            raise broken(f"{path}: the connection broke ({type(failure).__name__})") from failure
        finally:
            deadline.cancel()


@contextlib.contextmanager
def _connecting(place: str) -> Iterator[None]:
    try:
        yield
    except _NOT_TRUSTED as failure:
        raise Misconfigured(f"{place}: {type(failure).__name__}: {failure}") from failure
    except _BROKEN as failure:
        raise Unavailable(f"{place}: no connection ({type(failure).__name__})") from failure
