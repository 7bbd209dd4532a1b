"""What is kept of a photo: its pixels, its colours, which way up it is. Nothing of where it was taken (C73)."""

import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageOps

from hub.errors import Problem
from hub.store.blobs.keep import media_type_of
from hub.store.blobs.picture import measure_kept, write_kept
from hub.store.blobs.picture.place import tells_place
from tests.pictures import commented, drawn, exif, jpeg
from tests.unit.blobs.hidden import (
    HIDDEN,
    JPEG,
    SAID,
    SECRETS,
    WEBP,
    WEBP_HEAD,
    chunk,
    in_front,
    placed,
    png_with,
    profile,
    riff,
    segment,
    webp_with,
)  # fmt: skip

pytestmark = [pytest.mark.case("C73"), pytest.mark.fault("F81", "F95")]


def kept_of(photo: bytes, folder: Path) -> bytes:
    """What the hub keeps of it, after it has said how much that is."""
    file, into, media_type = folder / "photo", io.BytesIO(), media_type_of(photo[:16])
    file.write_bytes(photo)
    assert media_type is not None
    measured = measure_kept(file, media_type)
    write_kept(file, media_type, into)
    kept = into.getvalue()
    assert (measured.sha256, measured.size_bytes) == (hashlib.sha256(kept).hexdigest(), len(kept))
    return kept


def seen(photo: bytes) -> tuple[str, tuple[int, int], bytes]:
    """What a person sees who opens it: every pixel, the right way up."""
    with Image.open(io.BytesIO(photo)) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        return str(picture.format).replace("MPO", "JPEG"), upright.size, upright.tobytes()


@pytest.mark.parametrize("made", HIDDEN.values(), ids=HIDDEN.keys())
def test_no_corner_of_a_photo_keeps_a_place(made: Callable[[], bytes], tmp_path: Path) -> None:
    photo = made()
    assert (
        any(secret in photo for secret in SECRETS)
        or "raw profile" in str(photo[:200])
        or b"zTXt" in photo
        or (b"iTXt" in photo or b"iCCP" in photo or b"JFIF" in photo)
    ), "it hides something to begin with"
    kept = kept_of(photo, tmp_path)
    assert [secret for secret in SECRETS if secret in kept] == []
    assert not tells_place(kept)
    assert len(kept) < len(photo)
    assert seen(kept) == seen(photo)
    assert kept_of(kept, tmp_path) == kept, "there is nothing left to leave out"


