"""What the three formats share: a part too many, which way up a picture is, how its colours are meant."""

import mmap
import struct
from collections.abc import Iterator
from typing import Final

Size = tuple[int, int]
"""Pixels across and down; nought where the head does not say."""
Parts = Iterator[bytes]
"""The parts of a photo that are kept, in order; raises NotWhole at the first that cannot be told."""
MOST_PARTS: Final = 20_000
"""Parts a file may have: 20 MB of photo have a few thousand."""
MOST_PROFILE_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 16
_ORIENTATION, _SHORT = 0x0112, 3
_WAYS_UP: Final = range(2, 9)
"""1 is as it is stored, and needs no telling."""
_COLOURS: Final = frozenset(
    b"desc cprt wtpt bkpt rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC chad lumi meas tech view vued dmnd dmdd gamt cicp chrm"
    b" A2B0 A2B1 A2B2 B2A0 B2A1 B2A2 pre0 pre1 pre2 vcgt aarg aagg aabg vcgp ndin mmod rig0 rig2".split()
)
"""Tags of an ICC profile that speak of colours, screens and who made the profile; others may hold anything."""
_HEAD, _ENTRY = 128, 12


class NotWhole(Exception):
    """The parts of a file cannot be told to its end, or it does not end there."""


def sliced(raw: mmap.mmap, start: int, end: int) -> Parts:
    """Yield a stretch as it is, in pieces."""
    for at in range(start, end, PIECE_BYTES):
        yield raw[at : min(at + PIECE_BYTES, end)]


def way_up(tiff: bytes) -> int:
    """Return how EXIF says a picture is held, 1 where it does not; reads the first directory alone."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:  # noqa: PLR2004 - the head of a TIFF file
        return 1
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    count = struct.unpack_from(f"{order}H", tiff, at)[0] if at + 2 <= len(tiff) else 0
    for entry in range(at + 2, min(at + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if (tag, kind) == (_ORIENTATION, _SHORT):
            return value if value in _WAYS_UP else 1
    return 1


def told_way_up(way: int) -> bytes:
    """Return the EXIF that says this and nothing else; empty where there is nothing to say."""
    return struct.pack(">4sIHHHIHHI", b"MM\0*", 8, 1, _ORIENTATION, _SHORT, 1, way, 0, 0) if way in _WAYS_UP else b""


def tells_colours_only(profile: bytes) -> bool:
    """Say whether an ICC profile holds nothing but what colours need."""
    if not _HEAD + 4 <= len(profile) <= MOST_PROFILE_BYTES or profile[36:40] != b"acsp":
        return False
    (count,) = struct.unpack_from(">I", profile, _HEAD)
    names = {profile[at : at + 4] for at in range(_HEAD + 4, _HEAD + 4 + _ENTRY * min(count, 200), _ENTRY)}
    return count <= len(_COLOURS) and names <= _COLOURS
