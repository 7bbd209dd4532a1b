"""What a person does: replay the same bytes, confirm, cancel; each with a reason and in the journal (D11, D12)."""

import pytest

from hub.errors import Problem
from hub.model.delivery import State
from hub.outbox.hand import MOST_REPLAYED, cancel, confirm, replay
from hub.sdk import Receipt, Refused, Unavailable
from hub.sdk.errors import Unanswered
from hub.store import Session
from tests.builders import HONOURS, LATER, NEITHER, World


async def parked(world: World, many: int = 1) -> list[str]:
    ids = await world.owe(many)
    world.north.on_push = [Refused("no")] * many
    await world.drain()
    return ids


async def test_a_replay_sends_the_original_bytes_with_the_original_key(world: World) -> None:
    (one,) = await parked(world)
    assert await world.store.write(lambda s: replay(s, [one], world.deed())) == [one]
    row = await world.get(one)
    assert (row.state, row.due_at, row.settled_at, row.repeat) == (State.WAITING, world.clock.now(), None, True)
    assert row.replayed_at == world.clock.now()
    await world.drain()
    row = await world.get(one)
    assert (row.state, row.attempts) == (State.DELIVERED, 2)
    assert [(s.key, s.payload, s.attempt) for s in world.north.pushed] == [(row.key, row.payload, n) for n in (1, 2)]
    assert await world.journal() == [(world.author.id, "delivery.replayed", one, "mended there")]


@pytest.mark.fault("F69")
async def test_a_replay_pressed_twice_or_resumed_sends_each_once(world: World) -> None:
    ids = await parked(world, 5)
    assert await world.store.write(lambda s: replay(s, ids[:2], world.deed())) == ids[:2]
    assert await world.store.write(lambda s: replay(s, ids, world.deed())) == ids[2:]
    assert await world.store.write(lambda s: replay(s, ids, world.deed())) == []
    await world.drain()
    assert len(world.north.pushed) == 10
    assert len(await world.journal()) == 5


@pytest.mark.fault("F69")
async def test_a_replay_killed_half_way_leaves_no_trace(world: World) -> None:
    ids = await parked(world, 3)

    def die(session: Session) -> None:
        replay(session, ids, world.deed())
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await world.store.write(die)
    assert set((await world.states()).values()) == {State.PARKED}
    assert await world.journal() == []
    assert await world.store.write(lambda s: replay(s, ids, world.deed())) == ids


async def test_a_retry_may_be_hurried_but_only_once(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Unavailable("503")]
    await world.drain()
    assert await world.store.write(lambda s: replay(s, [one], world.deed())) == [one]
    row = await world.get(one)
    assert (row.state, row.due_at) == (State.RETRY, world.clock.now())
    assert await world.store.write(lambda s: replay(s, [one], world.deed())) == []
    await world.drain()
    assert (await world.get(one)).state == State.DELIVERED


async def test_a_replay_of_an_unknown_one_is_a_persons_decision_and_marked(world: World) -> None:
    world.use(NEITHER).on_push = [Unanswered("cut off")]
    (one,) = await world.owe()
    await world.drain()
    await world.store.write(lambda s: replay(s, [one], world.deed()))
    await world.drain()
    assert [s.attempt for s in world.north.pushed] == [1, 2]
    assert (await world.get(one)).state == State.DELIVERED


async def test_a_replay_after_patience_is_patient_again_and_looks_often_at_first(world: World) -> None:
    world.use(LATER).on_push = [Receipt("B-1", accepted=False)]
    (one,) = await world.owe()
    await world.drain()
    world.north.on_probe = [Receipt("", accepted=False)]
    await world.drain(days=16)
    assert (await world.get(one)).state == State.PARKED
    await world.store.write(lambda s: replay(s, [one], world.deed()))
    world.north.on_push = [Unavailable("503"), Receipt("B-2", accepted=False)]
    await world.drain()
    assert (await world.get(one)).state == State.RETRY
    await world.drain(seconds=5)
    row = await world.get(one)
    assert (row.state, row.remote_id, row.transported_at) == (State.TRANSPORTED, "B-2", world.clock.now())
    assert (row.due_at - row.transported_at).total_seconds() == 2  # type: ignore[operator]  # both are set


