"""Whether what was opened is still what lies at its address: files get removed, moved, unmounted or copied over.

A process goes on writing into a file that has no name any more, and all of it is gone at the next start. So there is a
look before each group of writes and one after its commit, before anybody is told that it was kept: a few microseconds.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from hub.errors import Problem
from hub.store.trouble import RETRY_AFTER_SECONDS

Identity = tuple[int, int]


class Misplaced(Problem):
    """What would be written now is not what the next start finds."""

    def __init__(self, path: Path) -> None:
        super().__init__("store.misplaced", 503, retry_after=12 * RETRY_AFTER_SECONDS, path=str(path))
        self.path = path


@dataclass(eq=False)
class Whereabouts:
    """Some files or folders as they were when first seen; put back, they are the same again."""

    paths: tuple[Path, ...] = ()
    _seen: dict[Path, Identity] = field(default_factory=dict)

    def note(self) -> None:
        """Remember what is there and was not known yet."""
        for path in self.paths:
            if path not in self._seen and (found := _identity(path)) is not None:
                self._seen[path] = found

    def demand_same(self, *_: object) -> None:
        """Raise Misplaced when something else, or nothing, lies where one of them was."""
        for path, seen in self._seen.items():
            if _identity(path) != seen:
                raise Misplaced(path)

    def is_same(self) -> bool:
        """Say whether all of them are where they were."""
        try:
            self.demand_same()
        except Misplaced:
            return False
        return True


class DatabaseFile(Whereabouts):
    """SQLite's file, its log and its index: the next start reads all of them.

    Nobody but the one writer changes the file itself, and only while it commits. A change in between is somebody's who
    copied another file over it; to write on would mix the two.
    """

    def __init__(self, file: Path, lock: IO[str] | None) -> None:
        super().__init__(tuple(file.with_name(file.name + ending) for ending in ("", "-wal", "-shm")))
        self._content: Identity | None = None
        self._lock = lock

    def release(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            self._lock.close()

    def begin(self, *_: object) -> None:
        """Let no group of writes begin on files that are not the hub's any more."""
        self.demand_same()
        if self._content is not None and _content(self.paths[0]) != self._content:
            raise Misplaced(self.paths[0])

    def committed(self) -> None:
        """Let nothing count as kept that was written into such a file."""
        self.demand_same()
        self.note()
        self._content = _content(self.paths[0])

    def is_same(self) -> bool:
        """Say whether the next group of writes may begin."""
        try:
            self.begin()
        except Misplaced:
            return False
        return True


def _identity(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _content(path: Path) -> Identity | None:
    """Return what changes with a file's content."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
