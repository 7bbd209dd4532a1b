"""How fast and to whom: breaker, limits, isolation (D8, F44, F70)."""

import asyncio
from datetime import timedelta

import pytest

from hub.model.delivery import State
from hub.model.system import Breaker
from hub.outbox.claim import claim_due
from hub.sdk import Receipt, Refused, Unavailable
from hub.sdk.errors import Unanswered
from tests.builders import HONOURS, World, until


@pytest.mark.fault("F70")
async def test_five_failures_open_the_breaker_and_one_probe_with_a_hundred_waiting_closes_it(world: World) -> None:
    await world.owe(100)
    world.use(HONOURS, in_flight=1).always = Unavailable("503")
    await world.drain()
    assert len(world.north.pushed) == 5
    assert (await world.health()).breaker == Breaker.OPEN
    await world.drain(seconds=1)
    assert len(world.north.pushed) == 5
    world.use(HONOURS, in_flight=50, per_second=10_000).on_push = [Unanswered("cut off")]
    await world.drain(seconds=1)
    assert len(world.north.pushed) == 1  # exactly one probe, and it failed
    state = await world.health()
    assert (state.breaker, state.failures, state.last_reason) == (Breaker.OPEN, 6, "cut off")
    await world.drain(seconds=4)
    await world.drain(minutes=1)
    state = await world.health()
    assert (state.breaker, state.failures, state.open_until) == (Breaker.CLOSED, 0, None)
    assert set((await world.states()).values()) == {State.DELIVERED}


@pytest.mark.fault("F70")
async def test_while_a_probe_is_out_nobody_else_sends_and_a_lost_probe_is_replaced(world: World) -> None:
    await world.owe(6)
    world.use(HONOURS, in_flight=1).always = Unavailable("503")
    await world.drain()
    world.clock.tick(seconds=10)
    wanted = {"north": (9, timedelta(seconds=30))}
    claim = await world.store.write(lambda s: claim_due(s, wanted, world.clock.now()))
    assert len(claim) == 1
    assert (await world.health()).breaker == Breaker.PROBING
    assert await world.store.write(lambda s: claim_due(s, wanted, world.clock.now())) == []
    world.clock.tick(seconds=46)
    again = await world.store.write(lambda s: claim_due(s, wanted, world.clock.now()))
    assert len(again) == 1
    assert again[0].delivery_id != claim[0].delivery_id


async def test_a_refusal_is_a_sign_of_life(world: World) -> None:
    await world.owe(12)
    world.use(HONOURS, in_flight=1).on_push = [Unavailable("x"), Refused("no")] * 6
    await world.drain()
    assert len(world.north.pushed) == 12
    assert (await world.health()).breaker == Breaker.CLOSED


async def test_the_breaker_survives_a_restart(world: World) -> None:
    await world.owe(6)
    world.use(HONOURS, in_flight=1).always = Unavailable("503")
    await world.drain()
    await world.engine().drain()
    assert len(world.north.pushed) == 5


async def test_no_more_are_under_way_than_the_system_takes(world: World) -> None:
    await world.owe(30)
    world.use(HONOURS, in_flight=3)
    await world.drain()
    assert (len(world.north.pushed), world.north.most_under_way) == (30, 3)


async def test_no_more_start_than_its_rate_allows(world: World) -> None:
    await world.owe(30)
    world.use(HONOURS, in_flight=50, per_second=4)
    engine = world.engine()
    engine.ring(["north"])
    for seconds in (0, 0.25, 1, 0.1):
        world.clock.tick(seconds=seconds)
        await engine._look()
        while await _step(world, engine):
            pass
        assert not world.north.under_way
    assert len(world.north.pushed) == 4 + 1 + 4


async def _step(world: World, engine) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001 - hub.outbox.engine.Engine
    """One pass; say whether it started anything."""
    before = len(world.north.pushed)
    await engine.step()
    while engine._tasks:
        await asyncio.wait(engine._tasks)
    return len(world.north.pushed) > before


async def test_draining_waits_for_a_slow_rate_instead_of_leaving_the_rest(world: World) -> None:
    await world.owe(3)
    world.use(HONOURS, per_second=1)
    draining = asyncio.create_task(world.engine().drain())
    await until(lambda: len(world.north.pushed) == 1)
    for pushed in (2, 3):
        world.clock.tick(seconds=1)
        await until(lambda n=pushed: len(world.north.pushed) == n)  # type: ignore[misc]  # default binds
    await draining
    assert set((await world.states()).values()) == {State.DELIVERED}


@pytest.mark.fault("F44")
async def test_a_system_that_hangs_does_not_delay_the_others(world: World) -> None:
    """F44 in small: one of four hangs until the very end; the others are done long before."""
    answer = asyncio.Event()

    async def hang() -> Receipt:
        await answer.wait()
        return Receipt("late")

    world.use(HONOURS).always = hang
    await world.owe(20)
    for name in ("south", "east", "west"):
        world.use(HONOURS, name)
        await world.owe(20, name)
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    others = [world.systems[name] for name in ("south", "east", "west")]
    await until(lambda: all(len(system.pushed) == 20 for system in others))
    assert (len(world.north.pushed), world.north.under_way) == (4, 4)
    answer.set()
    await until(lambda: len(world.north.pushed) == 20)
    await engine.stop(timedelta(seconds=5))
    await running
    assert set((await world.states()).values()) == {State.DELIVERED}


@pytest.mark.fault("F67")
async def test_what_is_owed_to_a_system_no_longer_wired_stays_and_harms_nobody(world: World) -> None:
    (theirs,) = await world.owe(1, "gone")
    (ours,) = await world.owe()
    await world.drain()
    states = await world.states()
    assert (states[theirs], states[ours]) == (State.WAITING, State.DELIVERED)
