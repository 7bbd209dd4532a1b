"""Totals go on growing when the clock that moved their mark was ahead."""

from datetime import timedelta

import pytest

from hub.store import Store
from hub.store.query.counts import advance, keep, totals
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit

pytestmark = pytest.mark.case("C03")
YEAR = timedelta(days=365)


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


async def count(county: County) -> None:
    """What the worker does once a minute."""
    now = county.clock.now()
    counted = await county.store.read(lambda session: advance(session, now))
    if counted:
        await county.store.write(lambda session: keep(session, counted))


async def submitted(county: County) -> int:
    return (await county.store.read(totals))["submission"]["*"]


async def test_a_year_ahead_and_back(county: County, clock: HandClock) -> None:
    await county.submit(visit())
    clock.at += YEAR
    await county.submit(visit())
    clock.tick(minutes=10)
    await county.submit(visit())
    await count(county)
    clock.at -= YEAR
    await count(county)
    for number in range(4, 8):
        clock.tick(minutes=6)
        await county.submit(visit())
        await count(county)
        assert await submitted(county) == number
    clock.at += YEAR + timedelta(hours=1)
    await count(county)
    assert await submitted(county) == 7, "when that time comes, nothing is counted twice"
