"""Photos: whole or not at all, told by their bytes, fetched by whom they concern."""

import errno
import hashlib
import io
import mmap
import time
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from sqlmodel import col, select, update

from hub.clock import Clock
from hub.model import Account, Attachment
from hub.store import blobs
from hub.store.blobs import MOST_BYTES, attachment_key, attachment_url, blob_path, drop_leftovers
from hub.store.blobs.picture import measure_kept
from tests.pictures import TAKEN_AT, commented, drawn, exif, jpeg
from tests.web.conftest import OTHER_VILLAGE, Site, visit

ITS_TOWN = "330783123000"

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
    assert first.json() == {
        "sha256": sha(photo), "kept_sha256": sha(photo), "size_bytes": len(photo), "media_type": f"image/{kind}",
    }  # fmt: skip
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


def chunk(name: bytes, told: bytes) -> bytes:
    return len(told).to_bytes(4, "big") + name + told + zlib.crc32(name + told).to_bytes(4, "big")


def wide(side: int) -> bytes:
    """A small PNG that says it is as wide and as high as this."""
    return PNG[:8] + chunk(b"IHDR", side.to_bytes(4, "big") * 2 + PNG[24:29]) + PNG[33:]


TELLING = {
    "exif of a jpeg": drawn("JPEG", exif=exif(TAKEN_AT)),
    "exif of a png": drawn("PNG", exif=exif(TAKEN_AT)),
    "exif of a webp": drawn("WEBP", exif=exif(TAKEN_AT)),
    "comments": commented(b"GPS 29.28,120.24"),
}
NOT_WHOLE = {
    "a jpeg cut short": JPEG[:-2],
    "a jpeg of which nothing follows its head": JPEG[:20],
    "two jpegs": JPEG + JPEG,
    "a jpeg and an archive": JPEG + b"PK\x05\x06" + bytes(18),
    "a jpeg that begins twice": JPEG[:2] + JPEG,
    "a jpeg without an end": JPEG[:-2] + b"\xff\x00" * 100_000,
    "a jpeg of too many parts": commented(*[b""] * 30_000),
    "a jpeg in name only": b"\xff\xd8\xff\xd9",
    "a png cut short": PNG[:-1],
    "a png cut within a part": PNG[:-20],
    "a png and a page": PNG + b"<script>alert(1)</script>",
    "a webp cut short": WEBP[:-2],
    "a webp and more": WEBP + b"more",
    "a webp in name only": b"RIFF\x08\x00\x00\x00WEBPVP8 ",
}


@pytest.mark.fault("F81")
@pytest.mark.parametrize(
    ("photo", "code"),
    [
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


@pytest.mark.case("C73")
@pytest.mark.fault("F81", "F95")
@pytest.mark.parametrize("photo", TELLING.values(), ids=TELLING.keys())
async def test_a_photo_is_kept_without_its_place_under_the_name_it_was_given(site: Site, photo: bytes) -> None:
    """Which way up it is held stays; a System fetches what is kept by the same name."""
    ada = await site.client("ada")
    first, again = [await ada.put(url(photo), content=photo) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    told, kept = first.json(), (await ada.get(url(photo))).content
    assert again.json() == told
    assert told["sha256"] == sha(photo)
    assert (told["kept_sha256"], told["size_bytes"]) == (sha(kept), len(kept))
    assert len(kept) < len(photo)
    with Image.open(io.BytesIO(kept)) as picture, Image.open(io.BytesIO(photo)) as sent:
        ways = [one.getexif().get(ExifTags.Base.Orientation) for one in (picture, sent)]
        assert ways[0] == ways[1]
        assert picture.getexif().get_ifd(ExifTags.IFD.GPSInfo) == {}
        assert picture.tobytes() == sent.tobytes()
    (row,) = await site.store.read(lambda s: s.exec(select(Attachment)).all())
    assert (row.kept_sha256, row.size_bytes) == (sha(kept), len(kept))
    assert [path.read_bytes() for path in files_of(site)] == [kept]
    address = attachment_url(site.parts.attachment_key, site.parts.settings.address, sha(photo))
    assert (await (await site.client()).get(address)).content == kept


@pytest.mark.case("C73")
@pytest.mark.fault("F81", "F95")
async def test_what_a_second_person_sends_tells_what_is_kept_now(site: Site) -> None:
    """An older hub had kept all of it."""
    photo = TELLING["exif of a jpeg"]
    ada, bo = await site.client("ada"), await site.client("bo")
    await ada.put(url(photo), content=photo)
    await site.store.write(lambda s: s.connection().execute(update(Attachment).values(kept_sha256=None)) and None)
    assert (await bo.put(url(photo), content=photo)).status_code == 201
    rows = await site.store.read(lambda s: s.exec(select(Attachment)).all())
    assert [row.kept_sha256 for row in rows] == [sha((await ada.get(url(photo))).content)] * 2


def files_of(site: Site) -> list[Path]:
    return [path for path in (site.parts.settings.data_dir / "blobs").rglob("*") if path.is_file()]


@pytest.mark.fault("F81")
@pytest.mark.parametrize("failure", [MemoryError(), OSError(errno.EIO, "")], ids=["no memory", "the disk"])
def test_what_the_machine_cannot_read_is_not_called_a_bad_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    (tmp_path / "photo").write_bytes(JPEG)
    monkeypatch.setattr(mmap, "mmap", fail)
    with pytest.raises(type(failure)):
        measure_kept(tmp_path / "photo", "image/jpeg")


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
    assert (await (await site.client()).get(url(JPEG))).status_code == 401


@pytest.mark.case("C71")
@pytest.mark.fault("F93")
async def test_a_photo_is_shown_to_those_who_lead_where_it_was_handed_in(site: Site, clock: Clock) -> None:
    """Not before it is, and whatever becomes of its author."""
    ada, lea = await site.client("ada"), await site.client("lea")
    await ada.put(url(JPEG), content=JPEG)
    assert (await lea.get(url(JPEG))).status_code == 404
    body = visit(clock)
    body["answers"]["findings"][0]["finding.photos"] = [sha(JPEG)]
    assert (await ada.post("/api/v1/submissions", json=body)).status_code == 201
    await site.store.write(
        lambda s: (
            s.connection().execute(update(Account).where(col(Account.login) == "lou").values(division=ITS_TOWN))
            and None
        )
    )
    for values in ({}, {"division": OTHER_VILLAGE}, {"disabled_at": clock.now()}):
        if values:
            changed = update(Account).where(col(Account.login) == "ada").values(**values)
            await site.store.write(lambda s, changed=changed: s.connection().execute(changed) and None)
        assert (await lea.get(url(JPEG))).content == JPEG
        assert (await (await site.client("lou")).get(url(JPEG))).status_code == 404


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
