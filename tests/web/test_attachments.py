"""Photos: whole or not at all, told by their bytes, fetched by whom they concern."""

import errno
import hashlib
import time
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from hub.clock import Clock
from hub.store import blobs
from hub.store.blobs import MOST_BYTES, attachment_key, attachment_url, blob_path, drop_leftovers
from hub.store.blobs.picture import demand_plain
from tests.pictures import TAKEN_AT, drawn, exif, jpeg
from tests.web.conftest import Site

JPEG, PNG, WEBP = jpeg(b"made-up"), drawn("PNG"), drawn("WEBP")


def sha(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()


def url(photo: bytes) -> str:
    return f"/api/v1/attachments/{sha(photo)}"


@pytest.mark.parametrize(("photo", "kind"), [(JPEG, "jpeg"), (PNG, "png"), (WEBP, "webp")])
async def test_a_photo_is_kept_once_and_comes_back_whole(site: Site, photo: bytes, kind: str) -> None:
    ada = await site.client("ada")
    first = await ada.put(url(photo), content=photo, headers={"Content-Type": "text/html"})
    again = await ada.put(url(photo), content=photo)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"sha256": sha(photo), "size_bytes": len(photo), "media_type": f"image/{kind}"}
    got = await ada.get(url(photo))
    assert (got.content, got.headers["content-type"]) == (photo, f"image/{kind}")
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment")


@pytest.mark.fault("F34")
async def test_what_is_no_photo_or_damaged_leaves_nothing(site: Site) -> None:
    ada, folder = await site.client("ada"), site.parts.settings.data_dir / "blobs"
    svg = b"<svg onload=alert(1)>"
    assert (await ada.put(url(svg), content=svg)).status_code == 415
    damaged = await ada.put(url(JPEG), content=JPEG[:-1])
    assert (damaged.status_code, damaged.json()["code"]) == (422, "attachment.digest")
    assert (await ada.put(f"/api/v1/attachments/{'A' * 64}", content=JPEG)).status_code == 422
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert (await ada.get(url(JPEG))).status_code == 404


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="29,17.05N"/></x:xmpmeta>'


def worded(key: str, words: str, *, packed: bool = False) -> PngInfo:
    told = PngInfo()
    told.add_itxt(key, words, zip=packed)
    return told


def chunk(name: bytes, told: bytes) -> bytes:
    return len(told).to_bytes(4, "big") + name + told + zlib.crc32(name + told).to_bytes(4, "big")


def wide(side: int) -> bytes:
    """A small PNG that says it is as wide and as high as this."""
    return PNG[:8] + chunk(b"IHDR", side.to_bytes(4, "big") * 2 + PNG[24:29]) + PNG[33:]


def shared(xmp: bytes) -> bytes:
    """A PNG in which the name of the place begins shortly before the 65,536th byte."""
    before = PNG[:-12] + chunk(b"fiLl", b" " * (65_536 - len(PNG) - 12 - xmp.index(b"GPSLatitude")))
    return before + chunk(b"tEXt", xmp) + PNG[-12:]


