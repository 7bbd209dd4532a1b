"""Photos for tests: real ones, tiny, and as large and as different from each other as a test needs them."""

import io
import math
from random import Random
from typing import Any

from PIL import ExifTags, Image

TAKEN_AT: dict[int, Any] = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (29.0, 17.0, 3.0)}


def exif(place: dict[int, Any]) -> bytes:
    """What a camera writes into a photo: that it was held upright, and where."""
    told = Image.Exif()
    told[ExifTags.Base.Orientation], told[ExifTags.IFD.GPSInfo] = 6, place
    return told.tobytes()


def drawn(kind: str, size: tuple[int, int] = (8, 8), **told: Any) -> bytes:  # noqa: ANN401 - what Pillow's writers take
    """A grey picture; `kind` as Pillow names it."""
    file = io.BytesIO()
    Image.new("L" if kind == "JPEG" else "RGB", size).save(file, kind, **told)
    return file.getvalue()


_TINY = drawn("JPEG")


def jpeg(filler: bytes = b"") -> bytes:
    """A photo without anything beside the picture, as many bytes or so; another filler gives another picture."""
    if not filler:
        return _TINY
    side = max(8, math.isqrt(len(filler)))
    file = io.BytesIO()
    Image.frombytes("L", (side, side), Random(filler).randbytes(side * side)).save(file, "JPEG", quality=92)
    return file.getvalue()


def commented(*comments: bytes) -> bytes:
    """A photo with these comments in it."""
    said = b"".join(b"\xff\xfe" + (len(one) + 2).to_bytes(2, "big") + one for one in comments)
    return _TINY[:2] + said + _TINY[2:]
