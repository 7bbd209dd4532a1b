"""A disk that forgets: every write below SQLite is written down, and what a power cut would leave is made from that.

The run itself is not disturbed. Afterwards any moment of it can be cut: what was flushed by then is there, and of what
was not, as much as the kind of loss says. A file's name is on the disk once its folder was flushed, as SQLite does at
the first flush of a new journal or WAL.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from threading import Lock

import apsw

SECTOR = 512
LOGS = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
NEVER = 1 << 62
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a file, or a note of what somebody was told just then."""

    kind: str
    """create, write, truncate, delete, flush, flush_folder or note."""
    file: str
    at: int = 0
    data: bytes = b""


Name = str | apsw.URIFilename | None
Loss = Callable[[Sequence[Event], Random], list[Event]]
"""What survives of the writes that were not flushed."""


def nothing_stays(_pending: Sequence[Event], _dice: Random) -> list[Event]:
    return []


def all_stays(pending: Sequence[Event], _dice: Random) -> list[Event]:
    """What SIGKILL leaves: the page cache survives."""
    return list(pending)


def a_beginning_stays(pending: Sequence[Event], dice: Random) -> list[Event]:
    return list(pending[: dice.randrange(len(pending) + 1)])


def some_pages_stay(pending: Sequence[Event], dice: Random) -> list[Event]:
    return [event for event in pending if dice.random() < 0.5]


def some_sectors_stay(pending: Sequence[Event], dice: Random) -> list[Event]:
    return [part for event in pending for part in sectors(event) if dice.random() < 0.5]


POWER_LOSSES: tuple[Loss, ...] = (nothing_stays, a_beginning_stays, some_pages_stay, some_sectors_stay)


def sectors(event: Event) -> Iterator[Event]:
    """Split a write where a disk would tear it."""
    if event.kind != "write":
        yield event
        return
    start, end = event.at, event.at + len(event.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield Event("write", event.file, start, event.data[start - event.at : stop - event.at])
        start = stop


@dataclass
class Disk:
    """One folder on the disk; `before` is what lay there, flushed, when the run began."""

    folder: Path
    before: dict[str, bytes] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    room: int = NEVER
    """Bytes all files together may still grow by; then the disk is full."""
    broken: bool = False
    """Every write and flush fails, as on a disk that died."""

    def __post_init__(self) -> None:
        self.name = f"disk-{os.getpid()}-{next(_numbers)}"
        self._lock = Lock()
        self._vfs = _Files(self)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.before.items():
            (self.folder / name).write_bytes(content)

    def happened(self, kind: str, file: str, at: int = 0, data: bytes = b"") -> None:
        with self._lock:
            self.events.append(Event(kind, file, at, data))

    def note(self, what: str, of: str) -> None:
        """Write down what somebody was told at this moment."""
        self.happened("note", what, data=of.encode())

    def told(self, what: str, cut: int | None = None) -> set[str]:
        return {e.data.decode() for e in self.events[:cut] if e.kind == "note" and e.file == what}

    def take(self, size: int) -> None:
        if self.broken:
            raise apsw.IOError("disk I/O error")
        if size > self.room:
            raise apsw.FullError("database or disk is full")
        self.room -= size

    def after_cut(self, cut: int, loss: Loss, dice: Random) -> dict[str, bytes]:
        """Return the files as the next start would find them if the power went after `cut` events."""
        files, pending = dict(self.before), defaultdict(list)
        names: dict[str, bytes] = dict(self.before)
        unsure: list[Event] = []
        for event in self.events[:cut]:
            if event.kind == "flush":
                names[event.file] = applied(names.get(event.file, b""), pending.pop(event.file, ()))
            elif event.kind == "flush_folder":
                _enter(files, unsure)
                unsure = []
            elif event.kind in {"create", "delete"}:
                unsure.append(event)
                if event.kind == "create":
                    names[event.file] = b""
                    pending.pop(event.file, None)
            elif event.kind != "note":
                pending[event.file].append(event)
        _enter(files, loss(unsure, dice))
        return {name: applied(names.get(name, b""), loss(pending.get(name, ()), dice)) for name in files}


def _enter(files: dict[str, bytes], changes: Sequence[Event]) -> None:
    for change in changes:
        if change.kind == "create":
            files[change.file] = b""
        else:
            files.pop(change.file, None)


def applied(content: bytes, events: Sequence[Event]) -> bytes:
    """Return the content after these writes and truncations."""
    if not events:
        return content
    made = bytearray(content)
    for event in events:
        if event.kind == "truncate":
            del made[event.at :]
            continue
        made.extend(bytes(max(0, event.at - len(made))))
        made[event.at : event.at + len(event.data)] = event.data
    return bytes(made)


class _Files(apsw.VFS):
    """SQLite's own way to files, overheard."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.name, "unix")

    def xOpen(self, name: Name, flags: list[int]) -> "_File":  # noqa: N802 - apsw's name
        path = Path(str(name.filename() if isinstance(name, apsw.URIFilename) else name)) if name else None
        fresh = path is not None and not path.exists()
        opened = _File(self._disk, name, flags, path.name if path else "", fresh and bool(flags[0] & LOGS))
        if path is not None and fresh:
            self._disk.happened("create", path.name)
        return opened

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802 - apsw's name
        super().xDelete(name, syncdir)
        self._disk.happened("delete", Path(name).name)
        if syncdir:
            self._disk.happened("flush_folder", "")


class _File(apsw.VFSFile):
    """One file, overheard. Flushes are noted and not done: nothing here survives a real power cut anyway."""

    def __init__(self, disk: Disk, name: Name, flags: list[int], short: str, enter_at_flush: bool) -> None:
        self._disk, self._name, self._enter_at_flush = disk, short, enter_at_flush
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        self._disk.take(max(0, offset + len(data) - self.xFileSize()))
        super().xWrite(data, offset)
        if self._name:
            self._disk.happened("write", self._name, offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802 - apsw's name
        super().xTruncate(size)
        if self._name:
            self._disk.happened("truncate", self._name, size)

    def xSync(self, _flags: int) -> None:  # noqa: N802 - apsw's name
        self._disk.take(0)
        if not self._name:
            return
        self._disk.happened("flush", self._name)
        if self._enter_at_flush:
            self._disk.happened("flush_folder", "")
            self._enter_at_flush = False
