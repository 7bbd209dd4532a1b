"""The file of a copy: a ZIP of tables, photos and the key of photo addresses, with a manifest of their digests."""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

import orjson

from hub.errors import Problem

FORMAT = 1
MANIFEST = "manifest.json"
KEY = "keys/attachments.key"
PIECE = 1 << 20
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)
"""Everything the standard library raises for a ZIP whose bytes are not what was written."""
_MEMBER = re.compile(r"tables/[a-z_]+\.jsonl|blobs/[0-9a-f]{64}|keys/attachments\.key")


@dataclass(frozen=True)
class Member:
    """One file inside a copy."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class TableCopy:
    """One table inside a copy."""

    rows: int
    columns: Mapping[str, str]
    """Column -> kind of value."""


@dataclass
class Manifest:
    """What a copy holds, with digests; written last."""

    taken_at: datetime
    schema: str
    database: str
    """sqlite or postgresql: where it came from. It can be restored on either."""
    epoch: int
    format: int = FORMAT
    tables: dict[str, TableCopy] = field(default_factory=dict)
    """In the order in which they can be filled."""
    members: dict[str, Member] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """Photos that a row names and that were not there, or damaged, when the copy was taken."""
    digest: str = ""
    """SHA-256 of the manifest itself: names the whole copy."""


class Writing:
    """A copy being written."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self._zip = zipfile.ZipFile(file, "w", compresslevel=1)
        self.manifest = manifest

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Finish, or let go of a file that failed half way: a list of contents would make it look whole."""
        try:
            if failed is None:
                self._finish()
        finally:
            self._zip.fp = None

    def add(self, name: str, pieces: Iterable[bytes], *, packed: bool = False) -> Member:
        """Write one member piece by piece."""
        seen, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with self._zip.open(entry, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                seen.update(piece)
                size += len(piece)
        self.manifest.members[name] = Member(seen.hexdigest(), size)
        return self.manifest.members[name]

    def _finish(self) -> None:
        """Write the manifest and the list of contents, without which the file is none."""
        written = orjson.dumps({name: value for name, value in asdict(self.manifest).items() if name != "digest"})
        self.manifest.digest = hashlib.sha256(written).hexdigest()
        self._zip.writestr(zipfile.ZipInfo(MANIFEST), written)
        self._zip.close()


def pieces(file: IO[bytes]) -> Iterable[bytes]:
    """Yield a file's content in pieces that fit into memory."""
    return iter(lambda: file.read(PIECE), b"")


def open_copy(file: Path) -> zipfile.ZipFile:
    """Open a copy for reading; raises Problem when it is none."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise damaged(file, "list of contents") from error


def damaged(file: Path, what: str) -> Problem:
    """Return the Problem of a copy that is not what was written."""
    return Problem("backup.damaged", 422, file=str(file), what=what)


def verify(file: Path) -> Manifest:
    """Read all of a copy and return its manifest; raises Problem naming the first thing that is not as written."""
    with open_copy(file) as copy:
        manifest = _manifest(file, copy)
        if set(copy.namelist()) != {MANIFEST, *manifest.members}:
            raise damaged(file, "list of contents")
        for name, member in manifest.members.items():
            if not _MEMBER.fullmatch(name) or _digest(copy, name) != member:
                raise damaged(file, name)
        return manifest


def _manifest(file: Path, copy: zipfile.ZipFile) -> Manifest:
    try:
        written = copy.read(MANIFEST)
        plain: dict[str, Any] = orjson.loads(written)
    except (KeyError, *UNREADABLE) as error:
        raise damaged(file, MANIFEST) from error
    if plain.get("format") != FORMAT:
        raise Problem("backup.other_format", 422, file=str(file), format=str(plain.get("format")))
    plain["taken_at"] = datetime.fromisoformat(plain["taken_at"])
    plain["tables"] = {name: TableCopy(**table) for name, table in plain["tables"].items()}
    plain["members"] = {name: Member(**member) for name, member in plain["members"].items()}
    return Manifest(**plain, digest=hashlib.sha256(written).hexdigest())


def _digest(copy: zipfile.ZipFile, name: str) -> Member | None:
    """Return what a member really is; None when it cannot be read."""
    seen, size = hashlib.sha256(), 0
    with suppress(*UNREADABLE), copy.open(name) as member:
        for piece in pieces(member):
            seen.update(piece)
            size += len(piece)
        return Member(seen.hexdigest(), size)
    return None
