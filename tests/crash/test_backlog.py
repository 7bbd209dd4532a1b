"""A backlog of more than one page of recovery: the Systems close or hang half way, the hub dies, they open again."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from hub.model.delivery import State
from hub.outbox.claim import claim_due
from hub.store import Store
from tests.builders import HONOURS, World
from tests.conftest import HandClock
from tests.crash.books import BOOKS
from tests.crash.kills import County, count_states
from tests.crash.mortal import Mortal
from tests.crash.verdict import judge
from tests.fifth.ledger_world import sign_in

FIRST, REST = 20, 400
"""Submissions delivered before the Systems close, and after: 1,200 Deliveries are more than any page."""
IN_FLIGHT = 100
LEASED = 1_100
"""More than two pages of leases."""
HANDS = 4
TAKEN_UP_WITHIN_S = 45.0
"""The lease of a hanging attempt lasts 75 s: who waits for it to run out is too late."""


@pytest.mark.timeout(300)
@pytest.mark.fault("F39")
@pytest.mark.parametrize("trouble", ["hang", "closed"])
async def test_a_backlog_is_taken_up_again(tmp_path: Path, trouble: str, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "hub"
    county = County(home, f"sqlite:///{home / 'hub.db'}")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(county.books)
        await stack.enter_async_context(county.client)
        hub = await opened(county, stack)
        await fill(county, FIRST, 0)
        await stands(county, "delivered", FIRST * len(BOOKS))
        await hub_dies_over(county, hub, trouble)
        began = time.monotonic()
        await county.drained()
        took_s = time.monotonic() - began
        assert await hub.stop() == 0
    county.verdict.repeats_allowed = IN_FLIGHT * len(BOOKS)
    judge(county.verdict, county.database_url, home, county.told, county.books)
    with capsys.disabled():
        sys.stdout.write(f"\n  backlog of {REST * len(BOOKS)} ({trouble}): drained in {took_s:.1f} s\n")
    assert county.verdict.faults == []
    assert county.verdict.deliveries == (FIRST + REST) * len(BOOKS)
    assert took_s < TAKEN_UP_WITHIN_S


async def hub_dies_over(county: County, hub: Mortal, trouble: str) -> None:
    """Fill while the Systems do not answer, kill, let them answer, begin the next life."""
    if trouble == "hang":
        county.books.awake.clear()
    else:
        county.books.open = False
    await fill(county, REST, FIRST)
    if trouble == "hang":
        await stands(county, "leased", IN_FLIGHT * len(BOOKS))
    hub.kill()
    county.books.open = True
    county.books.awake.set()
    hub.start()
    assert await hub.ready(county.client, county.url), hub.last_words()


@pytest.mark.fault("F39")
async def test_leases_of_the_dead_are_taken_up_at_once_however_many(store: Store, clock: HandClock) -> None:
    """Where no other process can hold a lease, none is waited for: the clock stands still here."""
    world = World(store, clock)
    world.use(HONOURS, in_flight=LEASED, per_second=LEASED)
    ids = await world.owe(LEASED)
    wanted = {"north": (LEASED, timedelta(seconds=30))}
    assert len(await store.write(lambda session: claim_due(session, wanted, clock.now()))) == LEASED
    engine = world.engine(sole=True)
    running = asyncio.create_task(engine.run())
    try:
        async with asyncio.timeout(60):
            while set((await world.states()).values()) != {State.RETRY}:  # noqa: ASYNC110 - the engine rings nobody
                await asyncio.sleep(0.05)
    finally:
        await engine.stop(timedelta(seconds=5))
        await running
    await world.drain(minutes=1)
    assert {(await world.get(one)).state for one in ids[::100]} == {State.DELIVERED}
    assert set((await world.states()).values()) == {State.DELIVERED}
    assert len({sent.key for sent in world.north.pushed}) == len(world.north.pushed) == LEASED


async def opened(county: County, stack: AsyncExitStack) -> Mortal:
    """A hub that may have the whole backlog under way at once."""
    county.write_files(in_flight=IN_FLIGHT, answer_within="60s")
    hub = county.mortal()
    hub.start()
    stack.callback(lambda: hub.returncode is None and hub.kill())
    assert await hub.ready(county.client, county.url), hub.last_words()
    await sign_in(county.client, county.url)
    return hub


async def fill(county: County, many: int, start: int) -> None:
    """Several hands fill that many."""
    numbers = iter(range(start, start + many))

    async def hand() -> None:
        for number in numbers:
            await county.submit(number)

    await asyncio.gather(*(hand() for _ in range(HANDS)))


async def stands(county: County, state: str, many: int) -> None:
    """Wait until that many Deliveries are in a state."""
    async with asyncio.timeout(60):
        while count_states(county.database_url).get(state, 0) < many:  # noqa: ASYNC110 - another process's rows
            await asyncio.sleep(0.1)
