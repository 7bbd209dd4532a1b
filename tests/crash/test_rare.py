"""The failpoints a kill run hardly ever comes past: cut there in process, the next turn does the whole of it."""

import asyncio
from datetime import timedelta

import pytest

from hub import failpoint
from hub.model.delivery import HELD_FOR, State
from hub.outbox.entry.take import take
from hub.outbox.upkeep.look_again import look_again
from hub.outbox.upkeep.resume import check_paused
from hub.sdk import Misconfigured, Unanswered, Unavailable
from hub.store.query.entries import holders
from tests.builders import PROBES, World
from tests.crash.orders import Acting, Struck, read_orders


def struck_at(name: str) -> Acting:
    """Raise there once."""
    acting = Acting(read_orders(f"{name}=raise"))
    failpoint.arm(acting)
    return acting


async def test_a_pause_is_ended_wholly_or_not_at_all(world: World) -> None:
    """One that no push began: such a one ends with its push, in the transaction that settles it."""
    world.use(PROBES)
    (one,) = await world.owe()
    world.north.on_push, world.north.on_probe = [Unanswered("cut")], [Misconfigured("bad password")]
    await world.drain()
    await world.drain(seconds=5)
    struck_at("resume.written")
    with pytest.raises(Struck):
        await check_paused(world.engine())
    assert (await world.health()).paused_reason == "bad password"
    assert await world.journal() == []
    assert await check_paused(world.engine()) == ["north"]
    assert [entry[1] for entry in await world.journal()] == ["system.resumed"]
    await world.drain(seconds=5)
    assert (await world.get(one)).state == State.DELIVERED


async def test_what_is_stranded_is_found_again_after_a_bad_turn(world: World) -> None:
    (first,) = await world.owe(state=State.CANCELLED, due_at=None)
    (second,) = await world.owe(after_id=first, due_at=None)
    acting = struck_at("release.stranded")
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    async with asyncio.timeout(20):
        while (await world.get(second)).state != State.DELIVERED:  # noqa: ASYNC110 - the engine rings nobody
            await asyncio.sleep(0.01)
    await engine.stop(timedelta(seconds=5))
    await running
    assert acting.passed["release.stranded"] == 2
    assert len(world.north.pushed) == 1


@pytest.mark.fault("F42")
async def test_waits_are_shortened_though_the_first_try_fails(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Unavailable("503")]
    acting = struck_at("clock.set_back")
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    async with asyncio.timeout(20):
        while (await world.get(one)).state != State.RETRY:  # noqa: ASYNC110 - the engine rings nobody
            await asyncio.sleep(0.01)
        world.clock.at -= timedelta(days=1)
        world.clock.tick(seconds=2)
        while (await world.get(one)).state != State.DELIVERED:  # noqa: ASYNC110 - the engine rings nobody
            await asyncio.sleep(0.01)
    await engine.stop(timedelta(seconds=5))
    await running
    assert acting.passed["clock.set_back"] == 2


@pytest.mark.fault("F42")
async def test_takes_are_prolonged_though_the_first_try_fails(world: World) -> None:
    (one,) = await world.owe(1, state=State.MANUAL, due_at=None)
    await world.store.write(lambda s: take(s, one, world.author, world.clock.now()))
    acting, engine = struck_at("clock.set_forward"), world.engine()
    await engine.recovery.turn()
    world.clock.at += timedelta(days=1)
    with pytest.raises(Struck):
        await engine.recovery.turn()
    await engine.recovery.turn()
    now = world.clock.now()
    held = await world.store.read(lambda s: holders(s, [one], now))
    assert now < held[one].until <= now + HELD_FOR
    assert acting.passed["clock.set_forward"] == 2


@pytest.mark.fault("F42")
async def test_what_is_put_off_too_far_is_due_though_the_first_try_fails(world: World) -> None:
    (one,) = await world.owe(1, due_at=world.clock.now() + timedelta(days=9))
    acting, engine = struck_at("waits.far_ahead"), world.engine()
    with pytest.raises(Struck):
        await engine.recovery.turn()
    assert (await world.get(one)).due_at > world.clock.now()
    await engine.recovery.turn()
    assert (await world.get(one)).due_at == world.clock.now()
    assert acting.passed["waits.far_ahead"] == 2


@pytest.mark.fault("F61")
async def test_what_was_lost_there_is_parked_wholly_or_not_at_all(world: World) -> None:
    world.use(PROBES)
    (one,) = await world.owe(created_at=world.clock.now())
    await world.drain()
    world.clock.tick(hours=21)
    struck_at("look.written")
    with pytest.raises(Struck):
        await look_again(world.engine())
    assert (await world.get(one)).state == State.DELIVERED
    assert await world.journal() == []
    assert await look_again(world.engine()) == [one]
    assert [entry[1] for entry in await world.journal()] == ["delivery.lost_there"]
