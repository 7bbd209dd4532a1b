"""Photos as files by digest: written whole or not at all, before any row speaks of them. Asks nobody for permission."""

import asyncio
import errno
import fcntl
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from hub.errors import Problem
from hub.failpoint import passing
from hub.private import FOLDER_MODE
from hub.store.folders import flush_folder, give_name, make_folder
from hub.store.trouble import RETRY_AFTER_SECONDS

MOST_BYTES = 20 * 1024 * 1024
HEAD_BYTES = 16
KEY_BYTES = 32
ROOM_BYTES = 1024 * 1024
_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})


@dataclass(frozen=True)
class Blob:
    """A photo on disk, by the digest of what was sent."""

    sha256: str
    media_type: str
    size_bytes: int
    kept_sha256: str | None = None
    """Digest of what is kept, where something was left out that is no picture."""


def blob_path(data_dir: Path, sha256: str) -> Path:
    """Return where a photo lies."""
    return data_dir / "blobs" / sha256[:2] / sha256


def media_type_of(head: bytes) -> str | None:
    """Return the type its first bytes show, or None when it is none of the three we take."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


async def keep_blob(data_dir: Path, sha256: str, chunks: AsyncIterator[bytes]) -> Blob:
    """Write a photo to disk, flushed; raises Problem when it is too large, no whole photo, or not what its digest says.

    1) a temporary file beside the others, 2) what is no picture left out, 3) flush it, 4) rename, 5) flush the folder:
    after that a row may name it.
    """
    try:
        return await _keep(data_dir, sha256, chunks)
    except OSError as error:
        if error.errno in _TOO_MANY_FILES:
            raise Problem("store.busy", 503, retry_after=RETRY_AFTER_SECONDS) from error
        raise Problem("store.full", 507, retry_after=60) from error


async def _keep(data_dir: Path, sha256: str, chunks: AsyncIterator[bytes]) -> Blob:
    async with _arriving(data_dir) as (file, name):
        blob = await _receive(file, sha256, chunks)
        kept_sha256, size_bytes = await asyncio.to_thread(_measured, file, name, blob)
        if kept_sha256 == sha256:
            await _settle(file, name, blob_path(data_dir, sha256))
            return blob
        await keep_less(data_dir, blob, name)
        return replace(blob, size_bytes=size_bytes, kept_sha256=kept_sha256)


async def keep_less(data_dir: Path, blob: Blob, source: Path) -> None:
    """Put what is kept of a photo in its place, in the stead of whatever lies there."""
    async with _arriving(data_dir) as (less, name):
        await asyncio.to_thread(_write_kept, source, blob.media_type, less)
        await _settle(less, name, blob_path(data_dir, blob.sha256))


async def _settle(file: BinaryIO, arrived: Path, place: Path) -> None:
    passing("blob.written")
    await asyncio.to_thread(_flush, file)
    # Held until it has its name, or a process that starts just now would take it for a dead one's.
    await asyncio.to_thread(give_place, arrived, place)


@asynccontextmanager
async def _arriving(data_dir: Path) -> AsyncIterator[tuple[BinaryIO, Path]]:
    """Hold a fresh file for what is arriving, on the same disk as where it will lie; gone afterwards by that name."""
    handle, name = await asyncio.to_thread(_open_arriving, data_dir)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, Path(name)
    finally:
        await asyncio.to_thread(Path(name).unlink, missing_ok=True)


def _open_arriving(data_dir: Path) -> tuple[int, str]:
    arriving = data_dir / "blobs" / "arriving"
    if not arriving.is_dir():
        make_folder(arriving)
    handle, name = tempfile.mkstemp(dir=arriving)
    fcntl.flock(handle, fcntl.LOCK_EX)  # says that somebody is at it; the lock dies with the process
    return handle, name


async def _receive(file: BinaryIO, sha256: str, chunks: AsyncIterator[bytes]) -> Blob:
    seen, size, head = hashlib.sha256(), 0, b""
    async for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            raise Problem("attachment.too_large", 413, most=MOST_BYTES)
        head += chunk[: HEAD_BYTES - len(head)]
        seen.update(chunk)
        await asyncio.to_thread(file.write, chunk)
    media_type = media_type_of(head)
    if media_type is None:
        raise Problem("attachment.not_a_photo", 415)
    if seen.hexdigest() != sha256:
        raise Problem("attachment.digest", 422)
    return Blob(sha256, media_type, size)


def _measured(file: BinaryIO, arrived: Path, blob: Blob) -> tuple[str, int]:
    from hub.store.blobs.picture import measure_kept  # noqa: PLC0415 - many a hub starts and ends without a photo

    file.flush()
    return measure_kept(arrived, blob.media_type)


def _write_kept(source: Path, media_type: str, less: BinaryIO) -> None:
    from hub.store.blobs.picture import write_kept  # noqa: PLC0415 - as above

    write_kept(source, media_type, less)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    passing("blob.flushed")


def give_place(arrived: Path, place: Path) -> None:
    """Give a flushed file its place; flush that name, and its folder's, which another upload may have just made."""
    place.parent.mkdir(FOLDER_MODE, exist_ok=True)
    arrived.replace(place)
    passing("blob.renamed")
    for folder in (place.parent, place.parent.parent):
        flush_folder(folder)
    passing("blob.settled")


def drop_leftovers(data_dir: Path) -> int:
    """Remove uploads that dead processes left half done, none that a living one is at. Return how many."""
    return sum(_drop_unless_held(leftover) for leftover in (data_dir / "blobs" / "arriving").glob("*"))


def _drop_unless_held(leftover: Path) -> bool:
    try:
        with leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def has_room(data_dir: Path) -> bool:
    """Say whether another megabyte fits where photos lie, and SQLite's database unless told otherwise (F6, F7)."""
    try:
        with tempfile.TemporaryFile(dir=data_dir) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError:
        return False
    return True


def attachment_key(data_dir: Path) -> bytes:
    """Return the key that signs photo addresses for Systems; made at the first start, readable by the hub alone."""
    path = data_dir / "keys" / "attachments.key"
    make_folder(data_dir)  # at every start: who made it may have died before its name was on the disk
    if not path.exists():
        make_folder(path.parent)
        path.parent.chmod(FOLDER_MODE)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o400)
            file.write(secrets.token_bytes(KEY_BYTES))
            _flush(file)
        passing("key.written")
        with suppress(FileExistsError):  # another process was faster: its key is everybody's
            give_name(Path(name), path)
        Path(name).unlink(missing_ok=True)
    return path.read_bytes()


def signature(key: bytes, sha256: str, system: str = "", until: str = "") -> str:
    """Return what proves that the hub itself gave out this address."""
    return hmac.new(key, f"{sha256}\n{system}\n{until}".encode(), hashlib.sha256).hexdigest()


def attachment_url(key: bytes, base: str, sha256: str, system: str = "", until: datetime | None = None) -> str:
    """Return the address at which a System may fetch one photo.

    Without `until` it depends on nothing but the photo, so that a payload with it maps to the same bytes every time.
    """
    ends = str(int(until.timestamp())) if until else ""
    words = {"for": system, "until": ends, "sig": signature(key, sha256, system, ends)}
    return f"{base}/api/v1/attachments/{sha256}?" + "&".join(f"{name}={word}" for name, word in words.items() if word)
