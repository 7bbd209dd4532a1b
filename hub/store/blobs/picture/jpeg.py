"""The parts of a JPEG (ISO/IEC 10918-1, B.1): from marker to marker, through all scans, to its end."""

import mmap
import re
from collections.abc import Iterator
from itertools import pairwise

from hub.store.blobs.picture.parts import (
    MOST_PARTS,
    NotWhole,
    Parts,
    Size,
    sliced,
    tells_colours_only,
    told_way_up,
    way_up,
)

_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_AT_ONCE = 1 << 16
"""Bytes looked through in one go: until it has its answer, a search keeps every other thread waiting."""
_END, _BEGIN, _SCAN = 0xD9, 0xD8, 0xDA
_JFIF, _EXIF, _ICC, _ADOBE, _SEVERAL = b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe", b"MPF\0"
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_JFIF_BYTES, _ADOBE_BYTES = 12, 12
"""What they say of the picture: of JFIF, before its thumbnail."""
_PICTURE = frozenset({*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD}) - {0xC8}
"""Frames, tables, scans, restarts: what a decoder needs."""
_FRAMES = _PICTURE & {*range(0xC0, 0xD0)} - {0xC4, 0xCC}
_Part = tuple[int, int, int, int]
"""Marker, where it stands, where its content begins and ends; what a scan draws is between it and the next."""


def size(raw: mmap.mmap) -> Size:
    """Return how large the picture is: what its frame says."""
    frame = next((raw[start:end] for marker, _, start, end in _walk(raw) if marker in _FRAMES), b"")
    return int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")


def parts(raw: mmap.mmap) -> Parts:
    """Yield what is kept of a JPEG."""
    found = list(_walk(raw))
    first_scan = next((number for number, part in enumerate(found) if part[0] == _SCAN), 0)
    head = found[:first_scan]  # who shows it reads nothing about it behind its first scan
    if not head or (found[-1][3] != len(raw) and not _has(raw, head, _APP2, _SEVERAL)):
        raise NotWhole  # behind a picture that says there are several lie the others, and none is kept
    yield b"\xff\xd8"
    yield from _told(raw, head)
    for (marker, _, start, end), (_, following, _, _) in pairwise(found):
        if marker in _PICTURE:
            yield _segment(marker, raw[start:end])
        if marker == _SCAN:
            yield from sliced(raw, end, following)
    yield b"\xff\xd9"


def _told(raw: mmap.mmap, found: list[_Part]) -> Iterator[bytes]:
    """Yield what is said about the picture: that it is JFIF, which way up, its colours."""
    first = {_APP0: b"", _APP14: b"", _APP1: b""}
    named = {_APP0: _JFIF, _APP1: _EXIF, _APP14: _ADOBE}
    for marker, _, start, end in found:
        if marker in first and not first[marker] and raw[start:end].startswith(named[marker]):
            first[marker] = raw[start:end]
    if first[_APP0]:
        yield _segment(_APP0, first[_APP0][:_JFIF_BYTES].ljust(_JFIF_BYTES, b"\0") + b"\0\0")
    if told := told_way_up(way_up(first[_APP1][len(_EXIF) :])):
        yield _segment(_APP1, _EXIF + told)
    yield from _colours(raw, found)
    if first[_APP14]:
        yield _segment(_APP14, first[_APP14][:_ADOBE_BYTES])


def _colours(raw: mmap.mmap, found: list[_Part]) -> list[bytes]:
    """Return the segments of a profile that tells colours only; none of any other."""
    told = [raw[start:end] for marker, _, start, end in found if marker == _APP2 and raw[start:end].startswith(_ICC)]
    head = len(_ICC) + 2
    profile = b"".join(one[head:] for one in sorted(told, key=lambda one: one[len(_ICC) : head]))
    return [_segment(_APP2, one) for one in told] if tells_colours_only(profile) else []


def _has(raw: mmap.mmap, found: list[_Part], marker: int, named: bytes) -> bool:
    return any(kind == marker and raw[start:end].startswith(named) for kind, _, start, end in found)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _walk(raw: mmap.mmap) -> Iterator[_Part]:
    """Yield every part up to the first end; between a scan and the next marker lies what it draws."""
    at = 2
    for _ in range(MOST_PARTS):
        found = _next(raw, at)
        marker, at = found[1][0], found.end()
        if marker == _END:
            yield marker, found.start(), at, at
            return
        size = int.from_bytes(raw[at : at + 2], "big")
        if marker in (_BEGIN, 0x01) or size < 2:  # noqa: PLR2004 - a length counts itself
            raise NotWhole
        yield marker, found.start(), at + 2, at + size
        at += size
    raise NotWhole


def _next(raw: mmap.mmap, at: int) -> "re.Match[bytes]":
    while at < len(raw):
        if found := _MARKER.search(raw, at, at + _AT_ONCE):
            return found
        at += _AT_ONCE - 1  # the first half of a marker may be the last byte
    raise NotWhole
