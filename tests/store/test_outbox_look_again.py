"""What a System confirmed is asked about once more within a day; what it has lost is parked for a person (F61)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hub.model import Delivery, SystemState
from hub.model.delivery import CHANGE_LOST, LOST_THERE, State
from hub.model.system import Breaker
from hub.outbox.hand import confirm, replay
from hub.outbox.upkeep import look_again as looking
from hub.outbox.upkeep.look_again import look_again
from hub.sdk import Misconfigured, Outgoing, Receipt, Refused, Unanswered, Unavailable
from hub.store.query import systems
from tests.builders import KEYS_WHAT_IS_NEW, NEITHER, PROBES, FakeSystem, World


def remembers(system: FakeSystem, forgotten: Callable[[str], bool] = lambda _: False) -> None:
    """Let a System answer by what it was pushed, but for what it has forgotten."""

    async def probe(outgoing: Outgoing) -> Receipt | None:
        key = outgoing.key
        system.probed.append(key)
        known = any(one.key == key for one in system.pushed) and not forgotten(key)
        return Receipt(f"N-{key}") if known else None

    system.probe = probe  # type: ignore[method-assign]  # a System of this test


async def delivered(world: World, many: int, **later: float) -> list[str]:
    """Deliver that many, and let some time pass."""
    owed = await world.owe(many, created_at=world.clock.now())
    await world.drain()
    assert {await state_of(world, one) for one in owed} == {State.DELIVERED}
    world.clock.tick(**(later or {"hours": 21}))
    return owed


async def state_of(world: World, delivery_id: str) -> State:
    return State((await world.get(delivery_id)).state)


@pytest.mark.fault("F61")
async def test_the_five_in_a_hundred_a_system_forgot_are_found_within_a_day(world: World) -> None:
    north = world.use(PROBES)
    owed = await delivered(world, 100)
    rows = {row.id: row for row in await world.all(Delivery)}
    lost = set(owed[::20])
    keys = {rows[one].key for one in lost}
    remembers(north, keys.__contains__)

    assert set(await look_again(world.engine())) == lost
    states = await world.states()
    assert {one for one, state in states.items() if state == State.PARKED} == lost
    assert {states[one] for one in set(owed) - lost} == {State.DELIVERED}
    assert sorted(north.probed) == sorted(row.key for row in rows.values()), "each is asked about once"
    one = await world.get(owed[0])
    assert (one.reason, one.due_at, one.settled_at) == (LOST_THERE, None, world.clock.now())
    evidence = [(a.kind, a.outcome) for a in await world.attempts(owed[0])]
    assert evidence == [("push", "accepted"), ("probe", "absent")]
    told = {(account, action, subject) for account, action, subject, _ in await world.journal()}
    assert told == {("", "delivery.lost_there", one) for one in lost}


@pytest.mark.fault("F61")
async def test_a_person_sends_it_again_with_the_same_bytes_and_key(world: World) -> None:
    north = world.use(PROBES)
    (one,) = await delivered(world, 1)
    remembers(north, lambda _: True)
    assert await look_again(world.engine()) == [one]
    await world.store.write(lambda session: replay(session, [one], world.deed()))
    await world.drain()
    first, second = north.pushed
    assert (first.key, first.payload) == (second.key, second.payload)
    assert await state_of(world, one) == State.DELIVERED


async def test_it_asks_each_once_and_not_before_its_time(world: World) -> None:
    north = world.use(PROBES)
    remembers(north)
    await delivered(world, 3, hours=19)
    assert await look_again(world.engine()) == []
    assert north.probed == []
    world.clock.tick(hours=2)
    await delivered(world, 1, minutes=1)
    assert await look_again(world.engine()) == []
    assert len(north.probed) == 3
    assert await look_again(world.engine()) == []
    assert len(north.probed) == 3
    world.clock.tick(hours=21)
    await look_again(world.engine())
    assert len(north.probed) == 4


async def test_what_a_system_need_not_have_is_not_asked_about(world: World) -> None:
    north = world.use(PROBES)
    remembers(north, lambda _: True)
    (first,) = await delivered(world, 1, minutes=1)
    second = await world.next_revision(first, due_at=world.clock.now(), after_id=None, created_at=world.clock.now())
    (withdrawn,) = await world.owe(intent="withdraw", created_at=world.clock.now())
    (by_hand,) = await world.owe(state=State.UNKNOWN, due_at=None, attempts=1, created_at=world.clock.now())
    (parked,) = await world.owe(state=State.PARKED, due_at=None, attempts=1, created_at=world.clock.now())
    await world.store.write(lambda session: confirm(session, by_hand, world.deed(), "A-7"))
    await world.drain()
    world.clock.tick(hours=21)
    assert await look_again(world.engine()) == [second]
    assert await state_of(world, first) == State.DELIVERED
    assert await state_of(world, withdrawn) == State.DELIVERED
    assert await state_of(world, by_hand) == State.DELIVERED
    assert (await world.get(parked)).reason == ""
    # About the first one only to learn whether all of it is gone, or the correction alone.
    assert north.probed == [(await world.get(one)).key for one in (second, first)]


async def test_a_persons_later_word_stands(world: World) -> None:
    """The System has said yes once, was sent it again, was silent, and then somebody looked."""
    north = world.use(PROBES)
    (one,) = await delivered(world, 1, minutes=1)
    await world.store.write(lambda session: replay(session, [one], world.deed()))
    north.on_push = [Unanswered("cut")]
    north.on_probe = [Unavailable("503")]
    await world.drain()
    world.clock.tick(minutes=1)
    await world.store.write(lambda session: confirm(session, one, world.deed(), "A-7"))
    world.clock.tick(hours=21)
    remembers(north, lambda _: True)
    assert await look_again(world.engine()) == []
    assert north.probed == []


async def test_a_revision_that_was_cancelled_takes_nobodys_place(world: World) -> None:
    north = world.use(PROBES)
    remembers(north, lambda _: True)
    (first,) = await delivered(world, 1, minutes=1)
    await world.next_revision(first, state=State.CANCELLED, after_id=None, created_at=world.clock.now())
    world.clock.tick(hours=21)
    assert await look_again(world.engine()) == [first]


@pytest.mark.fault("F61")
@pytest.mark.parametrize("away", [Unavailable("503"), Unanswered("cut"), Misconfigured("401"), ValueError("its own")])
async def test_a_system_that_cannot_answer_is_asked_again_from_there(world: World, away: Exception) -> None:
    north = world.use(PROBES)
    owed = await delivered(world, 3)
    north.on_probe = [Receipt("N-1"), away]
    assert await look_again(world.engine()) == []
    remembers(north, lambda _: True)
    assert await look_again(world.engine()) == owed[1:]


async def test_a_system_that_answers_nothing_is_where_it_was(world: World) -> None:
    north = world.use(PROBES)
    await delivered(world, 2)
    north.on_probe = [Unavailable("503")]
    assert await look_again(world.engine()) == []
    assert [row.looked_through for row in await world.all(SystemState)] == [None]


async def test_a_system_that_takes_its_yes_back_is_heard(world: World) -> None:
    north = world.use(PROBES)
    (one,) = await delivered(world, 1)
    north.on_probe = [Refused("struck from the register")]
    assert await look_again(world.engine()) == [one]
    assert (await world.get(one)).reason == "struck from the register"


async def test_one_that_is_held_or_cannot_tell_is_left_alone(world: World) -> None:
    north = world.use(PROBES)
    mute = world.use(NEITHER, "mute")
    await world.owe(system="mute", created_at=world.clock.now())
    await delivered(world, 1)

    def hold(session: Any) -> None:  # noqa: ANN401 - as the store calls it
        systems.states(session, ["north"])["north"].breaker = Breaker.OPEN
        session.flush()

    await world.store.write(hold)
    assert await look_again(world.engine()) == []
    assert (north.probed, mute.probed) == ([], [])


@pytest.mark.fault("F61")
async def test_what_somebody_replays_meanwhile_is_theirs(world: World) -> None:
    north = world.use(PROBES)
    (one,) = await delivered(world, 1)

    async def gone() -> Receipt | None:
        await world.store.write(lambda session: replay(session, [one], world.deed()))
        return None

    north.on_probe = [gone]
    assert await look_again(world.engine()) == []
    assert await state_of(world, one) == State.WAITING
    assert len(await world.attempts(one)) == 1


async def test_a_turn_is_bounded_and_the_next_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MOST", 2)
    north = world.use(PROBES)
    remembers(north)
    await delivered(world, 5)
    for asked in (2, 4, 5, 5):
        await look_again(world.engine())
        assert len(north.probed) == asked
    last = max(row.id for row in await world.all(Delivery))
    assert [row.looked_through for row in await world.all(SystemState)] == [last]


async def test_it_takes_a_place_of_the_system_and_gives_it_back(world: World) -> None:
    north = world.use(PROBES, in_flight=1)
    remembers(north)
    await delivered(world, 2)
    engine = world.engine()
    assert engine.capacity.slots["north"].take(1, world.clock.monotonic()) == 1
    asking = asyncio.create_task(look_again(engine))
    await asyncio.sleep(0.1)
    assert (north.probed, asking.done()) == ([], False)
    engine.capacity.slots["north"].leave()
    await asking
    assert (len(north.probed), engine.capacity.slots["north"].busy) == (2, 0)


# --- corrections ------------------------------------------------------------------------------------------------------


def keeps_keys_of_what_is_new(system: FakeSystem, lost: Callable[[str], bool] = lambda _: False) -> None:
    """Let a System answer for what it was told to create, and know nothing of the keys of changes."""

    async def probe(outgoing: Outgoing) -> Receipt | None:
        system.asked.append(outgoing)
        known = any(one.key == outgoing.key and one.intent == "create" for one in system.pushed)
        return Receipt("N-1") if known and not lost(outgoing.key) else None

    system.probe = probe  # type: ignore[method-assign]  # a System of this test


async def corrected(world: World, times: int = 1) -> list[str]:
    """Deliver one and its corrections, and let a day pass."""
    chain = await world.owe(created_at=world.clock.now())
    for _ in range(times):
        chain.append(await world.next_revision(chain[-1], created_at=world.clock.now()))
    await world.drain()
    assert {await state_of(world, one) for one in chain} == {State.DELIVERED}
    world.clock.tick(hours=21)
    return chain


@pytest.mark.case("C41")
@pytest.mark.parametrize("times", [1, 3])
async def test_a_correction_is_not_called_lost_by_a_system_that_keeps_keys_of_what_is_new(
    world: World, times: int
) -> None:
    north = world.use(KEYS_WHAT_IS_NEW)
    keeps_keys_of_what_is_new(north)
    chain = await corrected(world, times)
    assert await look_again(world.engine()) == []
    assert {await state_of(world, one) for one in chain} == {State.DELIVERED}
    first = await world.get(chain[0])
    assert [(asked.key, asked.intent, asked.number) for asked in north.asked] == [(first.key, "create", "N-1")]


@pytest.mark.case("C41")
async def test_one_that_it_made_and_has_no_more_is_lost_with_its_correction(world: World) -> None:
    keeps_keys_of_what_is_new(world.use(KEYS_WHAT_IS_NEW), lambda _: True)
    first, second = await corrected(world)
    assert await look_again(world.engine()) == [second]
    assert ((await world.get(second)).reason, await state_of(world, first)) == (LOST_THERE, State.DELIVERED)


@pytest.mark.case("C41")
@pytest.mark.parametrize("whole", [False, True])
async def test_a_system_that_lost_the_change_alone_is_not_said_to_have_lost_the_record(
    world: World, whole: bool
) -> None:
    """It was restored from a copy taken before the correction."""
    north = world.use(PROBES)
    first, second = await corrected(world)
    keys = {(await world.get(second)).key} | ({(await world.get(first)).key} if whole else set())
    remembers(north, keys.__contains__)
    assert await look_again(world.engine()) == [second]
    assert (await world.get(second)).reason == (LOST_THERE if whole else CHANGE_LOST)
    await world.store.write(lambda session: replay(session, [second], world.deed()))
    await world.drain()
    sent = north.pushed[-1]
    assert (sent.intent, sent.amends) == (("create", "") if whole else ("amend", "N-1"))


@pytest.mark.case("C41")
async def test_what_a_person_entered_there_first_cannot_be_asked_about_by_our_key(world: World) -> None:
    north = world.use(KEYS_WHAT_IS_NEW)
    keeps_keys_of_what_is_new(north)
    (first,) = await world.owe(state=State.UNKNOWN, due_at=None, attempts=1, created_at=world.clock.now())
    second = await world.next_revision(first, created_at=world.clock.now())
    await world.store.write(lambda session: confirm(session, first, world.deed(), "A-7"))
    await world.drain()
    world.clock.tick(hours=21)
    assert await look_again(world.engine()) == []
    assert (north.asked, await state_of(world, second)) == ([], State.DELIVERED)


@pytest.mark.case("C41")
@pytest.mark.parametrize("away", [Unavailable("503"), ValueError("its own")])
async def test_while_the_first_one_cannot_be_asked_about_nothing_is_said(world: World, away: Exception) -> None:
    north = world.use(PROBES)
    _, second = await corrected(world)
    north.on_probe = [None, away]
    assert await look_again(world.engine()) == []
    assert await state_of(world, second) == State.DELIVERED
    north.on_probe = [None, Refused("struck from the register")]
    assert await look_again(world.engine()) == [second]
    assert (await world.get(second)).reason == "struck from the register"


@pytest.mark.case("C41")
async def test_a_probe_is_asked_with_all_there_is_to_know(world: World) -> None:
    north = world.use(PROBES)
    (first,) = await world.owe()
    await world.drain()
    second = await world.next_revision(first, after_id=None, due_at=world.clock.now(), amends="N-1", flow="visit")
    north.on_push, north.on_probe = [Unanswered("cut")], [Receipt("N-1")]
    await world.drain()
    await world.drain(seconds=2)
    (asked,) = north.asked
    row = await world.get(second)
    assert (asked.key, asked.intent, asked.flow, asked.amends) == (row.key, "amend", "visit", "N-1")
    assert row.state == State.DELIVERED


@pytest.mark.case("C41")
async def test_an_unknown_change_is_left_to_a_person_where_only_what_is_new_can_be_asked_about(world: World) -> None:
    north = world.use(KEYS_WHAT_IS_NEW)
    keeps_keys_of_what_is_new(north)
    (first,) = await world.owe()
    await world.drain()
    north.on_push = [Unanswered("cut")]
    second = await world.next_revision(first, after_id=None, due_at=world.clock.now(), amends="N-1")
    await world.drain()
    await world.drain(days=40)
    row = await world.get(second)
    assert (row.state, row.due_at, north.asked) == (State.UNKNOWN, None, [])


# --- meanwhile, and clocks --------------------------------------------------------------------------------------------


@pytest.mark.case("C41")
@pytest.mark.parametrize("what", ["replayed", "corrected"])
async def test_what_was_sent_again_or_corrected_while_it_was_asked_about_is_not_parked(world: World, what: str) -> None:
    """Delivered again in between, it looks as it did, and is not the same."""
    north = world.use(PROBES)
    (one,) = await delivered(world, 1)

    async def meanwhile() -> Receipt | None:
        if what == "replayed":
            await world.store.write(lambda session: replay(session, [one], world.deed()))
        else:
            await world.next_revision(one, after_id=None, due_at=world.clock.now(), created_at=world.clock.now())
        world.clock.tick(seconds=1)
        await world.drain()
        return None

    north.on_probe = [meanwhile]
    assert await look_again(world.engine()) == []
    assert set((await world.states()).values()) == {State.DELIVERED}


@pytest.mark.fault("F42")
async def test_a_mark_that_a_clock_left_ahead_holds_nothing_up(world: World) -> None:
    north = world.use(PROBES)
    remembers(north, lambda _: True)
    (one,) = await delivered(world, 1)

    def ahead(session: Any) -> None:  # noqa: ANN401 - as the store calls it
        systems.states(session, ["north"])["north"].looked_through = "ffffffff-0000-7000-8000-000000000000"
        session.flush()

    await world.store.write(ahead)
    assert await look_again(world.engine()) == [one]
    assert [row.looked_through for row in await world.all(SystemState)] == [one]
