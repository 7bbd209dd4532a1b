"""What the hub keeps is for the account it runs as, and for nobody else on the machine: files 0600, folders 0700.

New ones are made so, whatever the umask. What an older version or somebody's hand left open is closed at the start.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BESIDE = ("", "-wal", "-shm", ".lock", ".restoring", ".restoring-wal", ".restoring-shm", ".replaced", ".replaced-wal")
_OURS = frozenset({"blobs", "keys"})


def make_private(file: Path) -> None:
    """Make an empty file if there is none; what SQLite makes beside it gets the same mode."""
    if not file.exists():
        with suppress(OSError):  # whoever opens it next tells why it cannot be made
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, FILE_MODE))


def close_to_others(database_url: str, data_dir: Path) -> list[Path]:
    """Take everybody else's rights to what the hub keeps; return what stays open to them."""
    for path in exposed(database_url, data_dir):
        if path != data_dir or _is_all_ours(data_dir, database_url):
            try:
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
            except OSError:
                continue  # it belongs to somebody else, or is gone: it is named below if it is still there
    return exposed(database_url, data_dir)


def exposed(database_url: str, data_dir: Path) -> list[Path]:
    """Return what others on this machine may read or change, or look for names in."""
    return [path for path in _kept(database_url, data_dir) if path.exists() and path.stat().st_mode & _OTHERS]


def _kept(database_url: str, data_dir: Path) -> Iterator[Path]:
    """Yield what the hub keeps: photos lie in folders nobody else gets into, so the folders will do."""
    yield data_dir
    yield from (data_dir / name for name in sorted(_OURS))
    yield from sorted((data_dir / "keys").glob("*"))
    yield from sorted(folder for folder in (data_dir / "blobs").glob("*") if folder.is_dir())
    if (file := _file(database_url)) is not None:
        yield from (file.with_name(file.name + ending) for ending in _BESIDE)


def _file(database_url: str) -> Path | None:
    """Return SQLite's file; by its address alone, so that files can be checked without loading any database."""
    kind, _, rest = database_url.partition(":///")
    name = rest.partition("?")[0]
    return Path(name) if kind.startswith("sqlite") and name else None


def _is_all_ours(data_dir: Path, database_url: str) -> bool:
    """Say whether nothing else lies in the folder: one that is shared must not be closed to those who share it."""
    file = _file(database_url)
    names = {entry.name for entry in data_dir.iterdir()} - _OURS
    return file is not None and file.parent == data_dir.resolve() and all(name.startswith(file.name) for name in names)
