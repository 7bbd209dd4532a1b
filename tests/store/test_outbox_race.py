"""Many dispatchers on one database: nothing is claimed twice, nothing is left (F40 in small)."""

import asyncio
import threading
from collections import Counter

import pytest

from hub.model.delivery import State
from hub.store import open_store
from tests.builders import AT, FakeSystem, World, line
from tests.conftest import HandClock

ROWS = 500


async def dispatch(url: str, sent: list[str], start: threading.Barrier) -> None:
    """Be a worker process: an own store, an own engine, an own connector."""
    store = open_store(url, "relaxed")
    system = FakeSystem()
    world = World(store, HandClock())
    world.systems["north"], world.lines["north"] = system, line(system, in_flight=20, per_second=10_000)
    start.wait()
    for _ in range(3):
        await world.engine().drain()
    sent += [one.key for one in system.pushed]
    await store.close()


def run(url: str, sent: list[str], start: threading.Barrier) -> None:
    asyncio.run(dispatch(url, sent, start))


@pytest.mark.fault("F40")
async def test_four_dispatchers_on_one_database_never_send_twice(world: World, database_url: str) -> None:
    await world.owe(ROWS)
    many = 4 if world.store.writing.dialect.name == "postgresql" else 1
    sent: list[list[str]] = [[] for _ in range(many)]
    if many == 1:
        world.lines["north"] = line(world.north, in_flight=20, per_second=10_000)
        await world.drain()
        sent[0] = [one.key for one in world.north.pushed]
    else:
        start = threading.Barrier(many)
        await asyncio.gather(*(asyncio.to_thread(run, database_url, mine, start) for mine in sent))
    times = Counter(key for mine in sent for key in mine)
    assert (len(times), set(times.values())) == (ROWS, {1})
    assert Counter((await world.states()).values()) == {State.DELIVERED: ROWS}
    assert sum(bool(mine) for mine in sent) == many
    health = await world.health()
    assert (health.failures, health.last_success_at) == (0, AT)
