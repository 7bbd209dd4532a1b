"""What the machine found, each told shortly: these failed before they were mended."""

import pytest

from hub.model import Delivery
from hub.model.delivery import State
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
