"""Photos no row names are removed, and no other, whoever comes at the same moment; on both databases (F5)."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from hub import failpoint
from hub.errors import Problem
from hub.model import Attachment, Epoch
from hub.model.submission import Attachment as Row
from hub.outbox.engine import Engine
from hub.pulls.run import Pulls
from hub.store import Session, Store, open_store
from hub.store.backup import take_copy
from hub.store.blobs import blob_path, give_place, keep_blob, name_blob, tidy
from hub.store.blobs.tidy import AT_ONCE, FOLDERS, SAFE_AGE, TIDY_EVERY, remove_unnamed
from hub.systems import Registry
from hub.systems.system import County
from hub.worker.loop import Worker
from tests.builders import AT, World
from tests.conftest import HandClock
from tests.pictures import jpeg
from tests.some_connectors.county import files

PHOTO, OTHER, THIRD = (jpeg(word) for word in (b"gate", b"roof", b"well"))
LONG_AGO = AT + timedelta(days=1)
NOW = AT + timedelta(days=30)
pytestmark = pytest.mark.fault("F5")


def sha(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()


@pytest.fixture
async def world(world: World) -> World:
    """With its author there since AT, so that the database speaks for what came since."""
    await world.owe()
    return world


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoint.arm(None)


async def upload(data: Path, photo: bytes, at: datetime = LONG_AGO) -> Path:
    """Write a photo as an upload does that then breaks off: there is no row."""

    async def arriving() -> AsyncIterator[bytes]:
        yield photo

    await keep_blob(data, sha(photo), arriving())
    path = blob_path(data, sha(photo))
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def row(world: World, photo: bytes) -> Row:
    return Attachment(sha256=sha(photo), account_id=world.author.id, media_type="image/jpeg",
                      size_bytes=len(photo), created_at=LONG_AGO)  # fmt: skip


async def name(world: World, data: Path, photo: bytes, store: Store | None = None) -> bool:
    """Write the row, as the end of an upload does."""
    return await (store or world.store).write(lambda session: name_blob(session, data, row(world, photo)))


async def sweep(store: Store, data: Path, now: datetime = NOW) -> int:
    """Give every folder its turn."""
    return sum([await tidy(store, data, now + number * TIDY_EVERY) for number in range(FOLDERS)])


async def rows_without_file(world: World, data: Path) -> list[str]:
    named = await world.store.read(lambda session: list(session.exec(select(Attachment.sha256))))
    return [sha256 for sha256 in named if not blob_path(data, sha256).exists()]


def all_below(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


async def test_what_no_row_names_goes_and_everything_else_stays(world: World, tmp_path: Path) -> None:
    named, orphan, young = [await upload(tmp_path, photo) for photo in (PHOTO, OTHER, THIRD)]
    os.utime(young, ((NOW - SAFE_AGE + 1.1 * FOLDERS * TIDY_EVERY).timestamp(),) * 2)  # younger at every turn
    await name(world, tmp_path, PHOTO)
    strangers = [named.with_name("notes.txt"), named.with_name("x" * 64), tmp_path / "blobs" / "arriving" / sha(OTHER)]
    for stranger in strangers:
        stranger.write_bytes(b"?")
        os.utime(stranger, (LONG_AGO.timestamp(),) * 2)
    named.with_name("0" * 64).mkdir()
    orphan.with_name("1" * 64).symlink_to(named)
    before = all_below(tmp_path) - {orphan}
    with capture_logs() as said:
        assert await sweep(world.store, tmp_path) == 1
        assert await sweep(world.store, tmp_path) == 0
    assert all_below(tmp_path) == before
    assert [(line["event"], line["count"]) for line in said] == [("photos.tidied", 1)]


async def test_a_photo_stays_whose_submission_is_still_to_come(world: World, tmp_path: Path) -> None:
    """A phone may upload today and send what names it in a month: the row came with the photo."""
    path = await upload(tmp_path, PHOTO)
    assert await name(world, tmp_path, PHOTO)
    assert await sweep(world.store, tmp_path, NOW + timedelta(days=3_650)) == 0
    assert path.exists()


async def test_a_row_that_came_since_the_look_keeps_its_file(world: World, tmp_path: Path) -> None:
    path = await upload(tmp_path, PHOTO)
    await name(world, tmp_path, PHOTO)
    assert not await world.store.write(lambda session: remove_unnamed(session, path, NOW))
    assert path.exists()


async def test_a_photo_that_came_again_since_the_look_stays(world: World, tmp_path: Path) -> None:
    path = await upload(tmp_path, PHOTO, at=NOW)
    assert not await world.store.write(lambda session: remove_unnamed(session, path, NOW))
    assert await name(world, tmp_path, PHOTO)
    assert await rows_without_file(world, tmp_path) == []


@pytest.fixture
async def other(world: World, database_url: str) -> AsyncIterator[Store]:
    """Another process's store, where there can be one: it waits for nothing of ours but the database."""
    if database_url.startswith("sqlite"):
        yield world.store
        return
    opened = open_store(database_url)
    yield opened
    await opened.close()


