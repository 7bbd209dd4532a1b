"""The folders of a first start are on the disk, names and all, before anything is kept in them (C79)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import Problem
from hub.store.backup import restore_copy, take_copy
from hub.store.blobs import attachment_key
from hub.store.engine import lock_file
from hub.store.folders import flush_folder, give_name, make_folder
from hub.store.migrate import migrate
from tests.power.files import Tape

pytestmark = [pytest.mark.case("C79"), pytest.mark.fault("F101")]
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    with pytest.MonkeyPatch.context() as patch:
        yield Tape(tmp_path, patch)


def stays(tape: Tape, *names: Path) -> bool:
    """Say whether these names are surely there if the power goes now."""
    left = tape.after_cut(len(tape.calls), names_stay=False)
    return all(str(name) in left for name in names)


def test_the_data_folder_outlives_the_power_once_a_database_is_opened_in_it(tmp_path: Path, tape: Tape) -> None:
    data = tmp_path / "srv" / "fillonce" / "data"
    migrate(f"sqlite:///{data}/hub.db")
    assert stays(tape, tmp_path / "srv", tmp_path / "srv" / "fillonce", data)


def test_it_does_where_only_photos_lie_in_it(tmp_path: Path, tape: Tape) -> None:
    """The database is a PostgreSQL."""
    data = tmp_path / "srv" / "data"
    attachment_key(data)
    assert stays(tape, tmp_path / "srv", data, data / "keys", data / "keys" / "attachments.key")


@pytest.mark.parametrize("start", ["database", "photos"])
def test_the_next_start_makes_good_what_a_killed_one_left(tmp_path: Path, tape: Tape, start: str) -> None:
    """It made the folder and died before its name was flushed; nobody can see that any more."""
    data = tmp_path / "data"
    data.mkdir()
    assert not stays(tape, data)
    if start == "photos":
        attachment_key(data)
    else:
        lock = lock_file(f"sqlite:///{data}/hub.db")
        assert lock is not None
        lock.close()
    assert stays(tape, data)


def test_what_is_restored_has_its_folder(tmp_path: Path, tape: Tape) -> None:
    migrate(f"sqlite:///{tmp_path}/old/hub.db")
    take_copy(f"sqlite:///{tmp_path}/old/hub.db", tmp_path / "old", tmp_path / "copy.zip", AT)
    assert stays(tape, tmp_path / "copy.zip")
    new = tmp_path / "new" / "data"
    restore_copy(f"sqlite:///{new}/hub.db", new, tmp_path / "copy.zip", lambda *_: None, at=AT, force=False)
    assert stays(tape, new.parent, new, new / "keys" / "attachments.key", new / "blobs")


def test_a_folder_whose_names_may_not_be_read_is_flushed_with_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os  # noqa: PLC0415 - the seam

    flushed: list[str] = []

    def no(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", no)
    monkeypatch.setattr(os, "sync", lambda: flushed.append("everything"))
    flush_folder(tmp_path)
    assert flushed == ["everything"]


def test_a_name_somebody_was_faster_to_take_is_theirs(tmp_path: Path, tape: Tape) -> None:
    make_folder(tmp_path / "a")
    mine, place = tmp_path / "a" / "mine", tmp_path / "a" / "name"
    mine.write_bytes(b"mine")
    give_name(mine, place)
    assert place.read_bytes() == b"mine"
    place.write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        give_name(mine, place)
    assert place.read_bytes() == b"theirs"


def test_a_disk_without_second_names_gets_its_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - the seam

    def no(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no)
    (tmp_path / "mine").write_bytes(b"mine")
    give_name(tmp_path / "mine", tmp_path / "name")
    assert [file.name for file in tmp_path.iterdir()] == ["name"]
    (tmp_path / "late").write_bytes(b"late")
    with pytest.raises(FileExistsError):
        give_name(tmp_path / "late", tmp_path / "name")


def test_a_copy_never_overwrites_one_made_meanwhile(tmp_path: Path) -> None:
    from hub import failpoint  # noqa: PLC0415 - the seam

    migrate(f"sqlite:///{tmp_path}/data/hub.db")
    file = tmp_path / "copy.zip"
    failpoint.arm(lambda point: file.write_bytes(b"theirs") and None if point == "backup.flushed" else None)
    try:
        with pytest.raises(Problem, match=r"backup\.exists"):
            take_copy(f"sqlite:///{tmp_path}/data/hub.db", tmp_path / "data", file, AT)
    finally:
        failpoint.arm(None)
    assert file.read_bytes() == b"theirs"
    assert [one.name for one in tmp_path.iterdir() if "copy" in one.name] == ["copy.zip"]
