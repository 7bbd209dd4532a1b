"""Workers that die, overrun, stop; databases that say no for a while (D7, F39, F41, F43, F73)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from hub.errors import Problem
from hub.model.delivery import State
from hub.model.system import Breaker
from hub.outbox.claim import claim_due, claim_suspect, overrun_claims
from hub.outbox.decide.backoff import PATIENCE
from hub.outbox.decide.settle import MAX_LOST, Claim, Outcome, Result
from hub.outbox.record import Ledger, Settled
from hub.sdk import Receipt, Unavailable
from hub.store import Store
from tests.builders import HONOURS, LATER, NEITHER, PROBES, Loose, World, until

LEASE = timedelta(seconds=45)


async def claim(world: World, system: str = "north") -> Claim:
    """Claim one delivery as a worker that is about to die."""
    wanted = {system: (1, timedelta(seconds=30))}
    (claimed,) = await world.store.write(
        lambda s: claim_due(s, wanted, world.clock.now()) or claim_suspect(s, wanted, world.clock.now())
    )
    return claimed


async def settle(world: World, *results: Result) -> list[Settled]:
    ledger = Ledger(lambda _: HONOURS, lambda _: world.clock.now(), lambda: 0.0, lambda now: now - PATIENCE)
    return await world.store.write(lambda s: ledger.settle(s, results))


@pytest.mark.fault("F41")
async def test_a_lease_outlives_the_deadline_and_belongs_to_one_attempt(world: World) -> None:
    (one,) = await world.owe()
    claimed = await claim(world)
    row = await world.get(one)
    assert (row.state, row.lease_token, row.attempts) == (State.LEASED, claimed.attempt_id, 1)
    assert row.leased_until == world.clock.now() + LEASE
    (attempt,) = await world.attempts(one)
    assert (attempt.id, attempt.ended_at, attempt.outcome) == (claimed.attempt_id, None, "")
    assert await world.store.write(lambda s: claim_due(s, {"north": (9, timedelta(1))}, world.clock.now())) == []


@pytest.mark.fault("F39")
async def test_a_dead_workers_delivery_is_sent_again_as_a_repeat_where_the_key_is_honoured(world: World) -> None:
    (one,) = await world.owe()
    await claim(world)
    engine = world.engine()
    world.clock.tick(seconds=45)
    assert await engine.recovery.reap() == 0
    world.clock.tick(seconds=1)
    assert await engine.recovery.reap() == 1
    assert await engine.recovery.reap() == 0
    row = await world.get(one)
    assert (row.state, row.repeat, row.attempts, row.lease_token) == (State.RETRY, True, 1, None)
    await world.drain(seconds=2)
    assert [(s.key, s.attempt) for s in world.north.pushed] == [(row.key, 2)]
    assert [a.outcome for a in await world.attempts(one)] == ["lost", "accepted"]
    assert (await world.health()).failures == 0


@pytest.mark.fault("F39")
async def test_a_dead_workers_delivery_is_unknown_where_a_repeat_would_double_it(world: World) -> None:
    world.use(NEITHER)
    (left,) = await world.owe()
    await claim(world)
    world.use(PROBES, "south").on_probe = [Receipt("N-4")]
    (probed,) = await world.owe(1, "south")
    await claim(world, "south")
    world.clock.tick(minutes=1)
    assert await world.engine().recovery.reap() == 2
    states = await world.states()
    assert (states[left], states[probed]) == (State.UNKNOWN, State.UNKNOWN)
    await world.drain(minutes=1)
    assert (await world.get(left)).state == State.UNKNOWN
    row = await world.get(probed)
    assert (row.state, row.remote_id) == (State.DELIVERED, "N-4")
    assert world.north.pushed == world.systems["south"].pushed == []


@pytest.mark.fault("F39")
async def test_a_worker_that_died_while_it_looked_leaves_it_as_it_was(world: World) -> None:
    world.use(LATER).on_push = [Receipt("B-1", accepted=False)]
    (transported,) = await world.owe()
    await world.drain()
    world.clock.tick(seconds=2)
    assert (await claim(world)).kind == "probe"
    world.use(PROBES, "south")
    (unknown,) = await world.owe(1, "south", state=State.UNKNOWN, attempts=1)
    assert (await claim(world, "south")).before is State.UNKNOWN
    world.clock.tick(minutes=2)
    assert await world.engine().recovery.reap() == 2
    states = await world.states()
    assert (states[transported], states[unknown]) == (State.TRANSPORTED, State.UNKNOWN)


@pytest.mark.fault("F41")
async def test_the_result_of_a_worker_that_overran_its_lease_changes_nothing(world: World) -> None:
    (one,) = await world.owe()
    slow = await claim(world)
    world.clock.tick(minutes=1)
    await world.engine().recovery.reap()
    world.clock.tick(seconds=2)
    quick = await claim(world)
    late = Result(slow, Outcome.REFUSED, "too late")
    assert await settle(world, late) == [Settled(None)]
    row = await world.get(one)
    assert (row.state, row.lease_token, row.reason) == (
        State.LEASED, quick.attempt_id, "the worker was lost before an answer came",
    )  # fmt: skip
    assert await settle(world, Result(quick, Outcome.ACCEPTED, remote_id="N-2")) == [Settled(State.DELIVERED)]
    assert await settle(world, Result(slow, Outcome.UNAVAILABLE, "x")) == [Settled(None)]
    row = await world.get(one)
    assert (row.state, row.remote_id) == (State.DELIVERED, "N-2")
    assert (await world.health()).failures == 0
    assert [a.outcome for a in await world.attempts(one)] == ["lost", "accepted"]


async def test_worker_and_reaper_in_one_group_count_once_and_the_first_wins(world: World) -> None:
    (one,) = await world.owe()
    successor = await world.next_revision(one)
    held = await claim(world)
    both = Result(held, Outcome.ACCEPTED, remote_id="N-1"), Result(held, Outcome.LOST, "lost")
    assert await settle(world, *both) == [Settled(State.DELIVERED, ("north",)), Settled(None)]
    row = await world.get(one)
    assert (row.state, row.remote_id) == (State.DELIVERED, "N-1")
    assert (await world.get(successor)).amends == "N-1"


@pytest.mark.fault("F43")
async def test_a_delivery_that_kills_every_worker_is_parked_and_others_flow(world: World) -> None:
    """F43."""
    (poison,) = await world.owe()
    for _ in range(MAX_LOST):
        await claim(world)
        world.clock.tick(minutes=1)
        await world.engine().recovery.reap()
        world.clock.tick(minutes=1)
    row = await world.get(poison)
    assert (row.state, row.attempts, row.due_at) == (State.PARKED, MAX_LOST, None)
    (other,) = await world.owe()
    await world.drain(days=1)
    assert [s.key for s in world.north.pushed] == [(await world.get(other)).key]


@pytest.mark.fault("F43")
async def test_only_losses_in_a_row_make_a_delivery_suspect(world: World) -> None:
    (one,) = await world.owe()
    for n in range(MAX_LOST + 2):
        if n == MAX_LOST - 1:
            world.north.on_push = [Unavailable("503")]
            await world.drain()
        else:
            await claim(world)
        world.clock.tick(minutes=2)
        await world.engine().recovery.reap()
        world.clock.tick(minutes=2)
    assert (await world.get(one)).state == State.RETRY


@pytest.mark.fault("F39")
async def test_a_lone_process_recovers_at_once_what_its_forerunner_left(world: World) -> None:
    (one,) = await world.owe()
    await claim(world)
    assert await world.engine().recovery.reap() == 0
    engine = world.engine(sole=True)
    running = asyncio.create_task(engine.run())
    await _until_state(world, one, State.RETRY)
    world.clock.tick(seconds=2)
    await until(lambda: bool(world.north.pushed))
    await engine.stop(timedelta(seconds=5))
    await running
    assert (await world.get(one)).state == State.DELIVERED


async def _until_state(world: World, delivery_id: str, state: State) -> None:
    for _ in range(500):
        if (await world.get(delivery_id)).state == state:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never got there")


async def test_a_lease_on_a_system_no_longer_wired_is_left_to_a_person(world: World) -> None:
    world.use(HONOURS, "gone")
    (one,) = await world.owe(1, "gone")
    await claim(world, "gone")
    del world.lines["gone"]
    world.clock.tick(minutes=1)
    assert await world.engine().recovery.reap() == 1
    row = await world.get(one)
    assert (row.state, row.due_at) == (State.UNKNOWN, None)


@pytest.mark.fault("F41")
async def test_a_look_at_overrun_leases_takes_only_those(world: World) -> None:
    await world.owe(2)
    first = await claim(world)
    world.clock.tick(seconds=30)
    await claim(world)
    world.clock.tick(seconds=30)
    found = await world.store.write(lambda s: overrun_claims(s, world.clock.now(), 500))
    assert [(c.delivery_id, c.attempt_id, c.kind) for c in found] == [(first.delivery_id, first.attempt_id, "push")]
    assert len(await world.store.write(lambda s: overrun_claims(s, None, 500))) == 2


@pytest.mark.fault("F73")
async def test_stopping_finishes_what_is_under_way_and_starts_nothing_more(world: World) -> None:
    """F73."""
    answer = asyncio.Event()

    async def slow() -> Receipt:
        await answer.wait()
        return Receipt("N-1")

    await world.owe(6)
    world.use(HONOURS, in_flight=2).always = slow
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    await until(lambda: world.north.under_way == 2)
    stopping = asyncio.create_task(engine.stop(timedelta(seconds=5)))
    await asyncio.sleep(0.02)
    assert not stopping.done()
    answer.set()
    await stopping
    await running
    states = list((await world.states()).values())
    assert (states.count(State.DELIVERED), states.count(State.WAITING)) == (2, 4)


async def test_stopping_in_the_midst_of_a_claim_finishes_what_was_claimed(world: World) -> None:
    await world.owe(2)
    gate, store = asyncio.Event(), Stubborn(world.store)
    store.gate = gate
    engine = world.engine(store)
    running = asyncio.create_task(engine.run())
    await until(lambda: store.waiting > 0)
    stopping = asyncio.create_task(engine.stop(timedelta(seconds=5)))
    await asyncio.sleep(0)
    gate.set()
    await stopping
    await running
    assert set((await world.states()).values()) == {State.DELIVERED}


@pytest.mark.fault("F73")
async def test_what_does_not_finish_in_time_stays_leased_and_is_recovered(world: World) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    (one,) = await world.owe()
    world.north.on_push = [never]
    engine = world.engine()
    running = asyncio.create_task(engine.run())
    await until(lambda: world.north.under_way == 1)
    await engine.stop(timedelta(milliseconds=20))
    await running
    await until(lambda: world.north.under_way == 0)
    assert (await world.get(one)).state == State.LEASED
    assert await world.engine(sole=True).recovery.reap(everything=True) == 1
    await world.drain(seconds=2)
    assert (await world.get(one)).state == State.DELIVERED


async def test_stopping_an_idle_engine_is_quick(world: World) -> None:
    await world.engine().stop(timedelta(seconds=5))
    engine = world.engine(poll_interval=timedelta(hours=1))
    running = asyncio.create_task(engine.run())
    await asyncio.sleep(0.02)
    await engine.stop(timedelta(seconds=5))
    await running


class Stubborn:
    """A store that refuses for as long as told, as a full disk or a restarting server does."""

    def __init__(self, store: Store) -> None:
        self._store, self.writer = store, self
        self.refusals: list[Exception] = []
        self.settle_refusals: list[Exception] = []
        self.gate: asyncio.Event | None = None
        self.waiting = 0

    async def read(self, query: Callable[..., Loose]) -> Loose:
        return await self._store.read(query)

    async def write(self, write: Callable[..., Loose]) -> Loose:
        if self.refusals:
            raise self.refusals.pop(0)
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
        return await self._store.write(write)

    async def write_item(self, write: Callable[..., Loose], item: Loose) -> Loose:
        if self.settle_refusals:
            raise self.settle_refusals.pop(0)
        return await self._store.writer.write_item(write, item)


@pytest.mark.fault("F14")
@pytest.mark.parametrize("refusal", [Problem("store.full", 507), RuntimeError("a bug in one turn")])
async def test_a_database_that_refuses_for_a_while_does_not_end_delivery(world: World, refusal: Exception) -> None:
    await world.owe(3)
    store = Stubborn(world.store)
    store.refusals = [refusal] * 3
    engine = world.engine(store)
    running = asyncio.create_task(engine.run())
    await until(lambda: not store.refusals)
    for _ in range(40):
        world.clock.tick(seconds=1)
        await asyncio.sleep(0.002)
    await until(lambda: len(world.north.pushed) == 3)
    await engine.stop(timedelta(seconds=5))
    await running
    assert set((await world.states()).values()) == {State.DELIVERED}


async def test_a_result_is_offered_again_while_the_database_is_away(world: World) -> None:
    (one,) = await world.owe()
    store = Stubborn(world.store)
    store.settle_refusals = [Problem("store.busy", 503)] * 2
    await world.engine(store, settle_pauses_s=(0.001, 0.001)).drain()
    assert (await world.get(one)).state == State.DELIVERED
    assert len(world.north.pushed) == 1


@pytest.mark.parametrize("refusal", [Problem("store.full", 507), RuntimeError("a bug")])
async def test_a_result_that_cannot_be_kept_leaves_an_honest_lease(world: World, refusal: Exception) -> None:
    (one,) = await world.owe()
    store = Stubborn(world.store)
    store.settle_refusals = [refusal] * 2
    await world.engine(store, settle_pauses_s=(0.001,)).drain()
    first = len(store.settle_refusals)
    assert first == (0 if isinstance(refusal, Problem) else 1)
    assert (await world.get(one)).state == State.LEASED
    world.clock.tick(minutes=1)
    assert await world.engine().recovery.reap() == 1
    await world.drain(seconds=2)
    assert [s.attempt for s in world.north.pushed] == [1, 2]
    assert (await world.get(one)).repeat is True


async def test_two_workers_that_hear_of_a_new_system_at_once_both_keep_their_result(world: World) -> None:
    """An insert that lost the race used to lose the outcome with it, and the delivery was sent twice."""
    names = [f"new{n}" for n in range(20)]
    for name in names:
        world.use(HONOURS, name)
        await world.owe(2, name)
    wanted = {name: (2, timedelta(seconds=30)) for name in names}
    claims = await world.store.write(lambda s: claim_due(s, wanted, world.clock.now()))
    answers = await asyncio.gather(*(settle(world, Result(one, Outcome.ACCEPTED)) for one in claims))
    assert answers == [[Settled(State.DELIVERED)]] * 40
    assert {(await world.health(name)).breaker for name in names} == {Breaker.CLOSED}


async def test_claiming_checks_that_every_row_moved(world: World) -> None:
    """A claim that did not get its row must not be sent."""
    await world.owe(2)
    passes_by = (
        "CREATE TRIGGER mine BEFORE UPDATE ON delivery BEGIN SELECT RAISE(IGNORE); END"
        if world.store.writing.dialect.name == "sqlite"
        else "CREATE FUNCTION pass_by() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE TRIGGER mine BEFORE UPDATE ON delivery FOR EACH ROW EXECUTE FUNCTION pass_by()"
    )
    await world.store.write(lambda s: s.connection().exec_driver_sql(passes_by))
    wanted = {"north": (2, timedelta(seconds=30))}
    with pytest.raises(RuntimeError, match="claimed 2 deliveries"):
        await world.store.write(lambda s: claim_due(s, wanted, world.clock.now()))
    assert set((await world.states()).values()) == {State.WAITING}
