"""A wall clock that is set while the hub runs: no storm, and nothing waits longer than was meant (F42)."""

import asyncio
from datetime import timedelta

import pytest

from hub.model import SystemState
from hub.model.delivery import HELD_FOR, State
from hub.model.system import Breaker
from hub.outbox.claim import claim_due, shorten_waits
from hub.outbox.decide.backoff import LONGEST_DUE, PATIENCE
from hub.outbox.engine import Engine
from hub.outbox.entry.take import take
from hub.sdk import Receipt, Unavailable
from hub.store.query import entries, systems
from tests.builders import HONOURS, NEITHER, Loose, World, account, until

pytestmark = pytest.mark.fault("F42")


async def later(world: World, engine: Engine, seconds: float) -> None:
    """Let time pass and the engine have its turn."""
    world.clock.tick(seconds=seconds)
    await engine._turn()
    await engine.drain()


async def test_set_back_a_day_nothing_waits_a_day_longer(world: World) -> None:
    engine = world.engine()
    world.use(HONOURS, "south", in_flight=1).always = Unavailable("503")
    world.north.on_push = [Unavailable("503"), Unavailable("503", timedelta(hours=1))]
    engine = world.engine()
    soon, asked = await world.owe(1), await world.owe(1)
    await engine._turn()
    await engine.drain()
    dead = await world.owe(1)
    await world.store.write(lambda s: claim_due(s, {"north": (1, timedelta(seconds=30))}, world.clock.now()))
    await world.owe(6, "south")
    await engine.drain()
    assert (await world.health("south")).breaker == Breaker.OPEN
    pushed = len(world.systems["south"].pushed)
    world.clock.at -= timedelta(days=1)
    await later(world, engine, 2)
    assert (await world.get(soon[0])).state == State.DELIVERED
    assert (await world.get(asked[0])).state == State.RETRY
    assert len(world.systems["south"].pushed) == pushed + 1, "its breaker let one through to see"
    await later(world, engine, 48)
    await later(world, engine, 3)
    assert (await world.get(dead[0])).state == State.DELIVERED
    await later(world, engine, 3_400)
    assert (await world.get(asked[0])).state == State.RETRY  # it asked for an hour, and has it
    await later(world, engine, 3_600 * 0.6)
    assert (await world.get(asked[0])).state == State.DELIVERED


YEAR = timedelta(days=365)


async def begun(world: World) -> Engine:
    """An engine that has had its first turn."""
    engine = world.engine()
    await engine._turn()
    await engine.drain()
    return engine


async def test_a_year_ahead_for_a_minute_ends_no_patience(world: World) -> None:
    """Everything that was being tried again was parked as having waited for more than fifteen days."""
    world.north.always = Unavailable("503")
    ids = await world.owe(3)
    engine = await begun(world)
    world.clock.at += YEAR
    for _ in range(6):
        await later(world, engine, 10)
    assert set((await world.states()).values()) == {State.RETRY}
    assert min([(await world.get(one)).attempts for one in ids]) > 1
    world.clock.at -= YEAR
    await later(world, engine, 5)
    row = await world.get(ids[0])
    assert row.due_at - world.clock.now() < timedelta(hours=2)
    world.clock.tick(days=16)
    await later(world, engine, 1)
    assert State.PARKED in set((await world.states()).values()), "what is lived through counts, though"


async def test_time_in_which_no_hub_could_try_ends_no_patience(world: World) -> None:
    """Stopped over the holidays, or started by a clock that is ahead: the first try after it is not the last."""
    world.north.always = Unavailable("503")
    (one,) = await world.owe()
    await begun(world)
    world.clock.tick(days=30)
    engine = await begun(world)
    assert (await world.get(one)).state == State.RETRY
    await later(world, engine, PATIENCE.total_seconds())
    await later(world, engine, 1)
    assert (await world.get(one)).state == State.PARKED


async def test_set_back_while_it_was_stopped_nothing_waits_longer(world: World) -> None:
    """A machine that came up a year ahead, ran a while, was stopped, and then was told the time."""
    world.clock.at += YEAR
    world.use(HONOURS, "south", in_flight=1).always = Unavailable("503")
    world.north.on_push = [Unavailable("503"), Unavailable("503", timedelta(hours=1))]
    made = {"due_at": world.clock.now(), "created_at": world.clock.now()}
    soon, asked = await world.owe(2, **made)
    await world.owe(6, "south", **made)
    await begun(world)
    assert (await world.health("south")).breaker == Breaker.OPEN
    pushed = len(world.systems["south"].pushed)
    world.clock.tick(seconds=30)
    world.clock.at -= YEAR
    engine = world.engine()
    await later(world, engine, 2)
    await later(world, engine, 2)
    rows = [await world.get(one) for one in (soon, asked)]
    assert sorted(row.state for row in rows) == [State.DELIVERED, State.RETRY]
    assert len(world.systems["south"].pushed) == pushed + 1, "its breaker let one through to see"
    assert [row for row in await world.all(SystemState) if row.last_failure_at > world.clock.now()] == []
    with_wait = next(row for row in rows if row.state == State.RETRY)
    assert timedelta(minutes=50) < with_wait.due_at - world.clock.now() < timedelta(hours=2), "it asked for that"


