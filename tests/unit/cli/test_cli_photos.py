"""hub photos: what older hubs kept of photos is looked through, and only a person has anything left out (C73)."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlmodel import select

from hub.clock import SystemClock
from hub.model import Attachment, JournalEntry
from hub.store import Session, open_store
from hub.store.backup import restore_copy, take_copy
from hub.store.blobs import blob_path
from hub.store.blobs.check import look_through, strip
from hub.store.engine import lock_file
from tests.builders import account
from tests.pictures import TAKEN_AT, commented, drawn, exif, jpeg
from tests.unit.cli.conftest import Run, flat
from tests.unit.cli.test_cli_people import write

pytestmark = [pytest.mark.case("C73"), pytest.mark.fault("F95")]
CLEAN, PLACED, MORE = jpeg(), drawn("JPEG", exif=exif(TAKEN_AT)), commented(b"a gate")
GONE, BROKEN = drawn("PNG"), drawn("PNG")[:-4]


def sha(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()


@pytest.fixture
def kept(database: str, tmp_path: Path) -> str:
    """The database of an older hub, which kept photos as they came."""
    now, author = SystemClock().now(), account()
    photos = {photo: "image/jpeg" if photo[:1] == b"\xff" else "image/png"
              for photo in (CLEAN, PLACED, MORE, GONE, BROKEN)}  # fmt: skip
    for photo in photos:
        if photo is not GONE:
            place = blob_path(tmp_path / "data", sha(photo))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(photo)
    rows = [Attachment(sha256=sha(photo), account_id=author.id, media_type=kind, size_bytes=len(photo), created_at=now)
            for photo, kind in photos.items()]  # fmt: skip

    def fill(session: Session) -> None:
        session.add(author)
        session.flush()
        session.add_all(rows)

    write(database, fill)
    return database


def lying(database: str, data_dir: Path) -> dict[str, str]:
    return {one.sha256: one.fault for one in look_through(database, data_dir) if one}


def test_what_lies_there_is_told_and_nothing_changed_also_beside_a_running_hub(
    run: Run, kept: str, tmp_path: Path
) -> None:
    running = lock_file(kept)
    told = run("photos", "check")
    assert running is not None
    running.close()
    assert told.exit_code == 1
    said = flat(told.stdout)
    for photo, words in ((PLACED, "says where it was taken"), (MORE, "holds more than a picture"),
                         (GONE, "the file is missing"), (BROKEN, "no whole photo")):  # fmt: skip
        assert words in said.partition(sha(photo))[2].partition(" / ")[2][:60]
    assert sha(CLEAN) not in said
    assert "5 张照片 / photos, 4 张有问题" in said
    assert "hub photos strip" in flat(told.stderr)
    assert blob_path(tmp_path / "data", sha(PLACED)).read_bytes() == PLACED


def test_they_are_stripped_on_a_person_s_word_and_keep_their_name(run: Run, kept: str, tmp_path: Path) -> None:
    done = run("photos", "strip")
    assert (done.exit_code, flat(done.stdout)) == (0, "2 张照片已处理 / photos stripped")
    assert lying(kept, tmp_path / "data") == {sha(GONE): "missing", sha(BROKEN): "unreadable"}
    rows = {row.sha256: row for row in write(kept, lambda session: list(session.exec(select(Attachment))))}
    for photo in (PLACED, MORE):
        there = blob_path(tmp_path / "data", sha(photo)).read_bytes()
        assert (rows[sha(photo)].kept_sha256, rows[sha(photo)].size_bytes) == (sha(there), len(there))
    assert rows[sha(CLEAN)].kept_sha256 is None
    deeds = write(kept, lambda session: list(session.exec(select(JournalEntry.subject))))
    assert sorted(deeds) == sorted([sha(PLACED), sha(MORE)])
    assert run("photos", "strip").exit_code == 0
    assert len(write(kept, lambda session: list(session.exec(select(JournalEntry))))) == 2, "nothing is left to do"


def test_killed_between_row_and_file_it_is_done_again(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (placed,) = [one for one in look_through(kept, tmp_path / "data") if one and one.fault == "place"]
    store = open_store(kept)
    blob_path(tmp_path / "data", placed.sha256).parent.chmod(0o500)
    (tmp_path / "data/blobs/arriving").write_bytes(b"in the way")

    async def fail_then_do() -> None:
        with pytest.raises(FileExistsError):
            await strip(store, tmp_path / "data", placed, SystemClock().now())
        assert lying(kept, tmp_path / "data")[placed.sha256] == "place"
        (tmp_path / "data/blobs/arriving").unlink()
        await strip(store, tmp_path / "data", placed, SystemClock().now())
        await store.close()

    asyncio.run(fail_then_do())
    assert placed.sha256 not in lying(kept, tmp_path / "data")


def test_a_copy_knows_what_is_kept_of_a_photo_and_puts_that_back(run: Run, kept: str, tmp_path: Path) -> None:
    assert run("photos", "strip").exit_code == 0
    there = blob_path(tmp_path / "data", sha(PLACED)).read_bytes()
    now = SystemClock().now()
    manifest = take_copy(kept, tmp_path / "data", tmp_path / "copy.zip", now)
    assert sorted(manifest.missing) == sorted([sha(GONE)]), "one as it was named, and one stripped, are as they must be"
    (tmp_path / "back").mkdir()
    url = f"sqlite:///{tmp_path}/back/hub.db"
    restore_copy(url, tmp_path / "back", tmp_path / "copy.zip", lambda *_: None, at=now, force=False)
    assert blob_path(tmp_path / "back", sha(PLACED)).read_bytes() == there
    assert lying(url, tmp_path / "back") == lying(kept, tmp_path / "data")


def test_none_at_all_is_well(run: Run, database: str) -> None:
    told = run("photos", "check")
    assert (told.exit_code, flat(told.stdout)) == (0, "0 张照片 / photos, 0 张有问题 / not as they should be")
