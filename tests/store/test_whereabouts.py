"""SQLite's files removed, moved or copied over while the hub has them open: nothing counts as kept any more."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.model import Heartbeat
from hub.store import Session, Store, open_store
from hub.store.query.journal import beat
from hub.store.whereabouts import Misplaced, Whereabouts
from tests.conftest import HandClock

pytestmark = [pytest.mark.fault("F98"), pytest.mark.case("C76")]


@pytest.fixture
def file(tmp_path: Path, sqlite_template: bytes) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "hub.db").write_bytes(sqlite_template)
    return folder / "hub.db"


@pytest.fixture
async def opened(file: Path, clock: HandClock) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{file}")
    await write(store, clock)
    yield store
    await store.close()


async def write(store: Store, clock: HandClock) -> bool:
    return await store.write(lambda session: beat(session, clock.now()))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def copied_over(path: Path) -> None:
    """As `cp older.db hub.db` does: the same file, other content."""
    with path.open("r+b") as there:
        there.truncate(0)
        there.write(b"SQLite format 3\0" + bytes(4080))


MISHAPS: dict[str, Callable[[Path], object]] = {
    "removed": lambda file: file.unlink(),
    "moved": lambda file: file.rename(file.with_name("hub.db.moved")),
    "replaced": replaced,
    "copied over": copied_over,
    "its log removed": lambda file: file.with_name("hub.db-wal").unlink(),
    "its log replaced": lambda file: replaced(file.with_name("hub.db-wal")),
    "its index removed": lambda file: file.with_name("hub.db-shm").unlink(),
    "its folder moved": lambda file: file.parent.rename(file.parent.with_name("elsewhere")),
    "another one mounted over its folder": lambda file: (
        file.parent.rename(file.parent.with_name("below")), shutil.copytree(file.parent.with_name("below"), file.parent)
    ),
}  # fmt: skip


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
async def test_nothing_is_kept_in_files_that_are_not_the_hubs_any_more(
    opened: Store, file: Path, clock: HandClock, mishap: Callable[[Path], object]
) -> None:
    mishap(file)
    for _ in range(3):
        with pytest.raises(Misplaced) as caught:
            await write(opened, clock)
    assert (caught.value.code, caught.value.status) == ("store.misplaced", 503)
    assert opened.file is not None
    assert not opened.file.is_same()


async def test_put_back_it_is_the_same_again_and_has_all_that_was_kept(
    opened: Store, file: Path, clock: HandClock
) -> None:
    away = file.with_name("away")
    away.mkdir()
    for ending in ("", "-wal", "-shm"):
        (file.parent / f"hub.db{ending}").rename(away / f"hub.db{ending}")
    with pytest.raises(Misplaced):
        await write(opened, clock)
    for path in away.iterdir():
        path.rename(file.parent / path.name)
    clock.tick(hours=1)
    assert await write(opened, clock)
    row = await opened.read(lambda session: session.get_one(Heartbeat, "hub"))
    assert row.at == clock.now()


async def test_what_is_removed_before_the_commit_ends_is_not_told_as_kept_nor_written_again(
    opened: Store, file: Path, clock: HandClock
) -> None:
    ran = []

    def remove(session: Session) -> None:
        ran.append("remove")
        beat(session, clock.now())
        file.unlink()

    def other(session: Session) -> None:
        ran.append("other")
        beat(session, clock.now())

    answers = await asyncio.gather(opened.write(remove), opened.write(other), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Misplaced, Misplaced]
    assert ran == ["remove", "other"]


async def test_readers_do_not_open_what_lies_there_instead(opened: Store, file: Path) -> None:
    replaced(file)

    def read(session: Session) -> int:
        return int(session.connection().execute(text("SELECT count(*) FROM account")).scalar_one())

    with pytest.raises(Misplaced):
        await asyncio.gather(*(opened.read(read) for _ in range(4)))


def changed_at(file: Path) -> int:
    return file.stat().st_mtime_ns


async def test_the_hubs_own_checkpoints_are_its_own(opened: Store, file: Path, clock: HandClock) -> None:
    """Thousands of pages go from the log into the file, which changes; and nobody is alarmed."""
    before = changed_at(file)
    names = "(id, at, account_id, action, subject, why)"
    fill = text(f"INSERT INTO journal {names} VALUES (:id, '2026-01-01', '', '', '', :why)")
    for number in range(8):
        rows = [{"id": f"{number}-{n}", "why": os.urandom(2_000).hex()} for n in range(500)]
        await opened.write(lambda session, rows=rows: session.connection().execute(fill, rows) and None)  # type: ignore[misc]  # a lambda
    assert await write(opened, clock)
    assert changed_at(file) != before


def test_what_was_never_seen_cannot_be_misplaced(tmp_path: Path) -> None:
    folders = Whereabouts((tmp_path / "a", tmp_path / "b"))
    (tmp_path / "a").mkdir()
    folders.note()
    (tmp_path / "b").mkdir()
    assert folders.is_same()
    folders.note()
    (tmp_path / "b").rmdir()
    assert not folders.is_same()
    (tmp_path / "a").rmdir()
    (tmp_path / "a").mkdir()
    with pytest.raises(Misplaced, match=r"store\.misplaced"):
        folders.demand_same()
