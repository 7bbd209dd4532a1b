"""A bulk replay pressed twice and killed half way sends each once and goes on where it stopped (F69)."""

import random
from collections import Counter

import pytest

from hub import failpoint
from hub.model.delivery import State
from hub.outbox.hand import replay
from hub.sdk import Refused
from tests.builders import World
from tests.crash.orders import Acting, Struck, read_orders

KILLS = 50
MANY = 5
MOMENTS = ("replay.row", "replay.moved", "writer.before_commit", "writer.committed")


async def parked(world: World) -> list[str]:
    ids = await world.owe(MANY)
    world.north.on_push = [Refused("no")] * MANY
    await world.drain()
    assert {(await world.states())[one] for one in ids} == {State.PARKED}
    return ids


@pytest.mark.fault("F69")
async def test_fifty_replays_killed_half_way_send_each_once(world: World) -> None:
    dice = random.Random(69)
    struck: Counter[str] = Counter()
    for number in range(KILLS):
        ids = await parked(world)
        sent = len(world.north.pushed)
        moment = MOMENTS[number % len(MOMENTS)]
        failpoint.arm(Acting(read_orders(f"{moment}=raise@{dice.randint(1, MANY) if moment == 'replay.row' else 1}")))
        with pytest.raises(Struck, match=moment):
            await world.store.write(lambda s, ids=ids: replay(s, ids, world.deed()))
        failpoint.arm(None)
        struck[moment] += 1
        pressed = [await world.store.write(lambda s, ids=ids: replay(s, ids, world.deed())) for _ in range(2)]
        assert pressed == [[] if moment == "writer.committed" else sorted(ids), []], moment
        await world.drain()
        again = Counter(outgoing.key for outgoing in world.north.pushed[sent:])
        assert set(again.values()) == {1}
        assert again.total() == MANY
    assert struck.total() == KILLS
    assert set((await world.states()).values()) == {State.DELIVERED}
    assert len(await world.journal()) == KILLS * MANY
