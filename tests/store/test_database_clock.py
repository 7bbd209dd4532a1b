"""Several hosts on one database go by its clock, however wrong their own are (C65); one alone goes by its own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from hub.app import _say_skew, _shared
from hub.clock import Clock, SystemClock
from hub.errors import Problem
from hub.model.delivery import State
from hub.outbox.claim import claim_due
from hub.outbox.engine import Engine
from hub.outbox.entry.take import take
from hub.sdk import Receipt
from hub.store import Session, Store, open_store
from hub.store.clock import DatabaseClock, instant, skew_of
from hub.store.query import entries
from tests.builders import NEITHER, FakeSystem, Loose, World, account, until
from tests.conftest import HandClock

pytestmark = [pytest.mark.case("C65"), pytest.mark.fault("F87")]
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


class Wrong:
    """A host whose wall clock is wrong by so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.off = timedelta(seconds=seconds)
        self._clock = SystemClock()

    def now(self) -> datetime:
        return self._clock.now() + self.off

    def monotonic(self) -> float:
        return self._clock.monotonic()


@pytest.fixture
async def other(store: Store, database_url: str) -> AsyncIterator[Store]:
    """What another host has open."""
    opened = open_store(database_url)
    yield opened
    await opened.close()


def host(store: Store, clock: Clock, system: FakeSystem, world: World) -> Engine:
    """The engine of one host, before a System both send to."""
    there = World(store, clock)
    there.systems["north"], there.lines["north"] = system, world.lines["north"]
    return there.engine()


@ON_POSTGRES
@pytest.mark.parametrize("seconds", [60, -60, 90_000, -90_000])
async def test_a_host_whose_clock_is_wrong_takes_nothing_out_of_anothers_hands(
    store: Store, other: Store, seconds: float
) -> None:
    """The case itself: leases of the one looked long over to the other, and went out a second time."""
    world = World(store, DatabaseClock(SystemClock()))
    answer = asyncio.Event()

    async def slow() -> Receipt:
        await answer.wait()
        return Receipt("N")

    north = world.use(NEITHER, in_flight=8)
    north.always = slow
    ids = await world.owe(12, due_at=datetime.now(UTC), created_at=datetime.now(UTC))
    right, wrong = (host(at, DatabaseClock(Wrong(off)), north, world) for at, off in ((store, 0), (other, seconds)))
    running = [asyncio.create_task(engine.run()) for engine in (wrong, right)]
    try:
        await until(lambda: north.under_way >= 12)
        assert sum([await engine.recovery.reap() for engine in (right, wrong)]) == 0
    finally:
        answer.set()
        for engine in (right, wrong):
            await engine.stop(timedelta(seconds=5))
        await asyncio.gather(*running)
    assert len(north.pushed) == 12
    assert {(await world.get(one)).state for one in ids} == {State.DELIVERED}


@ON_POSTGRES
@pytest.mark.parametrize("seconds", [40, -40, 10**7])
async def test_every_time_that_is_compared_is_the_database_s(store: Store, seconds: float) -> None:
    world, lease = World(store, DatabaseClock(Wrong(seconds))), timedelta(seconds=45)
    await world.owe(1, due_at=datetime.now(UTC))
    wanted = {"north": (1, timedelta(seconds=30))}
    (claim,) = await store.write(lambda s: claim_due(s, wanted, instant(s, world.clock)))
    row = await world.get(claim.delivery_id)
    assert abs(row.leased_until - lease - datetime.now(UTC)) < timedelta(seconds=5)
    (attempt,) = await world.attempts(claim.delivery_id)
    assert abs(attempt.started_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert abs(world.clock.now() - datetime.now(UTC)) < timedelta(seconds=5), "and so is what is only written down"


@ON_POSTGRES
async def test_a_take_given_by_a_fast_host_is_over_when_it_is_over(store: Store) -> None:
    world, ada, bo = World(store, DatabaseClock(Wrong(3_600))), account(), account()
    await store.read(lambda s: instant(s, world.clock))
    (one,) = await world.owe(state=State.MANUAL, due_at=None)
    await world.add([ada, bo])
    await store.write(lambda s: take(s, one, ada, world.clock.now()))
    slow_host = DatabaseClock(Wrong(-3_600))
    await store.read(lambda s: instant(s, slow_host))
    held = await store.read(lambda s: entries.holders(s, [one], slow_host.now()))
    assert held[one].account_id == ada.id
    later = slow_host.now() + timedelta(minutes=31)
    assert await store.read(lambda s: entries.holders(s, [one], later)) == {}


@ON_POSTGRES
async def test_how_far_a_host_is_off_is_known(store: Store) -> None:
    for seconds in (0, 40, -4_000):
        clock = DatabaseClock(Wrong(seconds))
        assert clock.now() - clock._host.now() < timedelta(seconds=1), "its own until the database was asked"
        await store.read(lambda s, clock=clock: instant(s, clock))  # type: ignore[misc]  # default binds
        assert abs(skew_of(clock) - timedelta(seconds=seconds)) < timedelta(seconds=2)


@ON_POSTGRES
async def test_between_two_readings_the_steady_count_goes_on(store: Store) -> None:
    host = HandClock()
    clock = DatabaseClock(host)
    told = await store.read(lambda s: instant(s, clock))
    host.steady += 100
    host.at += timedelta(days=400)
    assert clock.now() - told == timedelta(seconds=100)
    again = await store.read(lambda s: instant(s, clock))
    assert clock.now() == again < told + timedelta(seconds=60), "the database has not counted a hundred seconds"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_process_alone_goes_by_its_own_clock(store: Store, clock: HandClock) -> None:
    assert await store.read(lambda s: instant(s, clock)) == clock.now()
    assert skew_of(clock) == timedelta(0)


async def test_the_server_is_asked_anew_each_time(store: Store) -> None:
    """Within one transaction, too: one that waited for a lock must not go by when it began."""

    def twice(session: Session) -> tuple[datetime, datetime]:
        clock: Clock = DatabaseClock(SystemClock()) if store.writing.dialect.name == "postgresql" else SystemClock()
        first = instant(session, clock)
        session.connection().execute(text("SELECT 1"))
        return first, instant(session, clock)

    first, second = await store.write(twice)
    assert first < second


@ON_POSTGRES
async def test_it_is_said_at_start_how_far_the_host_is_off(store: Store) -> None:
    for seconds, level in ((40, "warning"), (0, "info")):
        with capture_logs() as said:
            _say_skew(store, DatabaseClock(Wrong(seconds)))
        (line,) = said
        assert (line["event"], line["log_level"]) == ("clock.skew", level)
        assert abs(line["seconds"] - seconds) < 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_process_alone_has_nothing_to_say_about_it(store: Store, clock: HandClock) -> None:
    with capture_logs() as said:
        _say_skew(store, clock)
    assert said == []


async def test_a_database_that_is_away_at_start_is_told_of_by_who_needs_it(store: Store) -> None:
    class Away:
        def read_now(self, query: Loose) -> Loose:
            raise Problem("store.busy", 503)

    with capture_logs() as said:
        _say_skew(Away(), SystemClock())  # type: ignore[arg-type]  # all it asks
    assert said == []


def test_only_processes_that_share_a_database_go_by_its_clock(tmp_path: Path) -> None:
    assert isinstance(_shared("postgresql+psycopg://hub"), DatabaseClock)
    assert isinstance(_shared(f"sqlite:///{tmp_path}/hub.db"), SystemClock)