async def test_what_is_waiting_under_way_or_ended_by_a_person_is_not_replayed(world: World) -> None:
    states = (State.WAITING, State.TRANSPORTED, State.MANUAL, State.CANCELLED)
    ids = [one for state in states for one in await world.owe(state=state)]
    ids += await world.owe(state=State.LEASED, lease_token="t", leased_until=world.clock.now(), due_at=None)
    ids += await world.owe(state=State.PARKED, payload=b"", due_at=None)
    assert await world.store.write(lambda s: replay(s, ids, world.deed())) == []
    assert await world.journal() == []


async def test_a_replay_needs_a_reason_and_has_a_limit(world: World) -> None:
    for ids, why, code in ((["x"], "  ", "reason.needed"), (["x"] * (MOST_REPLAYED + 1), "why", "replay.too_many")):
        with pytest.raises(Problem) as caught:
            await world.store.write(lambda s, i=ids, w=why: replay(s, i, world.deed(w)))  # type: ignore[misc]  # default binds
        assert (caught.value.code, caught.value.status) == (code, 422)


@pytest.mark.parametrize("state", [State.PARKED, State.MANUAL, State.UNKNOWN])
async def test_a_person_confirms_with_the_number_there(world: World, state: State) -> None:
    (one,) = await world.owe(state=state, due_at=None)
    await world.store.write(lambda s: confirm(s, one, world.deed("seen there"), " S-20261123-7 "))
    row = await world.get(one)
    assert (row.state, row.remote_id, row.settled_at) == (State.DELIVERED, "S-20261123-7", world.clock.now())
    assert await world.journal() == [(world.author.id, "delivery.confirmed", one, "seen there")]


@pytest.mark.parametrize("state", [State.PARKED, State.MANUAL, State.UNKNOWN, State.WAITING, State.RETRY])
async def test_a_person_cancels_with_a_reason_and_it_is_never_sent(world: World, state: State) -> None:
    (one,) = await world.owe(state=state, attempts=1)
    await world.store.write(lambda s: cancel(s, one, world.deed("entered twice")))
    await world.drain(days=1)
    row = await world.get(one)
    assert (row.state, row.reason, row.due_at, world.north.pushed) == (State.CANCELLED, "entered twice", None, [])
    assert await world.journal() == [(world.author.id, "delivery.cancelled", one, "entered twice")]


@pytest.mark.parametrize("state", [State.TRANSPORTED, State.DELIVERED, State.CANCELLED, State.LEASED])
async def test_what_is_not_for_a_person_stays_as_it_is(world: World, state: State) -> None:
    leased = {"lease_token": "t", "leased_until": world.clock.now()} if state is State.LEASED else {}
    (one,) = await world.owe(state=state, due_at=None, **leased)
    for deed in (lambda s: cancel(s, one, world.deed()), lambda s: confirm(s, one, world.deed(), "S-1")):
        with pytest.raises(Problem) as caught:
            await world.store.write(deed)
        assert (caught.value.code, caught.value.status) == ("delivery.not_for_hand", 409)
        assert caught.value.params == {"state": state.words}
    assert (await world.get(one)).state == state
    assert await world.journal() == []


async def test_nobody_confirms_what_waits_for_its_turn(world: World) -> None:
    (one,) = await world.owe()
    with pytest.raises(Problem, match=r"delivery\.not_for_hand"):
        await world.store.write(lambda s: confirm(s, one, world.deed(), "S-1"))


async def test_hands_need_a_number_a_reason_and_something_to_settle(world: World) -> None:
    world.use(HONOURS)
    (one,) = await parked(world)
    cases = [
        (lambda s: confirm(s, one, world.deed(), " "), "delivery.number_needed", 422),
        (lambda s: cancel(s, one, world.deed("")), "reason.needed", 422),
        (lambda s: cancel(s, "nobody", world.deed()), "delivery.unknown", 404),
        (lambda s: confirm(s, "nobody", world.deed(), "S-1"), "delivery.unknown", 404),
    ]
    for deed, code, status in cases:
        with pytest.raises(Problem) as caught:
            await world.store.write(deed)
        assert (caught.value.code, caught.value.status) == (code, status)
    assert (await world.get(one)).state == State.PARKED
