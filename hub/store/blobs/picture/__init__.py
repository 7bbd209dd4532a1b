"""What is kept of a photo that has arrived: the picture, how its colours are meant, which way up it is. Nothing else.

A camera writes where it was taken into many corners of a file, and a converter into others. So nothing is looked for:
what is not on the short list of parts that make the picture is left out, byte for byte the rest stays as it was. A file
whose parts cannot be told to its end is refused. Nothing is decoded here, and everything blocks.
"""

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from hub.errors import Problem
from hub.store.blobs.picture import jpeg, png, webp
from hub.store.blobs.picture.parts import NotWhole

MOST_PIXELS: Final = 64_000_000
"""Those of the largest pictures phones take unasked; decoded they are 200 MB."""
_READ: Final = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp}


class Kept(NamedTuple):
    """What is kept of a photo."""

    sha256: str
    size_bytes: int


def measure_kept(file: Path, media_type: str) -> Kept:
    """Return what is kept of a photo; raises Problem unless the file is one whole photo of this type."""
    with _mapped(file) as raw:
        seen, size_bytes = hashlib.sha256(), 0
        for piece in _pieces(raw, media_type):
            seen.update(piece)
            size_bytes += len(piece)
        return Kept(seen.hexdigest(), size_bytes)


def write_kept(file: Path, media_type: str, into: BinaryIO) -> None:
    """Write what is kept of a photo."""
    with _mapped(file) as raw:
        into.writelines(_pieces(raw, media_type))


@contextmanager
def _mapped(file: Path) -> Iterator[mmap.mmap]:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        yield raw


def _pieces(raw: mmap.mmap, media_type: str) -> Iterator[bytes]:
    try:
        _demand_size(raw, media_type)
        yield from _READ[media_type].parts(raw)
    except NotWhole as error:
        raise Problem("attachment.not_whole", 422) from error


def _demand_size(raw: mmap.mmap, media_type: str) -> None:
    """Raise Problem for a picture of too many pixels, or of none."""
    width, height = _READ[media_type].size(raw)
    if not width * height:
        raise NotWhole
    if width * height > MOST_PIXELS:
        raise Problem("attachment.too_many_pixels", 422, most=MOST_PIXELS)
