"""Judges a photo that has arrived: whole, nothing behind it, no larger than cameras make them, silent about where.

The portal draws every photo anew before it sends it, which takes all of that away. A photo is named by the digest of
its bytes, so the hub can change none of them: what another client sends as a camera wrote it is refused, and it is told
why. Nothing is decoded here.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image

from hub.errors import Problem

MOST_PIXELS: Final = 64_000_000
"""Those of the largest pictures phones take unasked; decoded they are 200 MB."""
MOST_PARTS: Final = 20_000
"""Parts a file may have: 20 MB of photo have a few thousand."""
FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_AT_ONCE = 1 << 16
"""Bytes looked through in one go: until it has its answer, a search keeps every other thread waiting."""
_END_OF_IMAGE, _NO_LENGTH = b"\xd9", frozenset({b"\x01", b"\xd8"})
_PLACE = b"GPSLatitude"
"""How XMP names the place, wherever in the file it stands; by chance it stands in no picture."""
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def demand_plain(file: Path, media_type: str) -> None:
    """Raise Problem unless the file is one whole photo of this type that says nothing of where it was taken."""
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        if _end(raw, media_type) != len(raw):
            raise Problem("attachment.not_whole", 422)
        try:
            with Image.open(opened, formats=[FORMATS[media_type]]) as picture:
                width, height = picture.size
                tells = _tells_place(picture, raw)
        except _BOMBS as error:
            raise _too_many() from error
        except Exception as error:  # the library has no one error for what it cannot read
            if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
                raise  # the machine's fault, not the photo's
            raise Problem("attachment.not_whole", 422) from error
    if width * height > MOST_PIXELS:
        raise _too_many()
    if tells:
        raise Problem("attachment.tells_place", 422)


def _too_many() -> Problem:
    return Problem("attachment.too_many_pixels", 422, most=MOST_PIXELS)


def _end(raw: mmap.mmap, media_type: str) -> int:
    """Return where the photo ends by its own account, 0 when it does not say."""
    if media_type == "image/jpeg":
        return _jpeg_end(raw)
    if media_type == "image/png":
        return next((start + size + 4 for name, start, size in _png_parts(raw) if name == b"IEND"), 0)
    return 8 + int.from_bytes(raw[4:8], "little")  # RIFF


def _jpeg_end(raw: mmap.mmap) -> int:
    """Walk from marker to marker (ISO/IEC 10918-1, B.1); what lies between the scans' own is none."""
    at = 2
    for _ in range(MOST_PARTS):
        found = _MARKER.search(raw, at, at + _AT_ONCE)
        if found is None:
            at += _AT_ONCE - 1  # the first half of a marker may be the last byte
            continue
        at = found.end()
        if found[1] == _END_OF_IMAGE:
            return at
        if found[1] in _NO_LENGTH:
            return 0
        at += int.from_bytes(raw[at : at + 2], "big")
    return 0


def _png_parts(raw: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of each chunk."""
    at = 8
    for _ in range(MOST_PARTS):
        size, name = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        if not name:
            return
        yield name, at + 8, size
        at += size + 12


def _tells_place(picture: Image.Image, raw: mmap.mmap) -> bool:
    exif = Image.Exif()
    exif.load(_exif(picture, raw))
    # What is left without a place is the version of the standard it would be told by.
    places = set(exif.get_ifd(ExifTags.IFD.GPSInfo)) - {ExifTags.GPS.GPSVersionID}
    words = [value for value in picture.info.values() if isinstance(value, str)]  # those of a PNG may be packed
    return bool(places) or _names_place(raw) or any(_PLACE.decode() in text for text in words)


def _names_place(raw: mmap.mmap) -> bool:
    """Look for the name piece by piece, each reaching into the next, so that none lies between two."""
    return any(raw.find(_PLACE, at, at + _AT_ONCE + len(_PLACE)) >= 0 for at in range(0, len(raw), _AT_ONCE))


def _exif(picture: Image.Image, raw: mmap.mmap) -> bytes:
    kept: bytes = picture.info.get("exif", b"")
    if kept or picture.format != "PNG":
        return kept
    if written := picture.info.get("Raw profile type exif"):  # what converters make of a camera's file
        return bytes.fromhex("".join(written.split("\n")[3:]))
    return next((raw[start : start + size] for name, start, size in _png_parts(raw) if name == b"eXIf"), b"")