class Again:
    """Sends a photo again at a failpoint: the file gets its place there, the row comes as soon as it may."""

    def __init__(self, world: World, data: Path, store: Store, point: str) -> None:
        self._world, self._data, self._store, self._point = world, data, store, point
        self._loop, self._begun = asyncio.get_running_loop(), asyncio.Event()
        failpoint.arm(self._act)

    def _act(self, at: str) -> None:
        if at != self._point:
            return
        failpoint.arm(None)
        fresh = self._data / "blobs" / "arriving" / "fresh"
        fresh.write_bytes(PHOTO)
        give_place(fresh, blob_path(self._data, sha(PHOTO)))
        self._loop.call_soon_threadsafe(self._name)
        threading.Event().wait(0.4)  # time for the row to get in between, if it could

    def _name(self) -> None:
        self.naming = asyncio.create_task(name(self._world, self._data, PHOTO, self._store))
        self._begun.set()

    async def answer(self) -> bool:
        """What the sender was told."""
        await self._begun.wait()
        return await self.naming


async def test_the_same_photo_sent_again_right_before_its_file_goes(world: World, other: Store, tmp_path: Path) -> None:
    path = await upload(tmp_path, PHOTO)
    again = Again(world, tmp_path, other, "tidy.found")
    assert await sweep(world.store, tmp_path) == 1
    with pytest.raises(Problem) as caught:
        await again.answer()
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("store.busy", 503, 5)
    assert await rows_without_file(world, tmp_path) == []
    await upload(tmp_path, PHOTO)
    assert await name(world, tmp_path, PHOTO, other)
    assert path.read_bytes() == PHOTO


async def test_the_same_photo_sent_again_right_after_its_file_went(world: World, other: Store, tmp_path: Path) -> None:
    path = await upload(tmp_path, PHOTO)
    again = Again(world, tmp_path, other, "tidy.removed")
    assert await sweep(world.store, tmp_path) == 1
    assert await again.answer()
    assert path.read_bytes() == PHOTO
    assert await rows_without_file(world, tmp_path) == []


