"""A wall clock that is set while the hub runs: no storm, and nothing waits longer than was meant (F42)."""

import asyncio
from datetime import timedelta

import pytest

from hub.model.delivery import State
from hub.model.system import Breaker
from hub.outbox.claim import claim_due, shorten_waits
from hub.outbox.engine import Engine
from hub.sdk import Receipt, Unavailable
from tests.builders import HONOURS, NEITHER, World, until

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
    world.clock.at -= timedelta(days=1)
    await later(world, engine, 2)
    assert (await world.get(soon[0])).state == State.DELIVERED
    assert (await world.get(asked[0])).state == State.RETRY
    assert len(world.systems["south"].pushed) == 6  # its breaker let one through to see
    await later(world, engine, 48)
    await later(world, engine, 3)
    assert (await world.get(dead[0])).state == State.DELIVERED
    await later(world, engine, 3_400)
    assert (await world.get(asked[0])).state == State.RETRY  # it asked for an hour, and has it
    await later(world, engine, 3_600 * 0.6)
    assert (await world.get(asked[0])).state == State.DELIVERED


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
