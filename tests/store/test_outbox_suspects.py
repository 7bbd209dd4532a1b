"""A hub that dies again and again with many in hand: only what dies alone is set aside (F43, F100)."""

import asyncio
import contextlib
from collections import Counter
from datetime import timedelta

import pytest

from hub.model.delivery import SUSPECT, Delivery, State
from hub.model.system import Breaker
from hub.outbox.decide.settle import MAX_LOST
from hub.outbox.engine import Engine
from hub.outbox.hand import replay
from hub.sdk import Misconfigured, Receipt
from hub.store.query import systems
from tests.builders import HONOURS, PROBES, FakeSystem, Loose, World, until

pytestmark = [pytest.mark.case("C78"), pytest.mark.fault("F100", "F43")]
POISON = b'{"poison": true}'


class Died(BaseException):
    """The end of a process."""


async def never() -> None:
    await asyncio.Event().wait()


async def lived(world: World, dies: Loose, **values: Loose) -> Engine:
    """Let a process live until it is to die, and leave nothing of it but what it wrote."""
    engine = world.engine(sole=True, **values)
    running = asyncio.create_task(engine.run())
    await until(lambda: not engine.recovery.everything)
    world.clock.tick(minutes=1)  # what the one before left is due again
    await until(dies)
    engine._stopping = True  # Python 3.11 may swallow a cancellation that meets the bell
    for task in (running, *engine._tasks):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    world.clock.tick(minutes=1)
    return engine


def slow(world: World, name: str = "north", in_flight: int = 8) -> FakeSystem:
    system = world.use(HONOURS, name, in_flight=in_flight)
    system.always = never
    return system


async def counts(world: World) -> Counter[State]:
    return Counter((await world.states()).values())


async def test_killed_five_times_with_eight_under_way_none_is_set_aside(world: World) -> None:
    """The case itself: all eight were parked as what kills its worker."""
    slow(world)
    ids = await world.owe(8)
    for number in range(5):
        many = 8 if number < SUSPECT else 1
        await lived(world, lambda many=many: world.north.under_way == many)  # type: ignore[misc]  # default binds
        world.north.under_way = 0
    await world.engine().recovery.reap(everything=True)
    assert (await counts(world))[State.PARKED] <= 1
    lost = sorted([(await world.get(one)).lost for one in ids])
    assert sum(lost) == 8 * SUSPECT + 5 - SUSPECT, "in company twice, then one at a time"
    world.use(HONOURS, in_flight=8)
    await world.drain(minutes=5)
    rows = [await world.get(one) for one in ids]
    delivered = [row.lost for row in rows if row.state == State.DELIVERED]
    assert (len(delivered) >= 7, set(delivered)) == (True, {0})


async def test_what_really_kills_its_worker_is_found_among_the_eight(world: World) -> None:
    """F43 among company: it alone is parked, and the others come through."""
    north = world.use(HONOURS, in_flight=8)
    dead = asyncio.Event()
    ids = await world.owe(8)
    poison = (await world.owe(1, payload=POISON))[0]

    async def push(outgoing: Loose) -> Receipt:
        north.pushed.append(outgoing)
        await asyncio.sleep(0)
        if outgoing.payload == POISON:
            dead.set()
            await never()
        return Receipt("N")

    north.push = push  # type: ignore[method-assign]  # a System of this test
    for _ in range(MAX_LOST):
        dead.clear()
        await lived(world, dead.is_set)
    await world.engine(sole=True).recovery.reap(everything=True)
    row = await world.get(poison)
    assert (row.state, row.lost, row.attempts) == (State.PARKED, MAX_LOST, MAX_LOST)
    await world.drain(minutes=5)
    assert {(await world.get(one)).state for one in ids} == {State.DELIVERED}