async def test_two_processes_at_one_folder_remove_each_file_once(world: World, other: Store, tmp_path: Path) -> None:
    for number in range(20):
        path = blob_path(tmp_path, f"ab{number:062x}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PHOTO)
        os.utime(path, (LONG_AGO.timestamp(),) * 2)
    turn = next(NOW + n * TIDY_EVERY for n in range(FOLDERS) if folder_of(NOW + n * TIDY_EVERY) == "ab")
    removed = await asyncio.gather(tidy(world.store, tmp_path, turn), tidy(other, tmp_path, turn))
    assert sum(removed) == 20
    assert list((tmp_path / "blobs" / "ab").iterdir()) == []


def folder_of(now: datetime) -> str:
    return f"{int(now.timestamp() / TIDY_EVERY.total_seconds()) % FOLDERS:02x}"


@pytest.mark.parametrize("wrong", [timedelta(days=-400), timedelta(days=400)])
async def test_a_clock_that_is_wrong_costs_no_photo_that_has_a_row(
    world: World, tmp_path: Path, wrong: timedelta
) -> None:
    kept, begun = [await upload(tmp_path, photo) for photo in (PHOTO, OTHER)]
    await name(world, tmp_path, PHOTO)
    removed = await sweep(world.store, tmp_path, NOW + wrong)
    assert kept.exists()
    assert begun.exists() == (wrong < timedelta(0))
    if removed:  # the row of an upload that is under way while the clock jumps ahead
        with pytest.raises(Problem, match=r"store\.busy"):
            await name(world, tmp_path, OTHER)
    assert await rows_without_file(world, tmp_path) == []


async def test_what_another_database_may_speak_for_is_left_alone(
    world: World, tmp_path: Path, database_url: str
) -> None:
    before_us = await upload(tmp_path, PHOTO, at=AT - timedelta(seconds=1))
    before_restore = await upload(tmp_path, OTHER)
    epoch = Epoch(number=2, began_at=LONG_AGO + timedelta(hours=1), copied_at=AT, copy_digest="d")
    await world.store.write(lambda session: session.add(epoch))
    since = await upload(tmp_path, THIRD, at=LONG_AGO + timedelta(hours=2))
    assert await sweep(world.store, tmp_path) == 1
    assert [path.exists() for path in (before_us, before_restore, since)] == [True, True, False]


async def test_a_database_nobody_has_an_account_in_removes_nothing(store: Store, tmp_path: Path) -> None:
    path = await upload(tmp_path, PHOTO)
    assert await sweep(store, tmp_path) == 0
    assert path.exists()


async def test_a_copy_has_every_photo_though_the_hub_tidies_meanwhile(
    world: World, tmp_path: Path, database_url: str
) -> None:
    for photo in (PHOTO, OTHER):
        await upload(tmp_path, photo)
    await name(world, tmp_path, PHOTO)
    copying = asyncio.to_thread(take_copy, database_url, tmp_path, tmp_path / "copy.zip", NOW)
    manifest, removed = await asyncio.gather(copying, sweep(world.store, tmp_path))
    assert removed == 1
    assert manifest.missing == []
    assert f"blobs/{sha(PHOTO)}" in manifest.members


class Counting:
    """A store that notes how many photos are asked for at once."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, list[int]()

    async def read(self, query: Callable[[Session], object]) -> object:
        found = await self.store.read(query)
        self.asked.append(len(getattr(query, "keywords", {}).get("wanted", ())))
        return found

    async def write(self, write: Callable[[Session], object]) -> object:
        return await self.store.write(write)


async def test_a_folder_is_looked_through_piece_by_piece(world: World, tmp_path: Path) -> None:
    many = 2 * AT_ONCE + 7
    folder = tmp_path / "blobs" / folder_of(NOW)
    folder.mkdir(parents=True)
    for number in range(many):
        path = folder / f"{folder.name}{number:062x}"
        path.touch()
        os.utime(path, (LONG_AGO.timestamp(),) * 2)
    counting = Counting(world.store)
    assert await tidy(counting, tmp_path, NOW) == many  # type: ignore[arg-type]  # the seam
    assert max(counting.asked) == AT_ONCE
    assert sum(counting.asked) == many
    assert list(folder.iterdir()) == []


async def test_the_worker_does_it_by_itself(world: World, tmp_path: Path, clock: HandClock) -> None:
    path = await upload(tmp_path, PHOTO)
    pulls = Pulls(world.store, clock, Registry(County("330783000000", {}), {}, {}), {}, files()[0])
    worker = Worker(Engine(world.store, clock, {}), pulls, clock, tmp_path)
    await worker.start()
    clock.tick(days=30)  # not set: by a clock that jumped nothing would be removed
    while folder_of(clock.at) != path.parent.name:
        clock.tick(seconds=TIDY_EVERY.total_seconds())
    assert worker._scheduler is not None
    job = worker._scheduler.get_job("tidy-photos")
    assert job.trigger.interval == TIDY_EVERY
    await job.func()
    assert not path.exists()
    await worker.stop()
