"""Rows of a newer program, or of no program at all: never sent, in nobody's way, and named (C74)."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from hub.errors import Problem
from hub.model import Delivery
from hub.model.delivery import State
from hub.outbox.attempt import attempt
from hub.outbox.claim import claimed
from hub.outbox.decide.replay import Became
from hub.outbox.decide.settle import Outcome
from hub.outbox.entry.take import take
from hub.outbox.hand import cancel, confirm, replay_each
from hub.outbox.upkeep.resume import check_paused
from hub.sdk import Misconfigured
from hub.store import Store
from tests.builders import HONOURS, FakeSystem, World, account, spoil
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit

pytestmark = [pytest.mark.case("C74"), pytest.mark.fault("F96")]
ODD = {"state": "frozen", "intent": "merge"}


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    """A world whose moves are not watched: the watch knows no such states either."""
    return World(store, clock)


@pytest.fixture(params=ODD)
async def odd(world: World, request: pytest.FixtureRequest) -> str:
    (one,) = await world.owe()
    await world.store.write(lambda s: spoil(s, one, request.param, ODD[request.param]))
    return one


async def test_it_is_never_sent_and_keeps_nobody(world: World, odd: str) -> None:
    world.use(HONOURS, in_flight=1)
    others = await world.owe(5)
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    async with asyncio.timeout(20):
        while len(world.north.pushed) < 5:  # noqa: ASYNC110 - the engine rings nobody
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await engine.stop(timedelta(seconds=5))
    await running
    keys = {(await world.get(one)).key for one in others}
    assert {sent.key for sent in world.north.pushed} == keys
    row = await world.get(odd)
    assert (row.attempts, row.lease_token) == (0, None)


async def test_it_is_named_once_in_the_log(world: World, odd: str) -> None:
    row, engine = await world.get(odd), world.engine()
    with capture_logs() as said:
        for _ in range(3):
            await engine._turn()
            world.clock.tick(seconds=20)
    told = [line for line in said if line["event"] == "delivery.unrecognised"]
    assert [(line["delivery_id"], line["state"], line["intent"]) for line in told] == [(odd, row.state, row.intent)]


@pytest.mark.parametrize("column", ODD)
async def test_one_that_died_in_hand_is_recovered_and_not_sent(world: World, column: str) -> None:
    """Its worker was of the newer program."""
    lease = {"state": State.LEASED, "lease_token": "t", "leased_until": world.clock.now(), "due_at": None}
    (one,) = await world.owe(1, **lease, attempts=1)
    if column == "intent":
        await world.store.write(lambda s: spoil(s, one, column, ODD[column]))
    await world.drain(minutes=5)
    assert world.north.pushed == []


async def test_a_person_is_told_and_others_go_on(world: World, odd: str) -> None:
    (other,) = await world.owe(1, state=State.PARKED, attempts=1, due_at=None)
    found = await world.store.write(lambda s: replay_each(s, [odd, other], world.deed()))
    assert [found[one].became for one in (odd, other)] == [Became.UNRECOGNISED, Became.SENT]
    who = account()
    await world.add([who])
    if (await world.get(odd)).state in set(State):
        await world.store.write(lambda s: cancel(s, odd, world.deed()))
        assert (await world.get(odd)).state == State.CANCELLED
        return
    for deed in (
        lambda s: cancel(s, odd, world.deed()),
        lambda s: confirm(s, odd, world.deed(), "S-1"),
        lambda s: take(s, odd, who, world.clock.now()),
    ):
        with pytest.raises(Problem, match=r"delivery\.not_for_hand"):
            await world.store.write(deed)


async def test_a_pause_it_began_is_left_to_a_person_and_the_others_end(world: World) -> None:
    for name in ("north", "south"):
        world.use(HONOURS, name).on_push = [Misconfigured("401")]
        await world.owe(1, name)
    await world.drain()
    (row,) = await world.all(Delivery, Delivery.system == "north")
    await world.store.write(lambda s: spoil(s, row.id, "state", ODD["state"]))
    assert await check_paused(world.engine()) == ["south"]
    assert (await world.health()).paused_reason == "401"


async def test_the_last_fence_sends_nothing_either(world: World) -> None:
    (one,) = await world.owe()
    row = {**vars(await world.get(one)), "intent": "merge"}
    system = FakeSystem()
    result = await attempt(system, claimed(row), timedelta(seconds=5))
    assert (result.outcome, system.pushed) == (Outcome.UNANSWERED, [])


@pytest.mark.parametrize("column", ODD)
async def test_a_correction_waits_behind_it(store: Store, clock: HandClock, column: str) -> None:
    """Whatever it is, what comes after must not be guessed."""
    county = await County(store, clock).settle()
    first = await county.submit(visit())
    before = await county.delivery("doors", "visit")
    await store.write(lambda s: spoil(s, before.id, column, ODD[column]))
    await county.correct(first, visit(answers={"visit.summary": "改过了"}))
    after = await county.delivery("doors", "visit", revision=2)
    assert (after.state, after.after_id, after.due_at) == (State.WAITING, before.id, None)
