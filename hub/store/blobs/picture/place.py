"""Whether a photo kept by an older hub says where it was taken. A yes is sure, a no is none: it reads what it knows.

Only for telling people what lies there. What is kept of a new photo does not hang on it.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

_NAMES: Final = re.compile(
    rb"GPS(Latitude|Longitude|Position|Coordinates|DestLatitude)|geo:lat|photoshop:(City|State|Country)"
    rb"|Iptc4xmp(Core:Location|Ext:(City|Sublocation|LocationCreated))"
)
"""How XMP calls a place."""
_PLACES_OF_IPTC: Final = re.compile(rb"\x1c\x02[\x1a\x1b\x5a\x5c\x5f\x64\x65]")
"""Marks of IPTC: content location, city, sublocation, province, country."""
_TIFF: Final = re.compile(rb"II\*\0|MM\0\*")
_WORDS: Final = re.compile(rb"(zTXt|iTXt|iCCP)")
_PROFILE: Final = re.compile(rb"\n[a-zA-Z0-9]+\n +\d+\n([0-9a-fA-F\n]+)")
"""How converters write what they found elsewhere into a PNG: a name, a length, hexadecimal digits."""
_GPS, _VERSION, _PHOTOSHOP = 0x8825, 0, b"8BIM\x04\x04"
_MOST_BYTES: Final = 1 << 22


def tells_place(raw: bytes) -> bool:
    """Say whether anything in the file names a place."""
    return any(_names(told) or _has_gps(told) or _has_iptc(told) for told in _told(raw))


def _told(raw: bytes) -> Iterator[bytes]:
    """Yield the file, and what is packed or spelled out in its words."""
    words = [raw, *_unpacked(raw)]
    yield from words
    for told in words:
        for profile in _PROFILE.finditer(told):
            digits = profile[1].translate(None, b"\n")
            yield bytes.fromhex(digits[: len(digits) // 2 * 2].decode())


def _unpacked(raw: bytes) -> Iterator[bytes]:
    for found in _WORDS.finditer(raw):
        size = int.from_bytes(raw[max(0, found.start() - 4) : found.start()], "big")
        content = raw[found.end() : found.end() + size]
        for at in (match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", content[:4096])):
            try:
                yield zlib.decompressobj().decompress(content[at:], _MOST_BYTES)
            except zlib.error:
                continue


def _names(told: bytes) -> bool:
    """Look for names, also in two bytes a letter, and in references."""
    narrow = told.replace(b"\0", b"")
    written = html.unescape(narrow.decode("latin-1")).encode("latin-1", "ignore") if b"&#" in narrow else b""
    return any(_NAMES.search(text) for text in (told, narrow, written))


def _has_iptc(told: bytes) -> bool:
    return _PHOTOSHOP in told and _PLACES_OF_IPTC.search(told) is not None


def _has_gps(told: bytes) -> bool:
    """Say whether any EXIF in it has a directory of the place that says more than its version."""
    return any(_points_to_place(told[found.start() :]) for found in _TIFF.finditer(told))


def _points_to_place(tiff: bytes) -> bool:
    order = "<" if tiff[:2] == b"II" else ">"
    entries = _entries(tiff, order, _number(tiff, order, 4))
    return any(kind != _VERSION for tag, at in entries if tag == _GPS for kind, _ in _entries(tiff, order, at))


def _entries(tiff: bytes, order: str, at: int) -> list[tuple[int, int]]:
    """Return tag and value of every entry of a directory."""
    count = struct.unpack_from(f"{order}H", tiff, at)[0] if at + 2 <= len(tiff) else 0
    ends = min(at + 2 + 12 * count, len(tiff) - 11)
    places = range(at + 2, ends, 12)
    return [(struct.unpack_from(f"{order}H", tiff, one)[0], _number(tiff, order, one + 8)) for one in places]


def _number(tiff: bytes, order: str, at: int) -> int:
    number: int = struct.unpack_from(f"{order}I", tiff, at)[0] if at + 4 <= len(tiff) else len(tiff)
    return number
