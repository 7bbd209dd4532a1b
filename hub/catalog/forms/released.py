"""Released versions stay as they are: their digests are listed beside them and compared at every load."""

import hashlib
import re
from pathlib import Path

from hub.catalog.documents import Fault

FOLDERS = ("forms", "schemas/records")
LIST = "released.sha256"
_LINE = re.compile(r"([0-9a-f]{64}) [ *]([a-z0-9_]+/v[1-9][0-9]*\.yaml)")


def file_digest(path: Path) -> str:
    """Return the sha256 of a file with its line endings made one byte, so that a Windows checkout is equal."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def release_list(root: Path, folder: str) -> str:
    """Return the release list naming every version `folder` holds now; `sha256sum -c` reads it there."""
    versions = sorted((root / folder).glob("*/v*.yaml"))
    return "".join(f"{file_digest(path)}  {path.relative_to(root / folder).as_posix()}\n" for path in versions)


def released_faults(root: Path) -> list[Fault]:
    """Return every released version that was changed or removed, and every line of a list that cannot be read."""
    return [fault for folder in FOLDERS if (root / folder / LIST).exists() for fault in _folder_faults(root, folder)]


def _folder_faults(root: Path, folder: str) -> list[Fault]:
    faults: list[Fault] = []
    for number, line in enumerate((root / folder / LIST).read_text(encoding="utf-8").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            faults.append(Fault(f"{folder}/{LIST}", f"/{number}", "catalog.released_line"))
            continue
        digest, name = match.groups()
        path = root / folder / name
        if not path.exists():
            faults.append(Fault(f"{folder}/{name}", "", "catalog.released_missing"))
        elif file_digest(path) != digest:
            faults.append(Fault(f"{folder}/{name}", "", "catalog.released_changed"))
    return faults
