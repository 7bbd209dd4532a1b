"""Which jobs run when, and that the worker does them: real scheduler, a clock that is behind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.model import Pull, SystemState
from hub.model.system import PullOutcome
from hub.outbox.engine import Engine
from hub.pulls.due import LOOK_EVERY, Rounds
from hub.pulls.run import Pulls
from hub.sdk import Page
from hub.store import Store
from hub.worker.loop import LONGEST_PULL, Worker
from hub.worker.schedule import plan_anew, schedule
from tests.conftest import HandClock
from tests.some_connectors.county import County
from tests.some_connectors.thorough.connector import Connector


class Telling(Connector):
    """Tells when it was read."""

    read: asyncio.Event

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        self.read.set()
        yield Page((), cursor)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: object, sqlite_template: bytes) -> str:
    """One kind will do: nothing here depends on the database."""
    file = f"{tmp_path}/hub.db"
    with open(file, "wb") as written:  # noqa: PTH123 - one line
        written.write(sqlite_template)
    return f"sqlite:///{file}"


@pytest.fixture
def county(store: Store, clock: HandClock) -> County:
    clock.tick(days=-30)
    return County(store, clock)


@pytest.fixture
def pulls(county: County) -> Pulls:
    connectors = {name: Telling(None, None) for name in county.registry.systems}  # type: ignore[arg-type]  # needs neither
    for connector in connectors.values():
        connector.read = asyncio.Event()
    return Pulls(county.store, county.clock, county.registry, connectors, county.catalog)


async def test_all_pulls_have_one_job_and_every_chore_its_own(pulls: Pulls, clock: HandClock) -> None:
    async def chore() -> None:
        """Do nothing."""

    jobs = {job.id: job for job in schedule(Rounds(pulls), [("sweep", timedelta(hours=1), chore)], clock).get_jobs()}
    assert set(jobs) == {"sweep", "pulls"}
    assert jobs["pulls"].trigger.interval == LOOK_EVERY
    assert jobs["sweep"].trigger.interval == timedelta(hours=1)


@pytest.mark.case("C03")
async def test_jobs_planned_by_a_clock_that_was_ahead_are_brought_forward(pulls: Pulls) -> None:
    """The scheduler plans by the wall clock: set back by a year, it would wait for a year."""

    async def chore() -> None:
        """Do nothing."""

    scheduler = schedule(Rounds(pulls), [("sweep", timedelta(hours=1), chore)], SystemClock())
    scheduler.start(paused=True)
    now = datetime.now(UTC)
    soon = {job.id: job.next_run_time for job in scheduler.get_jobs()}
    plan_anew(scheduler, now)
    assert {job.id: job.next_run_time for job in scheduler.get_jobs()} == soon, "a clock that is right moves nothing"
    plan_anew(scheduler, now - timedelta(days=365))
    there = {job.id: job.next_run_time - (now - timedelta(days=365)) for job in scheduler.get_jobs()}
    assert there == {"pulls": timedelta(0), "sweep": timedelta(hours=1)}
    scheduler.shutdown(wait=False)


async def test_a_worker_pulls_at_once_and_loses_what_died(pulls: Pulls, county: County, tmp_path: Path) -> None:
    now = county.clock.now()
    dead = Pull(system="doors", name="homes", slot_at=now - timedelta(days=1), started_at=now - timedelta(seconds=1),
                outcome=PullOutcome.RUNNING)  # fmt: skip
    await county.store.write(lambda session: session.add(dead))
    worker = Worker(Engine(county.store, county.clock, {}, sole=True), pulls, county.clock, tmp_path)
    await worker.start()
    async with asyncio.timeout(10):
        await asyncio.gather(*(connector.read.wait() for connector in pulls.connectors.values()))
    await worker.stop()
    assert (await county.rows(Pull, id=dead.id))[0].outcome == "lost"


async def test_beside_others_only_old_runs_are_lost(
    pulls: Pulls, county: County, clock: HandClock, tmp_path: Path
) -> None:
    alive = Pull(system="doors", name="homes", slot_at=clock.now(), started_at=clock.now(), outcome=PullOutcome.RUNNING)
    await county.store.write(lambda session: session.add(alive))
    clock.tick(minutes=30)
    worker = Worker(Engine(county.store, county.clock, {}), pulls, county.clock, tmp_path)
    await worker.start()
    assert (await county.rows(Pull, id=alive.id))[0].outcome == "running"
    clock.tick(seconds=LONGEST_PULL.total_seconds())
    await worker._lose_stale()
    assert (await county.rows(Pull, id=alive.id))[0].outcome == "lost"
    await worker._check_paused()
    assert await county.rows(SystemState) == []
    await worker.stop()


async def test_a_worker_that_never_started_stops(pulls: Pulls, county: County, tmp_path: Path) -> None:
    await Worker(Engine(county.store, county.clock, {}), pulls, county.clock, tmp_path).stop()
