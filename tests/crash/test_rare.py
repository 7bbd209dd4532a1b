"""The failpoints a kill run hardly ever comes past: cut there in process, the next turn does the whole of it."""

import asyncio
from datetime import timedelta

import pytest

from hub import failpoint
from hub.model.delivery import State
from hub.outbox.upkeep.look_again import look_again
from hub.outbox.upkeep.resume import check_paused
from hub.sdk import Misconfigured, Unavailable
from tests.builders import PROBES, World
from tests.crash.orders import Acting, Struck, read_orders


def struck_at(name: str) -> Acting:
    """Raise there once."""
    acting = Acting(read_orders(f"{name}=raise"))
    failpoint.arm(acting)
    return acting


async def test_a_pause_is_ended_wholly_or_not_at_all(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Misconfigured("bad password")]
    await world.drain()
    struck_at("resume.written")
    with pytest.raises(Struck):
        await check_paused(world.engine())
    assert (await world.health()).paused_reason == "bad password"
    assert await world.journal() == []
    assert await check_paused(world.engine()) == ["north"]
    assert [entry[1] for entry in await world.journal()] == ["system.resumed"]
    await world.drain()
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
