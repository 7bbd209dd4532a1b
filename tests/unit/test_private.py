"""Rights to what the hub keeps: nobody else's, whatever the umask, and closed again where they were open."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.private import close_to_others, exposed, make_private
from hub.store import open_store
from hub.store.blobs import attachment_key
from hub.store.folders import make_folder
from hub.store.migrate import migrate

pytestmark = [pytest.mark.fault("F97"), pytest.mark.case("C75")]


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return the mode of everything in a folder, itself included."""
    paths = [folder, *sorted(folder.rglob("*"))]
    return {str(path.relative_to(folder)): oct(stat.S_IMODE(path.stat().st_mode)) for path in paths}


@pytest.mark.usefixtures("umask")
async def test_what_is_made_is_for_its_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "up" / "data"
    url = f"sqlite:///{data}/hub.db"
    attachment_key(data)
    migrate(url)
    store = open_store(url)
    await store.write(lambda session: session.connection().exec_driver_sql("PRAGMA user_version = 7") and None)
    assert modes(tmp_path / "up") == {
        ".": "0o700", "data": "0o700", "data/hub.db": "0o600", "data/hub.db-shm": "0o600", "data/hub.db-wal": "0o600",
        "data/hub.db.lock": "0o600", "data/keys": "0o700", "data/keys/attachments.key": "0o400",
    }  # fmt: skip
    await store.close()


def loose(data: Path) -> str:
    """Make what an older version left under a loose umask; return the database's address."""
    for folder in (data, data / "keys", data / "blobs", data / "blobs" / "ab"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    for name in ("hub.db", "hub.db-wal", "hub.db.lock", "hub.db.replaced", "keys/attachments.key"):
        (data / name).touch()
        (data / name).chmod(0o644)
    return f"sqlite:///{data}/hub.db"


def test_what_was_left_open_is_closed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    url = loose(data)
    assert {path.name for path in exposed(url, data)} == {
        "data", "keys", "blobs", "ab", "hub.db", "hub.db-wal", "hub.db.lock", "hub.db.replaced", "attachments.key",
    }  # fmt: skip
    assert close_to_others(url, data) == []
    assert exposed(url, data) == []
    assert set(modes(data).values()) == {"0o600", "0o700"}


def test_a_folder_others_use_too_is_named_and_stays_open(tmp_path: Path) -> None:
    data = tmp_path / "data"
    url = loose(data)
    (data / "notes of somebody").touch()
    assert close_to_others(url, data) == [data]
    assert modes(data)["."] == "0o755"
    assert modes(data)["hub.db"] == "0o600"
    assert modes(data)["notes of somebody"] != "0o600"


def test_a_database_elsewhere_is_closed_and_its_folder_is_not_ours(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "shared"
    loose(data)
    loose(elsewhere)
    url = f"sqlite:///{elsewhere}/hub.db?timeout=5"
    assert close_to_others(url, data) == [data]
    assert (modes(elsewhere)["."], modes(elsewhere)["hub.db"]) == ("0o755", "0o600")


def test_on_postgres_the_server_keeps_its_own_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    loose(data)
    assert {path.name for path in exposed("postgresql+psycopg://hub@/hub", data)} == {
        "data", "keys", "blobs", "ab", "attachments.key",
    }  # fmt: skip


@pytest.mark.usefixtures("umask")
def test_an_existing_file_keeps_its_content(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    file.write_bytes(b"here")
    make_private(file)
    assert file.read_bytes() == b"here"
    make_private(tmp_path / "nowhere" / "hub.db")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("umask")
def test_every_folder_on_the_way_is_closed(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert set(modes(tmp_path / "a").values()) == {"0o700"}
