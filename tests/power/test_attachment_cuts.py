"""A photo is on the disk, name and all, before any row speaks of it; cut anywhere, no row is without its file (F5)."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import event

from hub.store.blobs import attachment_key, blob_path, drop_leftovers, keep_blob
from tests.pictures import jpeg
from tests.power.files import Tape
from tests.web.conftest import Site

Row = dict[str, object] | tuple[object, ...]
PHOTOS = [jpeg(bytes([number]) * 300_000) for number in range(4)]


def sha(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    with pytest.MonkeyPatch.context() as patch:
        yield Tape(tmp_path, patch)


async def upload_all(site: Site, tape: Tape) -> None:
    """Upload as people do, four at once, then one of them again; note when a row begins to be written."""

    @event.listens_for(site.store.writing, "before_cursor_execute")
    def _row(_c: object, _cursor: object, statement: str, values: Row, *_rest: object) -> None:
        if statement.startswith("INSERT INTO attachment"):
            tape.calls.append(("row", next(str(v) for v in _values(values) if len(str(v)) == 64), None))

    ada = await site.client("ada")
    put = [ada.put(f"/api/v1/attachments/{sha(photo)}", content=photo) for photo in PHOTOS]
    assert [answer.status_code for answer in await asyncio.gather(*put)] == [201] * 4
    bo = await site.client("bo")
    assert (await bo.put(f"/api/v1/attachments/{sha(PHOTOS[0])}", content=PHOTOS[0])).status_code == 201


def _values(values: Row) -> list[object]:
    return list(values.values()) if isinstance(values, dict) else list(values)


@pytest.mark.fault("F5")
async def test_no_cut_leaves_a_row_without_its_whole_photo(site: Site, tape: Tape, tmp_path: Path) -> None:
    await upload_all(site, tape)
    assert [call for call, *_ in tape.calls].count("row") == 5
    contents, data = {sha(photo): photo for photo in PHOTOS}, site.parts.settings.data_dir
    looked = 0
    for cut, names_stay in product(range(len(tape.calls) + 1), (False, True)):
        left = tape.after_cut(cut, names_stay=names_stay)
        for sha256 in {path for call, path, _ in tape.calls[:cut] if call == "row"}:
            assert left.get(str(blob_path(data, sha256))) == contents[sha256], f"cut {cut}, names stay: {names_stay}"
            looked += 1
    assert looked > 2 * 5 * 4


@pytest.mark.fault("F5")
async def test_a_cut_leaves_nothing_but_whole_photos_and_leftovers(site: Site, tape: Tape) -> None:
    await upload_all(site, tape)
    whole = {*PHOTOS}
    for cut in range(len(tape.calls) + 1):
        left = tape.after_cut(cut, names_stay=True)
        kept = {path: content for path, content in left.items() if len(Path(path).name) == 64}
        assert set(kept.values()) <= whole, f"half a photo under its name after cut {cut}"


@pytest.mark.fault("F5")
def test_the_key_of_photo_addresses_outlives_the_power(tmp_path: Path, tape: Tape) -> None:
    key = attachment_key(tmp_path / "data")
    assert tape.after_cut(len(tape.calls), names_stay=False)[str(tmp_path / "data/keys/attachments.key")] == key
    assert (tmp_path / "data/keys").stat().st_mode & 0o777 == 0o700


UPLOADER = """
import asyncio, sys
from pathlib import Path
from hub.store.blobs import keep_blob
async def stuck():
    yield b"\\xff\\xd8\\xff" + b"x" * 100_000
    print("under way", flush=True)
    await asyncio.sleep(600)
asyncio.run(keep_blob(Path(sys.argv[1]), "0" * 64, stuck()))
"""


@pytest.mark.fault("F5")
async def test_a_start_clears_what_the_dead_left_and_touches_no_living_upload(tmp_path: Path) -> None:
    """Several processes share the folder on PostgreSQL: one that starts must not take another's upload away."""
    command = (sys.executable, "-c", UPLOADER, str(tmp_path))
    dead, living = [await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE) for _ in range(2)]
    for process in (dead, living):
        assert process.stdout is not None
        assert await process.stdout.readline() == b"under way\n"
    dead.kill()
    await dead.communicate()
    assert drop_leftovers(tmp_path) == 1
    living.kill()
    await living.communicate()
    assert drop_leftovers(tmp_path) == 1
    assert list((tmp_path / "blobs/arriving").iterdir()) == []

    async def whole() -> AsyncIterator[bytes]:
        yield PHOTOS[0]

    assert (await keep_blob(tmp_path, sha(PHOTOS[0]), whole())).size_bytes == len(PHOTOS[0])