async def test_what_lies_further_ahead_than_anything_is_put_off_is_due(world: World) -> None:
    """Nobody had tried anything while the clock was ahead, so nothing else tells that it was."""
    now = world.clock.now()
    (far,) = await world.owe(1, due_at=now + LONGEST_DUE + timedelta(seconds=1))
    (near,) = await world.owe(1, due_at=now + LONGEST_DUE)
    engine = await begun(world)
    await engine.drain()
    assert [(await world.get(one)).state for one in (far, near)] == [State.DELIVERED, State.WAITING]


async def test_a_breaker_or_pause_that_a_wrong_clock_set_holds_nobody(world: World) -> None:
    await world.owe(1)

    def hold(session: Loose) -> None:
        row = systems.states(session, ["north"])["north"]
        row.breaker, row.failures, row.open_until = Breaker.OPEN, 9, world.clock.now() + YEAR
        session.flush()

    await world.store.write(hold)
    await world.drain()
    assert (await world.health()).breaker == Breaker.CLOSED


@pytest.mark.parametrize("hours", [1, -1, -9_000])
async def test_whoever_enters_one_keeps_it_for_as_long_when_the_clock_is_set(world: World, hours: int) -> None:
    """Else a second person takes it while the first is still typing."""
    ada, bo = account(), account()
    (one,) = await world.owe(state=State.MANUAL, due_at=None)
    await world.add([ada, bo])
    engine = await begun(world)
    await world.store.write(lambda s: take(s, one, ada, world.clock.now()))
    world.clock.tick(minutes=10)
    world.clock.at += timedelta(hours=hours)
    await engine._turn()
    held = await world.store.read(lambda s: entries.holders(s, [one], world.clock.now()))
    assert (held[one].account_id, held[one].until) == (ada.id, world.clock.now() + timedelta(minutes=20))
    world.clock.tick(minutes=20)
    assert await world.store.read(lambda s: entries.holders(s, [one], world.clock.now())) == {}


@pytest.mark.parametrize("back", [timedelta(hours=1), YEAR])
async def test_set_back_nobody_has_one_for_longer_than_takes_last(world: World, back: timedelta) -> None:
    ada, bo = account(), account()
    (one,) = await world.owe(state=State.MANUAL, due_at=None)
    await world.add([ada, bo])
    await world.store.write(lambda s: take(s, one, ada, world.clock.now()))
    world.clock.at -= back
    assert await world.store.read(lambda s: entries.holders(s, [one], world.clock.now())) == {}
    await world.store.write(lambda s: take(s, one, bo, world.clock.now()))
    held = await world.store.read(lambda s: entries.holders(s, [one], world.clock.now()))
    assert (held[one].account_id, held[one].until) == (bo.id, world.clock.now() + HELD_FOR)


@pytest.mark.parametrize("seconds", [-9, 9, 3_600])
async def test_drift_and_steps_forward_are_no_step_back(world: World, seconds: int) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Unavailable("503", timedelta(hours=2))]
    engine = world.engine()
    await engine._turn()
    await engine.drain()
    planned = (await world.get(one)).due_at
    world.clock.at += timedelta(seconds=seconds)
    await engine._turn()
    assert (await world.get(one)).due_at == planned


async def test_set_forward_an_hour_takes_nothing_out_of_its_workers_hands(world: World) -> None:
    """Its lease is over by the wall clock; by the count of seconds it is not, and the answer still counts."""
    answer = asyncio.Event()

    async def slow() -> Receipt:
        await answer.wait()
        return Receipt("N-1")

    world.use(NEITHER).on_push = [slow]
    (one,) = await world.owe()
    engine = world.engine()
    await engine._turn()
    await until(lambda: world.north.under_way == 1)
    world.clock.at += timedelta(hours=1)
    world.clock.tick(seconds=16)
    assert await engine.recovery.reap() == 0
    answer.set()
    await engine.drain()
    row = await world.get(one)
    assert (row.state, row.remote_id, len(world.north.pushed)) == (State.DELIVERED, "N-1", 1)
    assert [attempt.outcome for attempt in await world.attempts(one)] == ["accepted"]


async def test_set_forward_an_hour_no_more_go_at_once_than_the_system_takes(world: World) -> None:
    world.use(HONOURS, in_flight=3, per_second=5).on_push = [Unavailable("503", timedelta(minutes=30))] * 3
    await world.owe(40)
    engine = world.engine()
    await engine._turn()
    await until(lambda: not world.north.under_way)
    before = len(world.north.pushed)
    world.clock.at += timedelta(hours=1)
    await engine._turn()
    await until(lambda: not world.north.under_way)
    for _ in range(3):
        await engine.step()
        await until(lambda: not world.north.under_way)
    assert world.north.most_under_way <= 3
    assert len(world.north.pushed) - before <= 5


async def test_a_small_step_back_shortens_waits_and_leaves_leases(world: World) -> None:
    """A lease must never end early: a little longer harms nobody."""
    now, step = world.clock.now(), timedelta(minutes=20)
    (waits,) = await world.owe(1, due_at=now + timedelta(minutes=30))
    (leased,) = await world.owe(1)
    await world.store.write(lambda s: claim_due(s, {"north": (1, timedelta(seconds=30))}, now))
    until_at = (await world.get(leased)).leased_until
    await world.store.write(lambda s: shorten_waits(s, now, step))
    assert (await world.get(waits)).due_at == now + timedelta(minutes=10)
    assert (await world.get(leased)).leased_until == until_at
