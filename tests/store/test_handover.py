"""Fresh Deliveries with a seat are leased by the commit that makes them; everything else waits in the database."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from hub.errors import Problem
from hub.failpoint import arm
from hub.model import Attempt, Delivery, SystemState
from hub.model.delivery import State
from hub.model.system import Breaker
from hub.outbox.decide.courtesy import MANY
from hub.outbox.engine import Engine
from hub.store import Store
from tests.builders import FakeSystem, line
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit

SYSTEMS = ("doors", "bins", "files", "rivers")


class Counting(County):
    """A county whose outbox is a running engine over Systems that say yes."""

    def drive(self, in_flight: int = 4) -> Engine:
        self.fakes = {name: FakeSystem() for name in SYSTEMS}
        lines = {name: line(fake, in_flight=in_flight) for name, fake in self.fakes.items()}
        self.engine = Engine(self.store, self.clock, lines, timedelta(milliseconds=5), settle_pauses_s=())
        self.intake = replace(self.intake, outbox=self.engine)
        return self.engine

    async def free(self) -> None:
        """All places are free again; a claim that found nothing keeps its own until its write has come back."""
        for _ in range(400):
            if not (busy := {name: slots.busy for name, slots in self.engine.capacity.slots.items() if slots.busy}):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(busy)

    async def states(self) -> Counter[str]:
        return Counter(row.state for row in await self.rows(Delivery))

    async def until(self, done: Callable[[Counter[str]], bool]) -> None:
        for _ in range(400):
            if done(await self.states()) and not self.engine._tasks:
                return
            await asyncio.sleep(0.01)
            self.clock.tick(seconds=0.01)
        raise AssertionError(await self.states())


@pytest.fixture
async def county(store: Store, clock: HandClock) -> AsyncIterator[Counting]:
    made = Counting(store, clock)
    await made.settle()
    engine = made.drive()
    running = asyncio.create_task(engine.run())
    while engine._ended.is_set() or engine.recovery.everything:  # noqa: ASYNC110 - its start tells nobody
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    yield made
    await engine.stop(timedelta(seconds=5))
    await running
    await made.free()


async def test_what_has_a_seat_is_sent_without_being_claimed(county: Counting) -> None:
    passed: Counter[str] = Counter()
    arm(lambda name: passed.update([name]))
    try:
        accepted = await county.submit(visit())
        assert accepted.made is not None
        written = [(row["state"], row["attempts"], row["due_at"]) for row in accepted.made.bundle.deliveries]
        assert set(written) == {(State.LEASED, 1, None)}
        await county.until(lambda states: states == {State.DELIVERED: len(written)})
    finally:
        arm(None)
    assert passed["claim.leased"] == 0
    attempts = await county.rows(Attempt)
    assert [(one.kind, one.number, one.outcome) for one in attempts] == [("push", 1, "accepted")] * len(written)
    assert all(row.lease_token is None for row in await county.rows(Delivery))


async def test_a_system_that_is_held_is_left_to_the_claim(county: Counting) -> None:
    later = county.clock.now() + timedelta(hours=1)

    def hold(session: Session) -> None:
        session.add(SystemState(system="doors", breaker=Breaker.OPEN, failures=5, open_until=later))

    await county.store.write(hold)
    accepted = await county.submit(visit())
    assert accepted.made is not None
    state = {row["system"]: row["state"] for row in accepted.made.bundle.deliveries}
    assert state.pop("doors") == State.WAITING
    assert set(state.values()) == {State.LEASED}
    await county.until(lambda states: states == {State.WAITING: 1, State.DELIVERED: len(state)})
    assert county.fakes["doors"].pushed == []


async def test_more_than_the_seats_wait_their_turn_and_all_arrive_once(county: Counting) -> None:
    made = await asyncio.gather(*(county.submit(visit()) for _ in range(30)))
    owed = sum(len(one.made.bundle.deliveries) for one in made if one.made is not None)
    states = Counter(row["state"] for one in made if one.made is not None for row in one.made.bundle.deliveries)
    assert states[State.WAITING] > 0
    assert states[State.LEASED] > 0
    await county.until(lambda states: states == {State.DELIVERED: owed})
    keys = Counter(one.key for fake in county.fakes.values() for one in fake.pushed)
    assert (len(keys), set(keys.values())) == (owed, {1})
    assert max(fake.most_under_way for fake in county.fakes.values()) <= 4


async def test_while_many_wait_for_an_answer_deliveries_are_taken_up_in_strokes(county: Counting) -> None:
    """None of theirs is handed over or left for good; who comes alone afterwards has a seat again."""
    for _ in range(MANY):
        county.engine.seat([])
    crowded = [(await county.submit(visit())).made for _ in range(3)]
    assert {row["state"] for made in crowded if made for row in made.bundle.deliveries} == {State.WAITING}
    await county.until(lambda states: set(states) == {State.DELIVERED})
    for _ in range(MANY):
        county.engine.hand_over([], [])
    assert county.engine.capacity.courtesy.waiting == 0
    county.clock.tick(seconds=1)
    alone = (await county.submit(visit())).made
    assert alone is not None
    assert {row["state"] for row in alone.bundle.deliveries} == {State.LEASED}
    await county.until(lambda states: set(states) == {State.DELIVERED})


async def test_the_next_stroke_comes_when_it_is_time(county: Counting) -> None:
    for _ in range(MANY):
        county.engine.seat([])
    await county.submit(visit())
    # The first stroke; no time passes by this clock.
    while set(await county.states()) != {State.DELIVERED}:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.01)
    await county.submit(visit())
    await asyncio.sleep(0.2)
    assert (await county.states())[State.WAITING] > 0
    await county.until(lambda states: set(states) == {State.DELIVERED})


async def test_places_asked_for_by_a_claim_under_way_are_no_seats(county: Counting) -> None:
    """Else what is claimed and what is handed over would together be more than a System is to get at once."""
    at_it, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(name: str) -> None:
        if name == "claim.leased":
            loop.call_soon_threadsafe(at_it.set)
            go_on.wait(5)

    county.engine.capacity.behind.update(SYSTEMS)  # so that the next ones wait and are claimed
    arm(hold)
    try:
        await county.submit(visit())
        await at_it.wait()
        county.engine.capacity.behind.clear()
        assert county.engine.seat([{"id": "d", "system": "doors", "due_at": county.clock.now()}]) == {}
    finally:
        go_on.set()
        arm(None)
    await county.until(lambda states: set(states) == {State.DELIVERED})
    await county.free()


async def test_what_is_known_already_gives_its_seats_back(county: Counting) -> None:
    body = visit()
    first, *others = await asyncio.gather(*(county.submit(body) for _ in range(6)))
    assert [one.created for one in (first, *others)].count(True) == 1
    await county.until(lambda states: set(states) == {State.DELIVERED})
    await county.free()


async def test_a_write_that_fails_gives_its_seats_back(county: Counting) -> None:
    kept: list[BaseException] = []

    def fail(name: str) -> None:
        if name == "intake.fanout":
            raise Problem("store.full", 507)

    arm(fail)
    try:
        with pytest.raises(Problem) as caught:
            await county.submit(visit())
        kept.append(caught.value)
    finally:
        arm(None)
    await county.free()
    assert await county.states() == {}
    assert (await county.submit(visit())).created


async def test_an_asker_who_has_gone_changes_nothing(county: Counting) -> None:
    """The hand-over hangs on the write, not on the request: else what is leased would wait for its lease to run out."""
    started = asyncio.Event()
    loop = asyncio.get_running_loop()
    arm(lambda name: loop.call_soon_threadsafe(started.set) if name == "intake.row" else None)
    try:
        asking = asyncio.create_task(county.submit(visit()))
        await started.wait()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
    finally:
        arm(None)
    await county.until(lambda states: set(states) == {State.DELIVERED})


async def test_a_claim_that_fails_leaves_it_known_who_is_behind(county: Counting) -> None:
    """Else what comes next would pass by the older ones that could not be claimed just now."""
    failed: list[str] = []

    def fail(name: str) -> None:
        if name == "claim.leased":
            failed.append(name)
            raise Problem("store.full", 507)

    county.engine.capacity.behind.update(["doors", "bins"])  # so that the next ones wait and are claimed
    arm(fail)
    try:
        await county.submit(visit())
        while not failed:  # noqa: ASYNC110 - a failure tells nobody
            await asyncio.sleep(0.01)
        await county.free()
        assert county.engine.capacity.behind == {"doors", "bins"}
    finally:
        arm(None)
    county.clock.tick(seconds=2)  # what could not be claimed is found by the next look
    await county.until(lambda states: set(states) == {State.DELIVERED})


async def test_an_engine_that_starts_or_stops_has_no_seats(county: Counting) -> None:
    rows = [{"id": "d", "system": "doors", "due_at": county.clock.now()}]
    assert county.engine.seat(rows) == {"d": timedelta(seconds=30)}
    county.engine.hand_over(rows, [])
    idle = Engine(county.store, county.clock, county.engine.lines, sole=True)
    assert idle.seat(rows) == {}
    assert county.engine.seat([{"id": "d", "system": "nobody", "due_at": county.clock.now()}]) == {}
    assert county.engine.seat([{"id": "d", "system": "doors", "due_at": None}]) == {}
    county.engine.ring(["doors"])
    assert county.engine.seat(rows) == {}, "older ones may wait"
    county.engine._stopping = True
    assert county.engine.seat([{**rows[0], "system": "files"}]) == {}
    county.engine._stopping = False


async def test_the_rows_read_back_are_those_that_were_answered(county: Counting) -> None:
    accepted = await county.submit(visit())
    assert accepted.made is not None
    told = {row["id"] for row in accepted.made.bundle.deliveries}
    query = select(Delivery.id)
    assert set(await county.store.read(lambda session: session.exec(query).all())) == told
