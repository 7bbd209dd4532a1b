"""Rounds over all pulls: each is looked at when its time has come, and a System costs nothing in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.model import Pull
from hub.outbox.engine import Engine
from hub.pulls.due import AT_ONCE, LOOK_EVERY, Rounds
from hub.pulls.run import Pulls
from hub.sdk import Page
from hub.sdk.errors import Unavailable
from hub.store import Store
from hub.systems import Registry
from hub.worker.loop import Worker
from tests.conftest import HandClock
from tests.some_connectors.county import County, files

MANY = 1_000


class Source:
    """Every System at once: how often it was read, by how many at a time, and whether it answers."""

    def __init__(self) -> None:
        self.read = self.under_way = self.most_under_way = 0
        self.is_down = False

    async def pull(self, _source: str, cursor: str) -> AsyncIterator[Page]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            self.read += 1
            if self.is_down:
                raise Unavailable("away")
            yield Page((), cursor)
        finally:
            self.under_way -= 1


class Watched:
    """The store, counting what is asked of it."""

    def __init__(self, store: Store) -> None:
        self._store, self.asked = store, 0

    async def read(self, query: Callable[..., Any]) -> object:
        self.asked += 1
        return await self._store.read(query)

    async def write(self, write: Callable[..., Any]) -> object:
        self.asked += 1
        return await self._store.write(write)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: bytes) -> str:
    """One kind will do: nothing here depends on the database."""
    (tmp_path / "hub.db").write_bytes(sqlite_template)
    return f"sqlite:///{tmp_path}/hub.db"


def registry_of(count: int) -> Registry:
    """So many Systems, each pulled every six hours."""
    known = files()[1]
    doors = known.systems["doors"]
    (flow,) = doors.pulls
    names = [f"doors-{number}" for number in range(count)]
    return replace(
        known, systems={name: replace(doors, name=name, pulls=(replace(flow, system=name),)) for name in names}
    )


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store)


def pulls_of(watched: Watched, clock: HandClock, source: Source, count: int) -> Pulls:
    registry = registry_of(count)
    return Pulls(watched, clock, registry, dict.fromkeys(registry.systems, source), files()[0])  # type: ignore[arg-type]  # the seam


async def until(is_so: Callable[[], bool]) -> None:
    """Let others work until something is so."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - there is nothing to wait for but the loop's own progress
            await asyncio.sleep(0.02)


async def settle(rounds: Rounds) -> None:
    """Look once and let everything started end."""
    await rounds.look()
    while rounds._under_way:
        await asyncio.wait(rounds._under_way.values())


async def test_a_pull_is_looked_at_once_a_slot(
    store: Store, watched: Watched, clock: HandClock, source: Source
) -> None:
    rounds = Rounds(pulls_of(watched, clock, source, 2))
    assert rounds.every == LOOK_EVERY
    await settle(rounds)
    assert source.read == 2
    before = watched.asked
    for _ in range(5):
        clock.tick(hours=1)
        await settle(rounds)
    assert (source.read, watched.asked - before) == (4, 2 * 6), "read, claimed, cursor, page, end, next: once a slot"
    assert len(await County(store, clock).rows(Pull)) == 4


async def test_one_that_failed_is_tried_again_soon(watched: Watched, clock: HandClock, source: Source) -> None:
    rounds = Rounds(pulls_of(watched, clock, source, 1))
    source.is_down = True
    await settle(rounds)
    source.is_down = False
    clock.tick(minutes=1)
    await settle(rounds)
    assert source.read == 1
    clock.tick(minutes=5)
    await settle(rounds)
    assert source.read == 2


async def test_one_that_another_process_runs_is_looked_at_again(
    watched: Watched, clock: HandClock, source: Source
) -> None:
    pulls = pulls_of(watched, clock, source, 1)
    (name,) = pulls.registry.systems
    running = Pull(system=name, name="homes", slot_at=clock.now(), started_at=clock.now(), outcome="running")
    await watched.write(lambda session: session.add(running))
    rounds = Rounds(pulls)
    await settle(rounds)
    assert rounds._look_at == {(name, "homes"): clock.now() + LOOK_EVERY}
    assert source.read == 0


async def test_a_database_that_is_away_is_asked_again(clock: HandClock, source: Source) -> None:
    class Away:
        async def read(self, _query: Callable[..., Any]) -> object:
            raise OSError("gone")

    rounds = Rounds(pulls_of(Away(), clock, source, 1))  # type: ignore[arg-type]  # the seam
    await settle(rounds)
    assert set(rounds._look_at.values()) == {clock.now() + LOOK_EVERY}


async def test_a_thousand_systems_cost_no_task_no_timer_and_no_query_when_idle(
    store: Store, watched: Watched, clock: HandClock, source: Source, tmp_path: Path
) -> None:
    clock.tick(days=-30)
    pulls = pulls_of(watched, clock, source, MANY)
    worker = Worker(Engine(store, clock, {}, sole=True), pulls, clock, tmp_path)
    before = len(asyncio.all_tasks())
    await worker.start()
    await until(lambda: source.read == MANY and not worker._rounds._under_way)
    assert 1 < source.most_under_way <= AT_ONCE
    assert len(asyncio.all_tasks()) - before <= 2, "the engine's and its bell's, and no other"
    assert worker._scheduler is not None
    chores = {"check-paused", "erase", "look-again", "lose-stale", "press", "tally", "tidy-photos"}
    assert {job.id for job in worker._scheduler.get_jobs()} == {"pulls", *chores}
    asked = watched.asked
    clock.tick(minutes=1)
    await worker._rounds.look()
    assert (worker._rounds._under_way, watched.asked) == ({}, asked)
    await worker.stop()


async def test_what_is_under_way_is_broken_off_at_the_end(watched: Watched, clock: HandClock) -> None:
    class Endless(Source):
        async def pull(self, _source: str, cursor: str) -> AsyncIterator[Page]:
            self.read += 1
            await asyncio.Event().wait()
            yield Page((), cursor)

    source = Endless()
    rounds = Rounds(pulls_of(watched, clock, source, 1))
    await rounds.look()
    await until(lambda: source.read == 1)
    await rounds.look()
    assert (source.read, len(rounds._under_way)) == (1, 1)
    async with asyncio.timeout(5):
        await rounds.stop()
    assert rounds._under_way == {}
    assert rounds.every == min(LOOK_EVERY, timedelta(hours=6))
