"""Turns and leases, as the state machine and the wrong engines of tests/mutants taught them (D7, D9)."""

from datetime import timedelta

import pytest

from hub.errors import Problem
from hub.model import Delivery
from hub.model.delivery import State
from hub.outbox.claim import LEASE_MARGIN, claim_due
from hub.outbox.hand import confirm
from hub.sdk import Receipt
from hub.store import Store
from tests.builders import LATER, World
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


@pytest.mark.parametrize("withdraws", [False, True])
async def test_a_successor_and_a_correction_behind_one_go_one_by_one(world: World, *, withdraws: bool) -> None:
    """D9: both waited behind the first of an ordered flow, and both were let go at once."""
    order = {"order_key": "north/patrol:river-1"}
    world.use(LATER).on_push = [Receipt("B-1", accepted=False), Receipt("B-2", accepted=False), Receipt("B-3")]
    (first,) = await world.owe(**order)
    (successor,) = await world.owe(after_id=first, due_at=None, **order)
    correction = await world.next_revision(first, intent="withdraw" if withdraws else "amend", **order)
    await world.drain()
    for waits, word in (((successor, correction), Receipt("")), ((correction,), Receipt(""))):
        assert [(await world.get(one)).state for one in waits] == [State.WAITING] * len(waits)
        world.north.on_probe = [word]
        await world.drain(seconds=3)
    intent = "withdraw" if withdraws else "amend"
    assert [(sent.intent, sent.amends) for sent in world.north.pushed] == [
        ("create", ""),
        ("create", ""),
        (intent, "B-1"),
    ]
    assert set((await world.states()).values()) == {State.DELIVERED}


async def test_what_could_not_be_mapped_and_was_entered_by_hand_is_taken_back_by_hand(
    store: Store, clock: HandClock
) -> None:
    """D4: a withdrawal of what never had bytes was pushed with none."""
    county = await County(store, clock).settle()
    first = await county.submit(visit(answers={"visit.purpose": "policy"}))
    parked = await county.delivery("files", "income")
    world = World(store, clock)
    world.author = county.ada
    await store.write(lambda session: confirm(session, parked.id, world.deed(), "S-1"))
    await county.correct(first, visit())
    row = await county.delivery("files", "income", revision=2)
    assert (row.intent, row.amends, row.payload, row.state, row.due_at) == ("withdraw", "S-1", b"", State.MANUAL, None)
    assert len(await county.rows(Delivery, flow="income")) == 2


async def test_nobody_confirms_a_withdrawal_of_what_is_still_on_its_way(world: World) -> None:
    """D9: a withdrawal by hand was confirmed at once, and what came next overtook the first."""
    (first,) = await world.owe()
    by_hand = await world.next_revision(first, intent="withdraw", state=State.MANUAL, after_id=None)
    with pytest.raises(Problem) as caught:
        await world.store.write(lambda session: confirm(session, by_hand, world.deed(), "S-1"))
    assert (caught.value.code, caught.value.params) == ("delivery.not_its_turn", {"state": State.WAITING.words})
    await world.drain()
    await world.store.write(lambda session: confirm(session, by_hand, world.deed(), "S-1"))
    assert set((await world.states()).values()) == {State.DELIVERED}


@pytest.mark.fault("F41")
async def test_each_lease_is_as_long_as_its_own_system_may_take(world: World) -> None:
    """F41: no lease for a batch; the shortest would run out while the slowest is still answering."""
    waits = {"north": timedelta(seconds=5), "south": timedelta(seconds=100)}
    for name in waits:
        world.use(LATER, name)
        await world.owe(2, name)
    wanted = {name: (2, within) for name, within in waits.items()}
    await world.store.write(lambda session: claim_due(session, wanted, world.clock.now()))
    rows = await world.all(Delivery)
    assert len({row.lease_token for row in rows}) == 4
    assert [(row.system, row.leased_until - world.clock.now() - LEASE_MARGIN) for row in rows] == [
        (name, within) for name, within in waits.items() for _ in range(2)
    ]
