"""Full and dying disks: nothing half kept, an honest answer, and the hub goes on by itself (F6, F7)."""

import asyncio
import errno
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub import failpoint
from hub.errors import Problem
from hub.store import Store, open_store
from hub.store.blobs import keep_blob
from tests.conftest import HandClock
from tests.pictures import jpeg
from tests.power.disk import NEVER, Disk
from tests.power.driver import Driver
from tests.power.loaded import Contents, contents
from tests.some_connectors.county import County, visit

FULL, BUSY = ("store.full", 507), ("store.busy", 503)
REFUSALS = [(number, *FULL) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)] + [
    (errno.EMFILE, *BUSY)
]
PHOTO = jpeg(b"gate" * 100)


@pytest.fixture
def disk(tmp_path: Path, sqlite_template: bytes) -> Disk:
    return Disk(tmp_path / "disk", {"hub.db": sqlite_template})


@pytest.fixture
async def store(disk: Disk) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{disk.folder}/hub.db", driver=Driver(disk))
    yield opened
    disk.room, disk.broken = NEVER, False
    await opened.close()


def as_it_lies(disk: Disk, beside: Path) -> Contents:
    """Return what is in the database, read from a copy: opened beside the store, its log would be taken away."""
    shutil.copytree(disk.folder, beside, dirs_exist_ok=True)
    return contents(beside / "hub.db")


@pytest.mark.fault("F6")
@pytest.mark.parametrize("room", [0, 100, 5_000, 20_000, 60_000])
async def test_a_full_disk_keeps_nothing_says_so_and_heals(
    store: Store, disk: Disk, clock: HandClock, room: int, tmp_path: Path
) -> None:
    county = await County(store, clock).settle()
    kept = [(await county.submit(visit())).submission_id for _ in range(3)]
    disk.room = room
    answers = await asyncio.gather(*(county.submit(visit()) for _ in range(20)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    kept += [answer.submission_id for answer in answers if not isinstance(answer, BaseException)]
    assert {(problem.code, problem.status) for problem in refused} <= {("store.full", 507)}
    assert len(refused) + len(kept) == 23
    disk.room = 0
    with pytest.raises(Problem, match=r"store\.full"):
        await county.submit(visit())
    before = as_it_lies(disk, tmp_path / "before")
    assert before.keys() == set(kept)
    disk.room = NEVER
    assert (await county.submit(visit())).created
    after = as_it_lies(disk, tmp_path / "after")
    assert {name: rows for name, rows in after.items() if name in before} == before


@pytest.mark.fault("F6")
async def test_a_disk_that_dies_is_answered_and_not_believed(store: Store, disk: Disk, clock: HandClock) -> None:
    county = await County(store, clock).settle()
    kept = (await county.submit(visit())).submission_id
    disk.broken = True
    with pytest.raises(Problem) as caught:
        await county.submit(visit())
    assert (caught.value.code, caught.value.status) == ("store.full", 507)
    disk.broken = False
    assert (await county.submit(visit())).created
    assert kept in contents(disk.folder / "hub.db")


@pytest.fixture
def struck() -> Iterator[dict[str, int]]:
    """Let the operating system refuse at a named point, with a number of errno."""
    at: dict[str, int] = {}

    def act(name: str) -> None:
        if name in at:
            raise OSError(at[name], "refused")

    failpoint.arm(act)
    yield at
    failpoint.arm(None)


@pytest.mark.fault("F7")
@pytest.mark.parametrize("point", ["blob.written", "blob.flushed", "blob.renamed"])
@pytest.mark.parametrize("refusal", REFUSALS, ids=[errno.errorcode[refusal[0]] for refusal in REFUSALS])
async def test_a_photo_that_finds_no_room_is_told_and_leaves_nothing_arriving(
    tmp_path: Path, struck: dict[str, int], point: str, refusal: tuple[int, str, int]
) -> None:
    sha256 = hashlib.sha256(PHOTO).hexdigest()

    async def arriving() -> AsyncIterator[bytes]:
        yield PHOTO

    struck[point], *told = refusal
    with pytest.raises(Problem) as caught:
        await keep_blob(tmp_path, sha256, arriving())
    assert [caught.value.code, caught.value.status] == told
    assert list((tmp_path / "blobs/arriving").iterdir()) == []
    struck.clear()
    assert (await keep_blob(tmp_path, sha256, arriving())).size_bytes == len(PHOTO)