@pytest.mark.parametrize("way", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_which_way_up_it_is_stays(kind: str, way: int, tmp_path: Path) -> None:
    plain = Image.linear_gradient("L").resize((40, 24)).convert("RGB")
    file = io.BytesIO()
    plain.save(file, kind, exif=placed(way))
    kept = kept_of(file.getvalue(), tmp_path)
    with Image.open(io.BytesIO(kept)) as picture:
        told = picture.getexif()
        assert dict(told) == ({} if way == 1 else {ExifTags.Base.Orientation: way})
        assert told.get_ifd(ExifTags.IFD.GPSInfo) == {}
    assert seen(kept) == seen(file.getvalue())


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("value", [0, 1, 9, 65_535])
def test_a_way_up_there_is_not_is_no_way_up(order: str, value: int, tmp_path: Path) -> None:
    head = b"II*\0\x08\0\0\0\1\0" if order == "little" else b"MM\0*\0\0\0\x08\0\1"
    parts = [(0x0112, 2), (3, 2), (1, 4), (value, 2), (0, 2)]
    entry = b"".join(number.to_bytes(size, order) for number, size in parts)  # type: ignore[arg-type]  # one of two
    for tiff in (head + entry + bytes(4), head + entry[:7], head[:6], b"II*\0\xff\xff\xff\xff", b"", b"II"):
        assert kept_of(in_front(segment(0xE1, b"Exif\0\0" + tiff)), tmp_path) == JPEG


@pytest.mark.parametrize(
    "photo",
    [
        JPEG, drawn("PNG"), drawn("WEBP"), drawn("WEBP", lossless=True), jpeg(b"gate" * 20_000),
        drawn("JPEG", (300, 200), progressive=True), drawn("JPEG", (200, 300), restart_marker_rows=1),
        drawn("JPEG", (300, 200), icc_profile=profile()), drawn("PNG", icc_profile=profile()),
        webp_with((b"ICCP", profile()), flags=0x20),
        png_with(chunk(b"pHYs", bytes(8) + b"\1"), chunk(b"gAMA", bytes(4)), chunk(b"sRGB", b"\0")),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_photo_that_is_nothing_more_is_kept_byte_for_byte(photo: bytes, tmp_path: Path) -> None:
    assert kept_of(photo, tmp_path) == photo


def test_colours_stay_whoever_else_says_something(tmp_path: Path) -> None:
    photo = drawn("JPEG", (300, 200), icc_profile=profile(), exif=placed())
    with Image.open(io.BytesIO(kept_of(photo, tmp_path))) as picture:
        assert picture.info["icc_profile"] == profile()


def test_a_cameras_own_photo_without_a_place_passes_and_keeps_its_pixels(tmp_path: Path) -> None:
    photo = in_front(segment(0xE1, exif({})), segment(0xED, b"Photoshop 3.0\0"), segment(0xFE, b"a camera"))
    kept = kept_of(photo, tmp_path)
    assert seen(kept) == seen(photo)
    assert b"a camera" not in kept


@pytest.mark.parametrize(
    "photo",
    [
        JPEG[:2] + b"\xff" * 4_000_000 + JPEG[2:], JPEG[:-2] + b"\xff\x00" * 4_000_000 + JPEG[-2:],
        commented(*[b"x"] * 15_000), JPEG[:-2] + (b"\xff" * 60_000 + b"\0") * 60 + JPEG[-2:],
        png_with(*[chunk(b"tEXt", b"x")] * 15_000),
    ],
    ids=["filled up", "a long scan", "many parts", "a scan of marks", "many chunks"],
)  # fmt: skip
def test_the_largest_photo_is_gone_through_at_once(photo: bytes, tmp_path: Path) -> None:
    """And in pieces: a search must not keep every other thread waiting."""
    used_s = time.thread_time()
    kept_of(photo, tmp_path)
    assert time.thread_time() - used_s < 1.5


@pytest.mark.parametrize(
    "photo",
    [
        JPEG + JPEG, JPEG[:-2], JPEG[:30], in_front(b"\xff\xe1\x00\x01"), in_front(b"\xff\x01"),
        JPEG + b"MPF\0", in_front(*[b"\xff\xfe\x00\x02"] * 30_000), drawn("PNG") + b"x", drawn("PNG")[:-12],
        drawn("PNG")[:-20], png_with(b"\xff\xff\xff\xffteXt"), drawn("WEBP") + b"xx", drawn("WEBP")[:-2],
        webp_with((b"EXIF", b"four"))[:-8] + b"\xff\xff\xff\x7f" + b"four",
        riff((b"VP8X", WEBP_HEAD + SAID), (WEBP[12:16], WEBP[20:])),
        riff((b"EXIF", placed())), riff((b"VP8L", b"")), png_with()[:33] + png_with()[-12:], JPEG[:2] + JPEG[-2:],
        JPEG[: JPEG.index(b"\xff\xc0")] + JPEG[JPEG.index(b"\xff\xc4") :],
    ],
    ids=range(20),
)  # fmt: skip
def test_what_cannot_be_told_to_its_end_is_refused(photo: bytes, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"attachment\.not_whole"):
        kept_of(photo, tmp_path)


KNOWN = [name for name in HIDDEN if not any(word in name for word in ("nobody", "profile", "words", "comments", "frame",
         "thumbnail", "flashpix", "adobe", "bytes between", "longer head", "follow"))]  # fmt: skip


@pytest.mark.parametrize("name", [*KNOWN, "png: raw profile APP1", "png: raw profile xmp", "png: raw profile iptc"])
def test_of_what_older_hubs_kept_it_is_told_which_names_a_place(name: str) -> None:
    assert tells_place(HIDDEN[name]())


@pytest.mark.parametrize("photo", [JPEG, drawn("PNG"), in_front(segment(0xE1, exif({}))), commented(b"a gate")])
def test_and_of_none_that_it_does_which_does_not(photo: bytes) -> None:
    assert not tells_place(photo)
