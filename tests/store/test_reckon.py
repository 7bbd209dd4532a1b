"""What going on from a copy makes of Deliveries where keys are honoured, and of those it leaves as they were."""

from datetime import timedelta

import pytest

from hub.model import Epoch
from hub.model.delivery import State
from hub.outbox.claim import claim_due
from hub.outbox.epoch.reckon import reckon
from hub.sdk import Capabilities
from tests.builders import AT, HONOURS, NEITHER, PROBES, World


async def test_what_waits_goes_again_when_it_is_due_and_what_is_unknown_stays(world: World) -> None:
    later = AT + timedelta(hours=1)
    (waiting,) = await world.owe(1, due_at=later)
    (unknown,) = await world.owe(1, state=State.UNKNOWN, due_at=None, attempts=1)
    (handed,) = await world.owe(1, state=State.TRANSPORTED, due_at=later, attempts=1, transported_at=AT)
    epoch = Epoch(number=2, began_at=AT, copied_at=AT - timedelta(hours=1), copy_digest="d")
    found = await world.store.write(lambda session: reckon(session, epoch, lambda _: HONOURS))
    assert (dict(found.again), dict(found.asked), dict(found.by_person)) == ({"north": 1}, {}, {})
    row = await world.get(waiting)
    assert (row.state, row.due_at, row.repeat) == (State.WAITING, later, True)
    assert [(await world.get(one)).state for one in (unknown, handed)] == [State.UNKNOWN, State.TRANSPORTED]


async def test_a_probe_under_way_is_asked_again(world: World) -> None:
    """Only its answer is unknown; that the System has it was known before the copy."""
    (handed,) = await world.owe(1, state=State.TRANSPORTED, attempts=1, transported_at=AT)
    now = world.clock.now()
    await world.store.write(lambda s: claim_due(s, {"north": (1, timedelta(seconds=30))}, now))
    assert (await world.get(handed)).state == State.LEASED
    epoch = Epoch(number=2, began_at=now, copied_at=now - timedelta(hours=1), copy_digest="d")
    found = await world.store.write(lambda session: reckon(session, epoch, lambda _: HONOURS))
    assert (dict(found.again), dict(found.asked), dict(found.by_person)) == ({}, {"north": 1}, {})
    row = await world.get(handed)
    assert (row.state, row.due_at, row.repeat) == (State.TRANSPORTED, now, False)


@pytest.mark.case("C46")
async def test_who_withdraws_it_by_hand_still_knows_why(world: World) -> None:
    (by_hand,) = await world.owe(1, state=State.MANUAL, due_at=None, intent="withdraw", reason="走错门了")
    (plain,) = await world.owe(1, state=State.MANUAL, due_at=None)
    epoch = Epoch(number=2, began_at=AT, copied_at=AT - timedelta(hours=1), copy_digest="d")
    await world.store.write(lambda session: reckon(session, epoch, lambda _: HONOURS))
    told = (await world.get(by_hand)).reason
    assert told.startswith("走错门了; restored from the copy")
    assert (await world.get(plain)).reason.startswith("restored from the copy")


@pytest.mark.case("C46")
@pytest.mark.parametrize(("can", "state", "due"), [
    (HONOURS, State.WAITING, True), (PROBES, State.UNKNOWN, True), (NEITHER, State.UNKNOWN, False),
])  # fmt: skip
async def test_a_withdrawal_that_may_have_been_sent_is_not_sent_blindly(
    world: World, can: Capabilities, state: State, due: bool
) -> None:
    (one,) = await world.owe(1, intent="withdraw", amends="N-1")
    epoch = Epoch(number=2, began_at=AT, copied_at=AT - timedelta(hours=1), copy_digest="d")
    await world.store.write(lambda session: reckon(session, epoch, lambda _: can))
    row = await world.get(one)
    assert (row.state, row.due_at is not None, row.repeat, row.amends) == (state, due, True, "N-1")
