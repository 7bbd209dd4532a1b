"""What waits behind something else: the next revision of a Record, and successors in an ordered flow (D9)."""

import pytest

from hub.model.delivery import State
from hub.outbox.hand import cancel, confirm
from hub.outbox.release import release_stranded
from hub.sdk import Receipt, Refused
from hub.sdk.errors import Unanswered
from tests.builders import HONOURS, LATER, NEITHER, Loose, World


def asked(world: World) -> list[tuple[str, str]]:
    return [(sent.intent, sent.amends) for sent in world.north.pushed]


async def queue(world: World, many: int) -> list[str]:
    """Store deliveries of an ordered flow, each held behind the one before."""
    ids: list[str] = []
    for n in range(many):
        held: dict[str, Loose] = {"after_id": ids[-1], "due_at": None} if n else {}
        ids += await world.owe(order_key="north/patrol:river-1", **held)
    return ids


async def test_a_correction_waits_and_then_amends_what_was_delivered(world: World) -> None:
    (first,) = await world.owe()
    second = await world.next_revision(first)
    world.north.on_push = [Receipt("N-1"), Receipt("")]
    await world.drain()
    assert asked(world) == [("create", ""), ("amend", "N-1")]
    assert set((await world.states()).values()) == {State.DELIVERED}
    row = await world.get(second)
    assert (row.amends, row.after_id) == ("N-1", None)


async def test_an_amendment_that_got_no_number_is_amended_under_the_number_before(world: World) -> None:
    (first,) = await world.owe()
    second = await world.next_revision(first)
    await world.next_revision(second)
    world.north.on_push = [Receipt("N-1"), Receipt(""), Receipt("")]
    await world.drain()
    assert asked(world) == [("create", ""), ("amend", "N-1"), ("amend", "N-1")]


async def test_nothing_moves_while_the_first_is_still_under_way(world: World) -> None:
    world.use(LATER).on_push = [Receipt("B-1", accepted=False)]
    (first,) = await world.owe()
    second = await world.next_revision(first)
    await world.drain()
    row = await world.get(second)
    assert (row.state, row.due_at, row.after_id) == (State.WAITING, None, first)
    world.north.on_probe = [Receipt("")]
    await world.drain(seconds=2)
    assert asked(world) == [("create", ""), ("amend", "B-1")]


async def test_a_correction_takes_the_place_of_what_was_refused(world: World) -> None:
    (first,) = await world.owe()
    second = await world.next_revision(first)
    world.north.on_push = [Refused("no such village")]
    await world.drain()
    row = await world.get(first)
    assert (row.state, row.reason) == (State.CANCELLED, "superseded: no such village")
    assert asked(world) == [("create", ""), ("create", "")]
    assert (await world.get(second)).state == State.DELIVERED


async def test_a_refused_amendment_gives_its_number_on(world: World) -> None:
    (first,) = await world.owe(intent="amend", amends="N-1")
    await world.next_revision(first)
    world.north.on_push = [Refused("no")]
    await world.drain()
    assert asked(world) == [("amend", "N-1"), ("amend", "N-1")]


async def test_a_withdrawal_of_what_never_arrived_is_cancelled_with_what_it_would_take_back(world: World) -> None:
    (first,) = await world.owe()
    second = await world.next_revision(first, intent="withdraw")
    world.north.on_push = [Refused("no")]
    await world.drain()
    assert asked(world) == [("create", "")]
    row = await world.get(second)
    assert (row.state, row.settled_at) == (State.CANCELLED, world.clock.now())
    assert "nothing to withdraw" in row.reason
    assert (await world.get(first)).state == State.CANCELLED


@pytest.mark.parametrize("refused", [False, True])
async def test_a_withdrawal_takes_back_what_is_there(world: World, refused: bool) -> None:
    created = await world.owe(intent="amend", amends="N-1")
    await world.next_revision(created[0], intent="withdraw")
    world.north.on_push = [Refused("no") if refused else Receipt("N-1")]
    await world.drain()
    assert asked(world) == [("amend", "N-1"), ("withdraw", "N-1")]


async def test_after_a_withdrawal_it_is_made_anew_and_after_a_refused_one_amended(world: World) -> None:
    for end in (Receipt(""), Refused("locked for the month")):
        world.use(HONOURS).on_push = [end]
        (first,) = await world.owe(intent="withdraw", amends="N-1")
        await world.next_revision(first)
        await world.drain()
        made = ("create", "") if isinstance(end, Receipt) else ("amend", "N-1")
        assert asked(world) == [("withdraw", "N-1"), made]


async def test_a_correction_made_to_create_becomes_an_amendment_when_the_first_got_through(world: World) -> None:
    (first,) = await world.owe()
    await world.next_revision(first, intent="create")
    await world.drain()
    assert asked(world) == [("create", ""), ("amend", "N-1")]


