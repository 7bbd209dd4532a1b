"""What is removed by age asks first whether the clock can be right, and never takes much without a person (C64)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hub.model import JournalEntry, Retention, Submission, Take
from hub.outbox.engine import Engine
from hub.pulls.run import Pulls
from hub.store.blobs import blob_path
from hub.store.query import retention
from hub.systems import Registry
from hub.worker.loop import Worker
from tests.builders import Loose
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit
from tests.store.erased import county, ended, lived, other

__all__ = ["county", "other"]
pytestmark = [pytest.mark.case("C64"), pytest.mark.fault("F86")]
TERM = timedelta(days=365)
TWO_YEARS = timedelta(days=730)


class Hub:
    """A worker's chores, done when a test says so."""

    def __init__(self, county: County, clock: HandClock, folder: Path, **values: Loose) -> None:
        pulls = Pulls(county.store, clock, Registry(county.registry.county, {}, {}), {}, county.catalog)
        self.worker = Worker(Engine(county.store, clock, {}), pulls, clock, folder, TERM, **values)

    async def start(self) -> "Hub":
        await self.worker.start()
        return self

    async def do(self, chore: str) -> None:
        assert self.worker._scheduler is not None
        await self.worker._scheduler.get_job(chore).func()


@pytest.fixture
async def hubs(county: County, clock: HandClock, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Hub]]]:
    """Makes a hub that starts now, as often as a test restarts it."""
    made: list[Hub] = []

    async def make(**values: Loose) -> Hub:
        made.append(Hub(county, clock, tmp_path, **values))
        return await made[-1].start()

    yield make
    for hub in made:
        await hub.worker.stop()


async def erased(county: County) -> int:
    return sum(row.erased_at is not None for row in await county.rows(Submission))


async def held(county: County) -> str:
    rows = await county.rows(Retention)
    return rows[0].held if rows else ""


async def test_a_minute_two_years_ahead_erases_nothing_and_then_it_goes_on(
    county: County, clock: HandClock, hubs: Loose
) -> None:
    await lived(county)
    hub = await hubs()
    clock.tick(hours=1)
    await hub.do("erase")
    clock.at += TWO_YEARS
    await hub.do("erase")
    assert (await erased(county), await held(county)) == (0, "away")
    clock.tick(minutes=1)
    clock.at -= TWO_YEARS
    await hub.do("erase")
    assert (await erased(county), await held(county)) == (0, "")
    clock.tick(days=365)
    await hub.do("erase")
    assert await erased(county) == 2


async def test_nor_does_it_when_a_hub_starts_with_a_clock_that_is_ahead(
    county: County, clock: HandClock, hubs: Loose
) -> None:
    """What comes in meanwhile is dated by that clock too and says nothing for it."""
    first = await lived(county)
    await (await hubs()).do("erase")
    right_at = clock.now()
    clock.at += TWO_YEARS
    hub = await hubs()
    late = await county.submit(visit())
    await ended(county)
    for _ in range(30):
        clock.tick(hours=1)
        await hub.do("erase")
    assert (await erased(county), await held(county)) == (0, "away")
    clock.at = right_at + timedelta(hours=31)
    await (await hubs()).do("erase")
    assert (await erased(county), await held(county)) == (0, "data_ahead")
    assert late.submission_id != first.submission_id


async def test_nor_on_a_database_that_has_never_seen_a_look_at_the_clock(
    county: County, clock: HandClock, hubs: Loose
) -> None:
    await lived(county)
    clock.at += TWO_YEARS
    await (await hubs()).do("erase")
    assert (await erased(county), await held(county)) == (0, "away")


async def test_a_hub_that_was_off_for_weeks_waits_for_a_person_and_one_off_for_days_does_not(
    county: County, clock: HandClock, hubs: Loose
) -> None:
    await lived(county)
    await hubs()
    clock.tick(days=365)
    hub = await hubs()
    await hub.do("erase")
    assert (await erased(county), await held(county)) == (0, "away")
    await county.store.write(lambda s: retention.trust(s, clock.now()))
    clock.tick(days=6)
    await (await hubs()).do("erase")
    assert await erased(county) == 2


async def test_a_jump_within_the_week_is_believed_after_a_quiet_day(
    county: County, clock: HandClock, hubs: Loose
) -> None:
    hub = await hubs()
    await lived(county)
    clock.tick(days=364)
    await hub.do("erase")
    clock.at += timedelta(days=2)
    for hours in (0, 23):
        clock.tick(hours=hours)
        await hub.do("erase")
        assert (await erased(county), await held(county)) == (0, "jumped")
    clock.tick(hours=1)
    await hub.do("erase")
    assert (await erased(county), await held(county)) == (2, "")


async def test_a_clock_set_back_erases_nothing_and_says_so(county: County, clock: HandClock, hubs: Loose) -> None:
    await lived(county)
    hub = await hubs()
    clock.at -= timedelta(days=2)
    await hub.do("erase")
    assert (await erased(county), await held(county)) == (0, "data_ahead")


async def test_more_than_the_share_waits_for_a_person(county: County, clock: HandClock, hubs: Loose) -> None:
    for _ in range(14):
        await county.submit(visit())
    await ended(county)
    hub = await hubs()
    clock.tick(days=366)
    await hub.do("erase")
    assert (await erased(county), await held(county)) == (0, "share")
    generous = Hub(county, clock, hub.worker.data_dir, share=1.0)
    generous.worker._keeping._belief = hub.worker._keeping._belief
    await generous.worker._erase()
    assert (await erased(county), await held(county)) == (14, "")
    assert len(await county.rows(JournalEntry, action="submission.erased")) == 14


async def test_photos_and_takes_are_not_cleared_by_a_clock_in_doubt(
    county: County, clock: HandClock, hubs: Loose, tmp_path: Path
) -> None:
    first = await county.submit(visit())
    (row, *_) = (await county.deliveries(first)).values()
    hub = await hubs()
    unnamed = blob_path(tmp_path, "f" * 64)
    unnamed.parent.mkdir(parents=True)
    unnamed.write_bytes(b"x")
    until = clock.now() + timedelta(minutes=30)
    await county.store.write(lambda s: s.add(Take(delivery_id=row.id, account_id="eve", until=until)))
    clock.at += TWO_YEARS
    turn = timedelta(minutes=10) * (0xFF - int(clock.now().timestamp() / 600) % 256)
    clock.at += turn
    await hub.do("tidy-photos")
    await hub.do("press")
    assert unnamed.exists()
    assert len(await county.rows(Take)) == 1
