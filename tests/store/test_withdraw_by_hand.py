"""Withdrawals of what a person is entering by hand: nothing is cancelled under their hands, nothing stays there."""

import pytest

from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import (
    Delivery,
    Reminder,
    Take,
)
from hub.model.delivery import NOTHING_THERE, State
from hub.outbox.entry.take import take
from hub.outbox.hand import Deed, cancel, confirm
from hub.outbox.release import release_stranded
from tests.some_connectors.county import RIVER, County, visit
from tests.store.withdrawn import county, take_back

__all__ = ["county"]
pytestmark = pytest.mark.case("C46")


async def held_by_hand(county: County, state: State) -> tuple[Accepted, Delivery]:
    """Return a visit whose Delivery to doors somebody is entering by hand at this moment."""
    first = await county.submit(visit())
    row = await county.delivery("doors", "visit")
    await county.put(row, state=state)
    await county.store.write(lambda session: take(session, row.id, county.bo, county.clock.now()))
    return first, row


@pytest.mark.parametrize("state", [State.MANUAL, State.PARKED])
async def test_what_somebody_is_entering_is_theirs_to_end_and_taken_back_after(county: County, state: State) -> None:
    first, row = await held_by_hand(county, state)
    await take_back(county, first)
    now, behind = county.clock.now(), await county.delivery("doors", "visit", 2)
    assert (behind.intent, behind.state, behind.after_id) == ("withdraw", "manual", row.id)
    assert [one.account_id for one in await county.rows(Take)] == ["bo"]
    await county.store.write(lambda session: release_stranded(session, now))
    assert (await county.delivery("doors", "visit")).state == state, "nobody ends it under their hands"
    if state is State.MANUAL:
        with pytest.raises(Problem, match=r"delivery\.not_its_turn"):
            await county.store.write(lambda s: confirm(s, behind.id, Deed(county.ada, "gone", now), "-"))
    await county.store.write(lambda s: confirm(s, row.id, Deed(county.bo, "was done", now), "D-9"))
    behind = await county.delivery("doors", "visit", 2)
    assert (behind.state, behind.amends, behind.after_id) == ("manual", "D-9", None)


@pytest.mark.parametrize("state", [State.MANUAL, State.PARKED])
async def test_what_somebody_had_not_entered_after_all_needs_no_withdrawal(county: County, state: State) -> None:
    first, row = await held_by_hand(county, state)
    await take_back(county, first)
    await county.store.write(lambda s: cancel(s, row.id, Deed(county.bo, "not entered", county.clock.now())))
    behind = await county.delivery("doors", "visit", 2)
    assert (behind.state, behind.reason) == (State.CANCELLED, NOTHING_THERE)


@pytest.mark.parametrize("over", [True, False])
async def test_what_nobody_is_entering_is_cancelled_and_who_comes_late_is_told(county: County, over: bool) -> None:
    first = await county.submit(visit())
    row = await county.delivery("doors", "visit")
    await county.put(row, state=State.MANUAL)
    if over:
        await county.store.write(lambda session: take(session, row.id, county.bo, county.clock.now()))
        county.clock.tick(minutes=31)
    at = county.clock.now()
    await county.store.write(lambda s: s.add(Reminder(delivery_id=row.id, department="organisation", opened_at=at)))
    await take_back(county, first)
    assert (await county.delivery("doors", "visit")).state == State.CANCELLED
    assert [one.closed_at for one in await county.rows(Reminder)] == [at]
    with pytest.raises(Problem, match=r"delivery\.outdated"):
        await county.store.write(lambda s: confirm(s, row.id, Deed(county.bo, "done", county.clock.now()), "D-9"))


async def test_what_may_have_been_entered_before_a_restore_is_asked_of_a_person(county: County) -> None:
    first = await county.submit(visit())
    row = await county.delivery("doors", "visit")
    await county.put(row, state=State.MANUAL, repeat=True)
    await take_back(county, first)
    behind = await county.delivery("doors", "visit", 2)
    assert (behind.intent, behind.after_id, (await county.delivery("doors", "visit")).state) == (
        "withdraw", row.id, "manual",
    )  # fmt: skip


async def test_a_finding_brought_back_while_somebody_enters_it_is_theirs_again(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [RIVER]}))
    row = await county.delivery("rivers", "finding")
    await county.put(row, state=State.MANUAL)
    await county.store.write(lambda session: take(session, row.id, county.bo, county.clock.now()))
    await county.correct(first, visit())
    await county.correct(first, visit(answers={"findings": [RIVER]}))
    states = {one.revision: one.state for one in await county.rows(Delivery, system="rivers")}
    assert states == {1: "manual", 2: "cancelled"}
