"""Folders that outlive a loss of power: a name is on the disk only once the folder it stands in was flushed."""

import os
from pathlib import Path

from hub.failpoint import passing
from hub.private import FOLDER_MODE


def make_folder(folder: Path) -> None:
    """Make a folder for nobody else, and those above it, each name flushed; of one that is there once more.

    Whoever made it may have died before: nobody can see whether its name is on the disk.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(FOLDER_MODE, exist_ok=True)
    flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder; one whose names we may not read is flushed with everything else there is."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        os.sync()
    else:
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    passing("blob.folder")


def give_name(arrived: Path, place: Path) -> None:
    """Give a flushed file a name nobody has yet, and flush that; raises FileExistsError if somebody was faster.

    Its passing name stays: whoever made that takes it away. Where a disk knows no second names, the first one goes.
    """
    try:
        place.hardlink_to(arrived)
    except FileExistsError:
        raise
    except OSError:
        if place.exists():
            raise FileExistsError(place) from None
        arrived.rename(place)
    passing("name.given")
    flush_folder(place.parent)
