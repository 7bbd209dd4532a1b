"""The chunks of a PNG (W3C PNG, third edition), up to its end."""

import mmap
import zlib
from collections.abc import Iterator

from hub.store.blobs.picture.parts import (
    MOST_PARTS,
    MOST_PROFILE_BYTES,
    NotWhole,
    Parts,
    Size,
    sliced,
    tells_colours_only,
    told_way_up,
    way_up,
)

_PICTURE = frozenset(b"IHDR PLTE IDAT IEND tRNS cHRM gAMA sRGB sBIT cICP mDCV cLLI pHYs bKGD".split())
"""What is drawn, and how light and large it is meant. Of one that moves, the first picture stays."""
_EXIF, _COLOURS, _DATA, _END = b"eXIf", b"iCCP", b"IDAT", b"IEND"
_AROUND = 12
"""Bytes of a chunk beside its content: length, name, check sum."""


def size(raw: mmap.mmap) -> Size:
    """Return how large the picture is: what its first chunk says."""
    name, start, _ = next(_walk(raw))
    head = raw[start + 8 : start + 16] if name == b"IHDR" else b""
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")


def parts(raw: mmap.mmap) -> Parts:
    """Yield what is kept of a PNG."""
    chunks = list(_walk(raw))
    if not any(name == _DATA for name, _, _ in chunks):
        raise NotWhole
    told = next((raw[start + 8 : end - 4] for name, start, end in chunks if name == _EXIF), b"")
    way = _chunk(_EXIF, told_way_up(way_up(told)))
    yield raw[:8]
    for name, start, end in chunks:
        if name == _DATA and way:
            yield way
            way = b""
        if name in _PICTURE or (name == _COLOURS and _is_clean(raw[start + 8 : end - 4])):
            yield from sliced(raw, start, end)


def _is_clean(content: bytes) -> bool:
    """Say whether a packed profile tells colours only; what unpacks to more than one could be is none."""
    name, _, packed = content.partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed[1:], MOST_PROFILE_BYTES + 1)
    except zlib.error:
        return False
    return not unpacking.unused_data and name.replace(b" ", b"").isalnum() and tells_colours_only(profile)


def _chunk(name: bytes, content: bytes) -> bytes:
    said = name + content
    return len(content).to_bytes(4, "big") + said + zlib.crc32(said).to_bytes(4, "big") if content else b""


def _walk(raw: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk, the last one being the end of the picture and of the file."""
    at = 8
    for _ in range(MOST_PARTS):
        name, end = raw[at + 4 : at + 8], at + _AROUND + int.from_bytes(raw[at : at + 4], "big")
        if end > len(raw) or not name:
            raise NotWhole
        yield name, at, end
        if name == _END:
            if end != len(raw):
                raise NotWhole
            return
        at = end
    raise NotWhole