async def test_one_that_is_tried_alone_has_nothing_beside_it_and_the_others_their_turn(world: World) -> None:
    """Of any System: what killed the process may be in any hand."""
    slow(world, in_flight=4)
    south = world.use(HONOURS, "south")
    await world.owe(2, lost=SUSPECT, attempts=2, repeat=True, state=State.RETRY)
    await world.owe(6, "south")
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    await until(lambda: world.north.under_way == 1)
    engine.ring(["south", "north"])
    assert engine.seat([{"id": "x", "system": "south", "due_at": world.clock.now()}]) == {}
    engine.hand_over([], [])
    await asyncio.sleep(0.05)
    assert (world.north.under_way, len(south.pushed)) == (1, 0)
    for task in [*engine._tasks]:
        task.cancel()
    await until(lambda: len(south.pushed) == 6)
    assert world.north.under_way == 0, "now the others have their turn"
    await engine.stop(timedelta(seconds=5))
    await running
    assert world.north.most_under_way == 1


async def test_what_was_suspected_and_comes_through_is_so_no_more(world: World) -> None:
    world.use(HONOURS, in_flight=4)
    ids = await world.owe(3, lost=SUSPECT, attempts=2, repeat=True, state=State.RETRY)
    await world.owe(5)
    await world.drain()
    assert [((await world.get(one)).state, (await world.get(one)).lost) for one in ids] == [(State.DELIVERED, 0)] * 3
    assert len(world.north.pushed) == 8


@pytest.mark.parametrize("rests", ["paused", "open", "unwired"])
async def test_one_whose_system_rests_holds_up_nobody(world: World, rests: str) -> None:
    world.use(HONOURS, in_flight=4)
    south = world.use(HONOURS, "south")
    (suspect,) = await world.owe(1, lost=SUSPECT, attempts=2, repeat=True, state=State.RETRY)
    await world.owe(20, "south")

    def rest(session: Loose) -> None:
        row = systems.states(session, ["north"])["north"]
        row.paused_reason = "401" if rests == "paused" else ""
        if rests == "open":
            row.breaker, row.failures, row.open_until = Breaker.OPEN, 9, world.clock.now() + timedelta(minutes=5)
        session.flush()

    await world.store.write(rest)
    if rests == "unwired":
        del world.lines["north"]
    engine = world.engine()
    await engine._look()
    assert not engine._alone.due
    await engine.drain()
    assert len(south.pushed) == 20
    assert (await world.get(suspect)).state == State.RETRY


async def test_where_the_breaker_is_half_open_the_suspect_is_the_one_probe(world: World) -> None:
    world.use(HONOURS)
    await world.owe(1, lost=SUSPECT, attempts=2, repeat=True, state=State.RETRY)

    def half_open(session: Loose) -> None:
        row = systems.states(session, ["north"])["north"]
        row.breaker, row.failures, row.open_until = Breaker.OPEN, 9, world.clock.now()
        session.flush()

    await world.store.write(half_open)
    await world.drain()
    assert ((await world.health()).breaker, len(world.north.pushed)) == (Breaker.CLOSED, 1)


async def test_an_unknown_one_is_asked_about_alone_too(world: World) -> None:
    """An answer may kill as well as a payload."""
    north = world.use(PROBES)
    (one,) = await world.owe(1, state=State.UNKNOWN, lost=SUSPECT, attempts=2, repeat=True)
    north.on_probe = [never]
    await lived(world, lambda: len(north.asked) == 1)
    await world.engine(sole=True).recovery.reap(everything=True)
    row = await world.get(one)
    assert (row.state, row.lost) == (State.UNKNOWN, SUSPECT + 1)


async def test_a_person_who_sends_it_again_takes_the_suspicion_off(world: World) -> None:
    (one,) = await world.owe(1, state=State.PARKED, lost=MAX_LOST, attempts=5, repeat=True, due_at=None)
    await world.store.write(lambda session: replay(session, [one], world.deed()))
    assert [row.lost for row in await world.all(Delivery)] == [0]
    world.north.on_push = [Misconfigured("401")]
    await world.drain()
    assert (await world.get(one)).lost == 0