async def test_a_correction_does_not_pass_one_that_may_have_arrived(world: World) -> None:
    """D5: making it anew could leave two there; a person looks and confirms the number."""
    world.use(NEITHER).on_push = [Unanswered("cut off")]
    (first,) = await world.owe()
    second = await world.next_revision(first)
    await world.drain()
    assert (await world.get(second)).state == State.WAITING
    await world.store.write(lambda s: confirm(s, first, world.deed(), "S-8"))
    await world.drain()
    assert asked(world) == [("create", ""), ("amend", "S-8")]


async def test_one_parked_as_a_repeat_is_not_superseded_but_left_to_a_person(world: World) -> None:
    (first,) = await world.owe()
    second = await world.next_revision(first)
    world.north.always = Unanswered("cut off")
    await world.drain()
    await world.drain(days=16)
    assert (await world.get(first)).state == State.PARKED
    assert (await world.store.write(lambda s: release_stranded(s, world.clock.now()))) == []
    assert (await world.get(second)).state == State.WAITING


async def test_an_ordered_flow_goes_one_by_one_and_a_parked_one_blocks_until_cancelled(world: World) -> None:
    ids = await queue(world, 4)
    world.use(HONOURS, in_flight=4).on_push = [Receipt("N-1"), Refused("no")]
    await world.drain()
    await world.drain(days=3)
    assert len(world.north.pushed) == 2
    states = await world.states()
    assert [states[one] for one in ids] == [State.DELIVERED, State.PARKED, State.WAITING, State.WAITING]
    assert (await world.get(ids[2])).after_id == ids[1]
    rung = await world.store.write(lambda s: cancel(s, ids[1], world.deed()))
    assert rung == ["north"]
    await world.drain()
    sent = [one.key for one in world.north.pushed]
    assert sent == [(await world.get(one)).key for one in ids]
    assert world.north.most_under_way == 1


async def test_an_ordered_flow_goes_on_when_a_person_confirms(world: World) -> None:
    ids = await queue(world, 2)
    world.north.on_push = [Refused("entered by hand already")]
    await world.drain()
    await world.store.write(lambda s: confirm(s, ids[0], world.deed(), "S-1"))
    await world.drain()
    assert set((await world.states()).values()) == {State.DELIVERED}


async def test_who_leaves_the_middle_of_a_queue_does_not_let_others_pass(world: World) -> None:
    ids = await queue(world, 3)
    world.north.on_push = [Refused("no")]
    await world.drain()
    assert await world.store.write(lambda s: cancel(s, ids[1], world.deed())) == []
    await world.drain()
    row = await world.get(ids[2])
    assert (row.state, row.after_id, row.due_at) == (State.WAITING, ids[0], None)
    await world.store.write(lambda s: cancel(s, ids[0], world.deed()))
    await world.drain()
    assert (await world.get(ids[2])).state == State.DELIVERED


async def test_successors_wait_behind_the_correction_that_took_the_place(world: World) -> None:
    first, successor = await queue(world, 2)
    correction = await world.next_revision(first, order_key="north/patrol:river-1")
    world.use(HONOURS, in_flight=1).on_push = [Refused("no"), Refused("still no")]
    await world.drain()
    assert (await world.get(first)).state == State.CANCELLED
    assert (await world.get(correction)).state == State.PARKED
    row = await world.get(successor)
    assert (row.state, row.after_id) == (State.WAITING, correction)


async def test_successors_go_when_both_the_refused_and_its_withdrawal_are_gone(world: World) -> None:
    first, successor = await queue(world, 2)
    withdrawal = await world.next_revision(first, intent="withdraw", order_key="north/patrol:river-1")
    (last,) = await world.owe(after_id=withdrawal, due_at=None)
    world.north.on_push = [Refused("no")]
    await world.drain()
    await world.store.write(lambda s: release_stranded(s, world.clock.now()))
    await world.drain()
    states = await world.states()
    assert [states[one] for one in (first, withdrawal)] == [State.CANCELLED] * 2
    assert [states[one] for one in (successor, last)] == [State.DELIVERED] * 2


async def test_what_was_queued_behind_something_in_the_instant_it_ended_is_found(world: World) -> None:
    """Another process may settle the first between the look and the insert; the engine's sweep lets it go."""
    (first,) = await world.owe()
    await world.drain()
    (late,) = await world.owe(after_id=first, due_at=None)
    correction = await world.next_revision(first)
    engine = world.engine()
    await engine._turn()
    await engine.drain()
    assert [(await world.get(one)).state for one in (late, correction)] == [State.DELIVERED] * 2
    assert sorted(asked(world)) == [("amend", "N-1"), ("create", ""), ("create", "")]
