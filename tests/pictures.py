"""Photos for tests: real ones, tiny, and as large and as different from each other as a test needs them."""

import io
from typing import Any

from PIL import ExifTags, Image

_LONGEST_COMMENT = 65_533


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
    """A photo with these bytes in its comments."""
    parts = [filler[at : at + _LONGEST_COMMENT] for at in range(0, len(filler), _LONGEST_COMMENT)]
    said = b"".join(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part for part in parts)
    return _TINY[:2] + said + _TINY[2:]