PROFILE = "\nexif\n 1\n" + exif(TAKEN_AT).hex()
TELLING = {
    "exif of a jpeg": drawn("JPEG", exif=exif(TAKEN_AT)),
    "exif of a png": drawn("PNG", exif=exif(TAKEN_AT)),
    "exif behind the pixels of a png": PNG[:-12] + chunk(b"eXIf", exif(TAKEN_AT)[6:]) + PNG[-12:],
    "exif a converter made words of": drawn("PNG", pnginfo=worded("Raw profile type exif", PROFILE, packed=True)),
    "exif of a webp": drawn("WEBP", exif=exif(TAKEN_AT)),
    "xmp of a jpeg": drawn("JPEG", xmp=XMP),
    "xmp of a png": drawn("PNG", pnginfo=worded("XML:com.adobe.xmp", XMP.decode())),
    "xmp of a png, packed": drawn("PNG", pnginfo=worded("XML:com.adobe.xmp", XMP.decode() * 20, packed=True)),
    "xmp behind the pixels of a png": PNG[:-12] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP) + PNG[-12:],
    "xmp of a webp": drawn("WEBP", xmp=XMP),
    "xmp that two pieces of the search share": shared(XMP),
}
NOT_WHOLE = {
    "a jpeg cut short": JPEG[:-2],
    "a jpeg of which nothing follows its head": JPEG[:20],
    "two jpegs": JPEG + JPEG,
    "a jpeg and an archive": JPEG + b"PK\x05\x06" + bytes(18),
    "a jpeg that begins twice": JPEG[:2] + JPEG,
    "a jpeg without an end": JPEG[:-2] + b"\xff\x00" * 100_000,
    "a jpeg of too many parts": JPEG[:2] + b"\xff\xfe\x00\x02" * 30_000 + JPEG[2:],
    "a jpeg in name only": b"\xff\xd8\xff\xd9",
    "a png cut short": PNG[:-1],
    "a png cut within a part": PNG[:-20],
    "a png and a page": PNG + b"<script>alert(1)</script>",
    "a png whose exif is none": drawn("PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "a webp cut short": WEBP[:-2],
    "a webp and more": WEBP + b"more",
    "a webp in name only": b"RIFF\x08\x00\x00\x00WEBPVP8 ",
}


@pytest.mark.fault("F81")
@pytest.mark.parametrize(
    ("photo", "code"),
    [
        *(pytest.param(photo, "attachment.tells_place", id=name) for name, photo in TELLING.items()),
        *(pytest.param(photo, "attachment.not_whole", id=name) for name, photo in NOT_WHOLE.items()),
        *(
            pytest.param(wide(side), "attachment.too_many_pixels", id=f"{side} a side")
            for side in (8_001, 10_000, 50_000)
        ),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_more_or_less_than_a_photo_is_refused_at_once_and_leaves_nothing(
    site: Site, photo: bytes, code: str
) -> None:
    ada, began = await site.client("ada"), time.perf_counter()
    refused = await ada.put(url(photo), content=photo)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert time.perf_counter() - began < 2.0  # nothing of fifty thousand a side was unpacked
    assert [path for path in (site.parts.settings.data_dir / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.fault("F81")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_else_a_camera_writes_is_taken_as_it_is(site: Site) -> None:
    """How it was held, that there would be a place to tell, and scans that come one after another."""
    ada, version = await site.client("ada"), {ExifTags.GPS.GPSVersionID: b"\2\3\0\0"}
    photos = [drawn("JPEG", exif=exif({})), drawn("PNG", exif=exif(version)), drawn("WEBP", exif=exif(version)),
              drawn("JPEG", (300, 200), progressive=True), drawn("JPEG", (200, 300), restart_marker_rows=1),
              jpeg(bytes([0xFF]) * 70_000), wide(8_000)]  # fmt: skip
    for photo in photos:
        assert (await ada.put(url(photo), content=photo)).status_code == 201
        assert (await ada.get(url(photo))).content == photo


@pytest.mark.fault("F81")
@pytest.mark.parametrize("failure", [MemoryError(), OSError(errno.EIO, "")], ids=["no memory", "the disk"])
def test_what_the_machine_cannot_read_is_not_called_a_bad_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Image, "open", fail)
    (tmp_path / "photo").write_bytes(JPEG)
    with pytest.raises(type(failure)):
        demand_plain(tmp_path / "photo", "image/jpeg")


@pytest.mark.fault("F77")
async def test_too_large_ends_before_it_is_read(site: Site) -> None:
    ada, read = await site.client("ada"), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield JPEG[:4] + bytes(1024 * 1024 - 4)

    chunked = await ada.put(url(JPEG), content=endless())
    assert (chunked.status_code, chunked.headers["content-type"]) == (413, "application/problem+json")
    assert read <= MOST_BYTES // 1024**2 + 1
    announced = await ada.put(url(JPEG), content=endless(), headers={"Content-Length": str(MOST_BYTES + 1)})
    assert announced.status_code == 413


@pytest.mark.parametrize("login", ["cy", "bo", "dan", "bea", "opal"])
async def test_anothers_photo_is_as_unknown_as_none(site: Site, login: str) -> None:
    await (await site.client("ada")).put(url(JPEG), content=JPEG)
    client = await site.client(login)
    theirs, nobodys = await client.get(url(JPEG)), await client.get(url(PNG))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert (await (await site.client("lea")).get(url(JPEG))).status_code == 200
    assert (await (await site.client()).get(url(JPEG))).status_code == 401


async def test_a_system_fetches_with_the_address_it_was_given(site: Site, clock: Clock) -> None:
    await (await site.client("ada")).put(url(JPEG), content=JPEG)
    system, key, base = await site.client(), site.parts.attachment_key, site.parts.settings.address
    plain = attachment_url(key, base, sha(JPEG))
    assert plain == attachment_url(key, base, sha(JPEG))
    limited = attachment_url(key, base, sha(JPEG), "water", clock.now() + timedelta(hours=1))
    assert [(await system.get(one)).status_code for one in (plain, limited)] == [200, 200]
    wrong = [plain[:-1] + ("0" if plain[-1] != "0" else "1"), limited.replace("water", "others"), plain + "é",
             limited.replace("until=1", "until=2"), attachment_url(key, base, sha(PNG))]  # fmt: skip
    assert [(await system.get(one)).status_code for one in wrong] == [404] * len(wrong)
    clock.tick(hours=1, seconds=1)
    assert [(await system.get(one)).status_code for one in (plain, limited)] == [200, 404]


@pytest.mark.fault("F5")
async def test_a_row_without_its_file_is_not_found(site: Site) -> None:
    ada = await site.client("ada")
    await ada.put(url(JPEG), content=JPEG)
    blob_path(site.parts.settings.data_dir, sha(JPEG)).unlink()
    assert (await ada.get(url(JPEG))).status_code == 404


def test_the_key_is_made_once_and_for_the_hub_alone(tmp_path: Path) -> None:
    key = attachment_key(tmp_path)
    assert len(key) == blobs.KEY_BYTES
    assert attachment_key(tmp_path) == key
    (path,) = (tmp_path / "keys").iterdir()
    assert path.stat().st_mode & 0o777 == 0o400
    assert attachment_key(tmp_path / "other") != key


@pytest.mark.fault("F5", "F34")
def test_what_a_dead_process_left_half_done_is_dropped(tmp_path: Path) -> None:
    arriving = tmp_path / "blobs" / "arriving"
    assert drop_leftovers(tmp_path) == 0
    arriving.mkdir(parents=True)
    (arriving / "half").write_bytes(b"x")
    assert drop_leftovers(tmp_path) == 1
    assert list(arriving.iterdir()) == []
