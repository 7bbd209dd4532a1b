"""Withdrawals on both databases: every System that has something is told, where it can be, and nobody else."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from hub.errors import Problem
from hub.intake.accept import Accepted, Intake
from hub.intake.plan import Rules
from hub.intake.withdraw import foresee
from hub.model import (
    Delivery,
    JournalEntry,
    Record,
)
from hub.model.delivery import NEVER_SENT, NOTHING_THERE, State
from hub.model.people import Role
from hub.outbox.entry.take import take
from hub.outbox.hand import Deed, cancel, replay
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, RIVER, TOWN, County, visit
from tests.store.withdrawn import (
    LEASE,
    PLENTY,
    WHY,
    add_person,
    county,
    deliver_all,
    end,
    last_revision,
    refused,
    scope_of,
    take_back,
    told,
)

__all__ = ["county"]
pytestmark = pytest.mark.case("C46")


async def test_everybody_who_has_something_is_told_and_what_never_left_is_cancelled(
    county: County, clock: HandClock
) -> None:
    first = await county.submit(visit(answers=PLENTY))
    for row in await county.rows(Delivery):
        if row.flow != "bin_score":
            await county.put(row, state=State.DELIVERED, remote_id=f"{row.system}-{row.flow}", attempts=1)
    county.rung.clear()
    clock.tick(minutes=5)
    assert (await take_back(county, first)).created
    assert await told(county, first) == {
        "doors/visit": ("withdraw", "doors-visit", "manual"),
        "files/visit": ("withdraw", "files-visit", "waiting"),
        "bins/finding": ("withdraw", "bins-finding", "waiting"),
        "rivers/finding": ("withdraw", "rivers-finding", "manual"),
    }
    score = await county.delivery("bins", "bin_score")
    assert (score.state, score.reason, score.settled_at) == (State.CANCELLED, NEVER_SENT, clock.now())
    by_hand = await county.delivery("doors", "visit", 2)
    assert (by_hand.reason, by_hand.due_at) == (WHY, None)
    assert county.rung == [{"bins", "files"}]
    last = await last_revision(county, first)
    assert (last.revision, last.withdrawn_by, last.withdrawn_why, last.received_at) == (2, "ada", WHY, clock.now())
    records = await county.rows(Record, submission_id=last.id)
    assert all(record.withdrawn for record in records)
    assert len(records) == 5
    entries = [(entry.action, entry.account_id, entry.why) for entry in await county.rows(JournalEntry)]
    assert ("submission.withdrawn", "ada", "") in entries, "the journal outlives an erasure: it has no reason"


async def test_the_same_again_is_the_same_answer_and_another_reason_is_told(county: County) -> None:
    first = await county.submit(visit())
    results = await asyncio.gather(*(take_back(county, first) for _ in range(8)))
    assert sum(result.created for result in results) == 1
    assert {result.submission_id for result in results} == {first.submission_id}
    before = await county.counts()
    assert not (await take_back(county, first)).created
    assert await county.counts() == before
    problem = await refused(county, first, why="换了个说法")
    assert (problem.code, problem.status, problem.params) == ("submission.withdrawn", 409, {"day": "2026-11-23"})
    again = await refused(county, first, await add_person(county, "lea", Role.LEADER, TOWN))
    assert again.code == "submission.withdrawn"


@pytest.mark.parametrize(
    "now",
    [
        {"state": State.RETRY, "repeat": True}, {"state": State.WAITING, "repeat": True}, LEASE,
        {"state": State.TRANSPORTED}, {"state": State.UNKNOWN, "repeat": True}, {"state": State.PARKED, "repeat": True},
    ],
    ids=["retry-repeat", "replayed", "leased", "transported", "unknown", "parked-maybe-there"],
)  # fmt: skip
@pytest.mark.parametrize("system", ["files", "doors"])
async def test_what_is_under_way_is_taken_back_when_it_is_known_what_became_of_it(
    county: County, now: Mapping[str, object], system: str
) -> None:
    first = await county.submit(visit())
    old = await county.delivery(system, "visit")
    await county.put(old, **now)
    await take_back(county, first)
    row = await county.delivery(system, "visit", 2)
    state = State.WAITING if system == "files" else State.MANUAL
    assert (row.intent, row.state, row.after_id, row.due_at) == ("withdraw", state, old.id, None)
    await end(county, old, State.DELIVERED, "N-1")
    row = await county.delivery(system, "visit", 2)
    assert (row.state, row.amends, row.after_id) == (state, "N-1", None)
    assert (row.due_at is not None) == (system == "files")


@pytest.mark.parametrize("outcome", [State.PARKED, State.CANCELLED])
async def test_what_never_arrived_after_all_needs_no_withdrawal(county: County, outcome: State) -> None:
    first = await county.submit(visit())
    old = await county.delivery("files", "visit")
    await county.put(old, **LEASE)
    await take_back(county, first)
    await end(county, old, outcome)
    assert (await county.delivery("files", "visit")).state == State.CANCELLED
    row = await county.delivery("files", "visit", 2)
    assert (row.state, row.reason) == (State.CANCELLED, NOTHING_THERE)


async def test_several_revisions_are_taken_back_as_what_the_system_has(county: County) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    await deliver_all(county)
    await county.correct(first, visit(answers={"bin": BIN | {"bin.sorting": "poor"}}))
    await deliver_all(county)
    await county.correct(first, visit(answers={"bin": BIN | {"bin.sorting": "medium"}}))
    await take_back(county, first)
    told_last = await told(county, first)
    assert told_last["bins/bin_score"] == ("withdraw", "bins-bin_score-2", "waiting")
    assert (await county.delivery("bins", "bin_score", 3)).state == State.CANCELLED, "the amendment never left"
    assert (await county.delivery("bins", "bin_score", 4)).after_id is None


async def test_what_a_correction_took_out_before_is_not_taken_back_twice(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    await county.correct(first, visit())
    await deliver_all(county)
    await take_back(county, first)
    assert sorted(await told(county, first)) == ["doors/visit", "files/visit"]


async def test_what_a_correction_turned_away_before_is_not_taken_back_twice(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    await county.correct(first, visit(answers={"findings": [DIRT | {"finding.category": "dispute"}]}))
    await deliver_all(county)
    await take_back(county, first)
    assert sorted(await told(county, first)) == ["doors/visit", "files/visit"]


async def test_what_no_map_could_express_is_cancelled_or_left_to_who_entered_it(county: County) -> None:
    first = await county.submit(visit(answers={"visit.purpose": "policy"}))
    income = await county.delivery("files", "income")
    assert (income.state, income.payload) == (State.PARKED, b"")
    second = await county.submit(visit(answers={"visit.purpose": "policy"}))
    entered = (await county.deliveries(second))["files/income"]
    await county.put(entered, state=State.DELIVERED, remote_id="I-7")
    await take_back(county, first)
    assert (await county.deliveries(first))["files/income"].state == State.CANCELLED
    await take_back(county, second)
    assert (await told(county, second))["files/income"] == ("withdraw", "I-7", "manual")


async def test_a_system_no_longer_wired_is_taken_back_from_by_hand(county: County) -> None:
    """Relative of C46: a correction too forgot what was at a System that connectors.yaml no longer names."""
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    unwire(county, "bins")
    await take_back(county, first)
    row = await county.delivery("bins", "finding", 2)
    assert (row.intent, row.amends, row.state, row.reason) == ("withdraw", "bins-finding-1", "manual", WHY)


async def test_a_finding_taken_out_is_taken_back_also_where_nothing_is_wired_any_more(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    unwire(county, "bins")
    await county.correct(first, visit())
    row = await county.delivery("bins", "finding", 2)
    assert (row.intent, row.amends, row.state) == ("withdraw", "bins-finding-1", "manual")


async def test_a_flow_that_is_gone_is_taken_back_by_hand(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    registry = county.intake.rules.registry
    bins = replace(registry.systems["bins"], sends=tuple(f for f in registry.systems["bins"].sends if f.ordered))
    flows = {record: tuple(f for f in of if f.name != "finding") for record, of in registry.flows.items()}
    use(county, replace(registry, systems={**registry.systems, "bins": bins}, flows=flows))
    await take_back(county, first)
    assert (await told(county, first))["bins/finding"] == ("withdraw", "bins-finding-1", "manual")


def unwire(county: County, system: str) -> None:
    registry = county.intake.rules.registry
    systems = {name: one for name, one in registry.systems.items() if name != system}
    flows = {record: tuple(f for f in of if f.system != system) for record, of in registry.flows.items()}
    use(county, replace(registry, systems=systems, flows=flows))


def use(county: County, registry: object) -> None:
    rules = Rules(county.catalog, registry)  # type: ignore[arg-type]  # a Registry
    county.intake = Intake(county.store, county.clock, rules, county.intake.outbox)


async def test_what_was_refused_or_lost_there_is_cancelled_and_what_was_ended_by_a_person_is_left(
    county: County,
) -> None:
    first = await county.submit(visit(answers={"bin": BIN, "findings": [DIRT, RIVER]}))
    await county.put(await county.delivery("bins", "bin_score"), state=State.PARKED, reason="no such bin")
    await county.put(await county.delivery("bins", "finding"), state=State.CANCELLED, reason="not ours")
    await county.put(await county.delivery("rivers", "finding"), state=State.PARKED, reason="confirmed, and no longer")
    await take_back(county, first)
    assert await told(county, first) == {}
    states = {f"{row.system}/{row.flow}": row.state for row in await county.rows(Delivery)}
    assert set(states.values()) == {"cancelled"}


async def test_a_withdrawal_waits_for_its_turn_in_an_ordered_flow(county: County) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    await deliver_all(county)
    other = await county.submit(visit(answers={"bin": BIN}))
    await take_back(county, first)
    row = await county.delivery("bins", "bin_score", 2)
    ahead = (await county.deliveries(other))["bins/bin_score"]
    assert (row.order_key, row.after_id, row.due_at) == (ahead.order_key, ahead.id, None)
    await end(county, ahead, State.DELIVERED, "B-2")
    row = await county.delivery("bins", "bin_score", 2)
    assert (row.after_id, row.amends) == (None, "bins-bin_score-1")
    assert row.due_at is not None


async def test_what_was_taken_back_is_not_sent_again_by_a_replay(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    await take_back(county, first)
    deed = Deed(county.ada, "once more", county.clock.now())
    old = [row.id for row in await county.rows(Delivery, revision=1)]
    assert await county.store.write(lambda session: replay(session, old, deed)) == []
    by_hand = await county.delivery("doors", "visit", 2)
    await county.store.write(lambda s: cancel(s, by_hand.id, deed))
    kept = await county.store.write(lambda session: replay(session, old, deed))
    assert kept == [(await county.delivery("doors", "visit")).id], "who leaves it there may send it again"


async def test_a_correction_and_a_withdrawal_at_once_end_withdrawn(county: County) -> None:
    for _ in range(6):
        first = await county.submit(visit(answers={"bin": BIN}))
        await deliver_all(county)
        corrected = visit(answers={"bin": BIN | {"bin.sorting": "poor"}})
        results = await asyncio.gather(
            county.correct(first, corrected), take_back(county, first), return_exceptions=True
        )
        assert isinstance(results[1], Accepted)
        is_late = isinstance(results[0], Problem)
        assert not is_late or results[0].code == "submission.withdrawn"  # type: ignore[union-attr]  # it is a Problem
        last = await last_revision(county, first)
        assert (last.withdrawn_by, last.revision) == ("ada", 2 if is_late else 3)
        taken_back = (await county.deliveries(Accepted(last.id, created=True)))["bins/bin_score"]
        assert (taken_back.intent, taken_back.amends) == ("withdraw", "bins-bin_score-1")
        # The next one of this bin goes after it.
        await county.put(taken_back, state=State.DELIVERED, after_id=None)


async def test_what_would_be_done_is_told_before_and_nothing_is_changed(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY | {"visit.purpose": "policy"}))
    stand = {
        "doors/visit": {"state": State.DELIVERED, "remote_id": "D-1"}, "files/visit": {"state": State.DELIVERED},
        "bins/bin_score": {}, "bins/finding": LEASE, "rivers/finding": {"state": State.MANUAL},
    }  # fmt: skip
    for name, row in (await county.deliveries(first)).items():
        if name in stand:
            await county.put(row, **stand[name])
    entered = await county.delivery("rivers", "finding")
    await county.store.write(lambda session: take(session, entered.id, county.bo, county.clock.now()))
    before = await county.counts()
    found = await county.store.read(
        lambda s: foresee(s, county.registry, scope_of(county.ada), first.submission_id, county.clock.now())
    )
    assert {f"{one.delivery.system}/{one.delivery.flow}": one.will for one in found} == {
        "doors/visit": "by_hand", "files/visit": "send", "files/income": "cancel", "bins/bin_score": "cancel",
        "bins/finding": "after", "rivers/finding": "check",
    }  # fmt: skip
    assert await county.counts() == before
    await take_back(county, first)
    assert (await county.delivery("rivers", "finding", 2)).after_id == entered.id
    with pytest.raises(Problem, match=r"submission\.withdrawn"):
        await county.store.read(
            lambda s: foresee(s, county.registry, scope_of(county.ada), first.submission_id, county.clock.now())
        )
