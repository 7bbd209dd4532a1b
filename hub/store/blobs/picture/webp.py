"""The chunks of a WebP (RIFF; RFC 9649), those of its frames among them."""

import mmap
from collections.abc import Iterator

from hub.store.blobs.picture.parts import MOST_PARTS, NotWhole, Parts, Size, tells_colours_only, told_way_up, way_up

_HEAD, _FRAME, _COLOURS, _EXIF = b"VP8X", b"ANMF", b"ICCP", b"EXIF"
_PIXELS = (b"VP8 ", b"VP8L")
_DRAWN = frozenset((*_PIXELS, b"ALPH"))
_PICTURE = _DRAWN | {b"ANIM"}
_FRAME_HEAD_BYTES = 16
"""Where and how long a frame is shown."""
_HEAD_BYTES = 10
_SIDE = 0x3FFF
"""Fourteen bits are a side's."""
_HAS_COLOURS, _HAS_EXIF, _OF_THE_PICTURE = 0x20, 0x08, 0x12
"""Flags of the head; of the picture itself: that it moves, that something shines through."""
_Chunk = tuple[bytes, int, int]
"""Name, and where its content begins and ends."""


def size(raw: mmap.mmap) -> Size:
    """Return how large the picture is: what its head says, else its picture."""
    name, start, end = next(_walk(raw, 12, len(raw)), (b"", 0, 0))
    head = raw[start:end]
    if name == _HEAD:
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if name == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & _SIDE, int.from_bytes(head[8:10], "little") & _SIDE
    bits = int.from_bytes(head[1:5], "little")
    return (1 + (bits & _SIDE), 1 + (bits >> 14 & _SIDE)) if name == b"VP8L" and head[:1] == b"\x2f" else (0, 0)


def parts(raw: mmap.mmap) -> Parts:
    """Yield what is kept of a WebP."""
    if 8 + int.from_bytes(raw[4:8], "little") != len(raw):
        raise NotWhole
    chunks = list(_walk(raw, 12, len(raw)))
    names = {name for name, _, _ in chunks}
    if not names & {*_PIXELS, _FRAME} or any(
        end - start != _HEAD_BYTES for name, start, end in chunks if name == _HEAD
    ):
        raise NotWhole
    told = next((raw[start:end] for name, start, end in chunks if name == _EXIF), b"")
    exif = told_way_up(way_up(told.removeprefix(b"Exif\0\0")))
    has_colours = any(name == _COLOURS and tells_colours_only(raw[start:end]) for name, start, end in chunks)
    flags = (_HAS_EXIF if exif else 0) | (_HAS_COLOURS if has_colours else 0)
    kept = [_kept(raw, chunk, flags) for chunk in chunks]
    if exif and chunks[0][0] == _HEAD:
        kept.append(_chunk(_EXIF, exif))
    yield b"RIFF" + (4 + sum(map(len, kept))).to_bytes(4, "little") + b"WEBP"
    yield from kept


def _kept(raw: mmap.mmap, chunk: _Chunk, flags: int) -> bytes:
    """Return a chunk as it is kept; nothing of one that is not. `flags` say what stands beside the picture."""
    name, start, end = chunk
    if name == _HEAD:
        return _chunk(name, bytes([raw[start] & _OF_THE_PICTURE | flags]) + raw[start + 1 : start + _HEAD_BYTES])
    if name == _FRAME:
        inner = (_kept(raw, part, flags) for part in _walk(raw, start + _FRAME_HEAD_BYTES, end) if part[0] in _DRAWN)
        return _chunk(name, raw[start : start + _FRAME_HEAD_BYTES] + b"".join(inner))
    if name in _PICTURE or (name == _COLOURS and flags & _HAS_COLOURS):
        return _chunk(name, raw[start:end])
    return b""


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def _walk(raw: mmap.mmap, at: int, end: int) -> Iterator[_Chunk]:
    for _ in range(MOST_PARTS):
        if at == end:
            return
        name, size = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        if at + 8 + size > end or not name:
            raise NotWhole
        yield name, at + 8, at + 8 + size
        at += 8 + size + size % 2
    raise NotWhole
