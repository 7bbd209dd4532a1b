"""Corrections on both databases: exactly the Systems whose fields changed are told, and told the right thing."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import orjson
import pytest

from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import Alias, Delivery, Issue, JournalEntry, Record, Skip, Submission
from hub.model.delivery import State
from hub.outbox.release import release
from hub.store import Store
from hub.text import comparable
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, QUARREL, RIVER, Body, County, visit

PLENTY = {"bin": BIN, "findings": [DIRT, RIVER, QUARREL]}
BETTER = {"visit.purpose": "safety"}
LEASE = {"state": State.LEASED, "lease_token": "t" * 36}


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


async def deliver_all(county: County) -> None:
    """Bring everything waiting to its good end, each with a number of its own."""
    for row in await county.rows(Delivery):
        if row.state in (State.WAITING, State.RETRY):
            await county.put(
                row, state=State.DELIVERED, remote_id=f"{row.system}-{row.flow}-{row.revision}", after_id=None
            )


async def told(county: County, accepted: Accepted) -> dict[str, tuple[str, str, str]]:
    """What a revision makes Systems hear: intent, number it is about, state."""
    return {name: (d.intent, d.amends, d.state) for name, d in (await county.deliveries(accepted)).items()}


async def test_what_did_not_change_is_left_alone(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    await deliver_all(county)
    county.rung.clear()
    again = await county.correct(first, visit(answers=PLENTY))
    assert again.created
    assert await told(county, again) == {}
    of_this = {record.id for record in await county.rows(Record, submission_id=again.submission_id)}
    skips = await county.rows(Skip)
    codes = Counter((s.code, s.system, s.flow) for s in skips if s.record_id in of_this)
    assert codes == {
        ("unchanged", "doors", "visit"): 1, ("unchanged", "files", "visit"): 1, ("condition", "files", "income"): 1,
        ("unchanged", "bins", "bin_score"): 1, ("unchanged", "bins", "finding"): 1, ("condition", "bins", "finding"): 2,
        ("unchanged", "rivers", "finding"): 1, ("condition", "rivers", "finding"): 2,
    }  # fmt: skip
    assert county.rung == [set()]
    assert len(await county.rows(Issue)) == 3
    assert [row.revision for row in sorted(await county.rows(Submission), key=lambda r: r.revision)] == [1, 2]
    actions = [entry.action for entry in await county.rows(JournalEntry)]
    assert sorted(actions) == ["submission.accepted", "submission.revised"]


async def test_only_the_system_with_the_changed_field_is_told(county: County, clock: HandClock) -> None:
    first = await county.submit(visit(answers=PLENTY))
    await deliver_all(county)
    before = {row.id: row for row in await county.rows(Delivery)}
    county.rung.clear()
    clock.tick(minutes=5)
    second = await county.correct(first, visit(answers=PLENTY | {"visit.summary": "补充"}))
    assert await told(county, second) == {"doors/visit": ("amend", "doors-visit-1", "waiting")}
    row = (await county.deliveries(second))["doors/visit"]
    assert (row.payload, row.due_at, row.revision) == (
        '{"door":"D-1","why":"A","words":"补充"}'.encode(),
        clock.now(),
        2,
    )
    assert row.key.endswith(":doors/visit:2")
    assert county.rung == [{"doors"}]
    after = {row.id: row for row in await county.rows(Delivery)}
    assert all(after[key] == value for key, value in before.items())
    root = (await county.rows(Submission, id=second.submission_id))[0]
    assert (root.root_id, root.revision) == (first.submission_id, 2)
    assert root.number == (await county.rows(Submission, id=first.submission_id))[0].number


@pytest.mark.parametrize("state", [State.WAITING, State.RETRY, State.PARKED, State.MANUAL])
async def test_what_never_left_is_replaced(county: County, clock: HandClock, state: State) -> None:
    first = await county.submit(visit())
    await county.put(await county.delivery("doors", "visit"), state=state, due_at=clock.now())
    second = await county.correct(first, visit(answers=BETTER))
    old, new = (await county.deliveries(first))["doors/visit"], (await county.deliveries(second))["doors/visit"]
    assert (old.state, old.due_at, old.reason, old.settled_at) == (
        "cancelled", None, "superseded by revision 2", clock.now(),
    )  # fmt: skip
    assert (new.intent, new.amends, new.state, new.after_id, new.due_at) == ("create", "", "waiting", None, clock.now())


@pytest.mark.parametrize(
    "now",
    [
        {"state": State.RETRY, "repeat": True}, {"state": State.WAITING, "repeat": True}, LEASE,
        {"state": State.TRANSPORTED}, {"state": State.UNKNOWN, "repeat": True}, {"state": State.PARKED, "repeat": True},
    ],
    ids=["retry-repeat", "replayed", "leased", "transported", "unknown", "parked-maybe-there"],
)  # fmt: skip
async def test_what_may_be_there_is_waited_for(county: County, now: Mapping[str, object]) -> None:
    first = await county.submit(visit())
    old = await county.delivery("doors", "visit")
    await county.put(old, **now)
    county.rung.clear()
    second = await county.correct(first, visit(answers=BETTER))
    new = (await county.deliveries(second))["doors/visit"]
    assert (new.intent, new.state, new.after_id, new.due_at) == ("amend", "waiting", old.id, None)
    assert (await county.delivery("doors", "visit", 1)).state == now["state"]
    third = await county.correct(first, visit(answers={"visit.purpose": "mediation"}))
    newest = (await county.deliveries(third))["doors/visit"]
    assert (newest.intent, newest.after_id, newest.due_at) == ("amend", old.id, None)
    assert (await county.delivery("doors", "visit", 2)).state == "cancelled"
    assert all("doors" not in rung for rung in county.rung)


async def test_a_system_that_is_never_amended_gets_a_person(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    second = await county.correct(first, visit(answers=BETTER))
    row = (await county.deliveries(second))["files/visit"]
    assert (row.state, row.intent, row.amends, row.due_at) == ("manual", "amend", "files-visit-1", None)
    assert row.reason == "档案只增不改"
    third = await county.correct(second, visit(answers={"visit.purpose": "mediation"}))
    row = (await county.deliveries(third))["files/visit"]
    assert (row.state, row.intent, row.amends, row.due_at) == ("manual", "amend", "files-visit-1", None)
    assert (await county.delivery("files", "visit", 2)).state == "cancelled"


async def test_never_amended_but_not_sent_yet_is_replaced(county: County) -> None:
    first = await county.submit(visit())
    second = await county.correct(first, visit(answers=BETTER))
    assert (await told(county, second))["files/visit"] == ("create", "", "waiting")


async def test_never_amended_and_under_way_gets_a_person(county: County) -> None:
    first = await county.submit(visit())
    await county.put(await county.delivery("files", "visit"), **LEASE)
    second = await county.correct(first, visit(answers=BETTER))
    row = (await county.deliveries(second))["files/visit"]
    earlier = await county.delivery("files", "visit", 1)
    assert (row.state, row.intent, row.after_id, row.due_at) == ("manual", "amend", earlier.id, None)


@pytest.mark.parametrize("end", [State.DELIVERED, State.PARKED, State.CANCELLED])
async def test_a_person_learns_what_to_amend_when_it_is_known(county: County, clock: HandClock, end: State) -> None:
    """D9: the person was never told the number, and amended what the System had refused."""
    first = await county.submit(visit())
    earlier = await county.delivery("files", "visit")
    await county.put(earlier, **LEASE)
    await county.correct(first, visit(answers=BETTER))
    remote_id = "F-1" if end is State.DELIVERED else ""
    await county.put(earlier, state=end, lease_token=None, leased_until=None, remote_id=remote_id)
    assert not any((await county.store.write(lambda s: release(s, {earlier.id: end}, clock.now()))).values())
    row = await county.delivery("files", "visit", 2)
    intent = "amend" if end is State.DELIVERED else "create"
    assert (row.state, row.intent, row.amends, row.after_id, row.due_at) == ("manual", intent, remote_id, None, None)
    assert (await county.delivery("files", "visit", 1)).state == (end if end is State.DELIVERED else "cancelled")


async def test_what_follows_one_for_a_person_waits_for_what_that_waited_for(county: County) -> None:
    """D9, as the state machine found: one that nobody could map stood between two, and both were under way at once."""
    first = await county.submit(visit(answers={"findings": [RIVER]}))
    earlier = await county.delivery("rivers", "finding")
    await county.put(earlier, **LEASE)
    named = {"findings": [RIVER | {"finding.segment": "token-river"}]}
    await take_alias(county, "rivers", "R-1")
    await county.correct(first, visit(answers=named))
    parked = await county.delivery("rivers", "finding", 2)
    assert (parked.state, parked.intent, parked.after_id) == ("parked", "amend", earlier.id)
    await give_alias(county, "rivers", "R-2", "river")
    await county.correct(first, visit(answers=named))
    row = await county.delivery("rivers", "finding", 3)
    assert (row.state, row.intent, row.after_id, row.due_at) == ("waiting", "amend", earlier.id, None)


async def test_a_finding_taken_out_is_withdrawn_where_that_can_be_done(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    await deliver_all(county)
    second = await county.correct(first, visit(answers={"bin": BIN}))
    assert await told(county, second) == {
        "bins/finding": ("withdraw", "bins-finding-1", "waiting"),
        "rivers/finding": ("withdraw", "rivers-finding-1", "manual"),
    }
    gone = [record for record in await county.rows(Record, submission_id=second.submission_id) if record.withdrawn]
    assert len(gone) == 3
    assert all(orjson.loads(record.content)["revision"] == 2 == record.revision for record in gone)
    kept = await county.rows(Record, submission_id=first.submission_id)
    assert not any(record.withdrawn for record in kept)
    third = await county.correct(first, visit(answers={"bin": BIN}))
    assert await told(county, third) == {}
    assert not any(r.withdrawn for r in await county.rows(Record, submission_id=third.submission_id))


async def test_a_finding_taken_out_before_it_left_is_cancelled(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    second = await county.correct(first, visit(answers={"bin": BIN}))
    assert await told(county, second) == {}
    assert {d.state for d in await county.rows(Delivery, record="finding/v1")} == {"cancelled"}


async def test_a_finding_taken_out_while_it_leaves_is_withdrawn_after(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    old = await county.delivery("bins", "finding")
    await county.put(old, **LEASE)
    second = await county.correct(first, visit())
    row = (await county.deliveries(second))["bins/finding"]
    assert (row.intent, row.after_id, row.due_at) == ("withdraw", old.id, None)


async def test_taking_out_what_was_amended_but_not_sent_withdraws_the_original(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    second = await county.correct(first, visit(answers={"findings": [DIRT | {"finding.description": "更多"}]}))
    assert (await told(county, second))["bins/finding"] == ("amend", "bins-finding-1", "waiting")
    third = await county.correct(first, visit())
    assert (await told(county, third))["bins/finding"] == ("withdraw", "bins-finding-1", "waiting")
    row = (await county.deliveries(third))["bins/finding"]
    assert (row.after_id, row.due_at is not None) == (None, True)
    assert (await county.delivery("bins", "finding", 2)).state == "cancelled"


async def test_a_finding_added_later_is_made_and_gets_its_issue(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    second = await county.correct(first, visit(answers={"findings": [RIVER, DIRT]}))
    assert await told(county, second) == {"rivers/finding": ("create", "", "waiting")}
    issues = await county.rows(Issue)
    assert len(issues) == 2
    assert {issue.submission_id for issue in issues} == {first.submission_id, second.submission_id}


async def test_a_finding_that_comes_back(county: County) -> None:
    """After its withdrawal was delivered it is made anew; while that has not left yet, it is as if never withdrawn."""
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    await county.correct(first, visit())
    third = await county.correct(first, visit(answers={"findings": [DIRT]}))
    assert await told(county, third) == {}
    assert (await county.skips(third))["fin bins/finding"] == "unchanged"
    assert (await county.delivery("bins", "finding", 2)).state == "cancelled"

    await county.correct(first, visit())
    fifth = await county.correct(first, visit(answers={"findings": [DIRT | {"finding.description": "更多"}]}))
    assert (await told(county, fifth))["bins/finding"] == ("amend", "bins-finding-1", "waiting")

    await deliver_all(county)
    await county.correct(first, visit())
    await deliver_all(county)
    seventh = await county.correct(first, visit(answers={"findings": [DIRT]}))
    assert (await told(county, seventh))["bins/finding"] == ("create", "", "waiting")
    assert len(await county.rows(Issue)) == 1


async def test_a_finding_that_comes_back_while_its_withdrawal_is_under_way_waits(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    await county.correct(first, visit())
    withdrawal = await county.delivery("bins", "finding", 2)
    await county.put(withdrawal, **LEASE)
    third = await county.correct(first, visit(answers={"findings": [DIRT]}))
    row = (await county.deliveries(third))["bins/finding"]
    assert (row.intent, row.after_id, row.due_at) == ("create", withdrawal.id, None)


async def test_a_condition_that_no_longer_holds_takes_the_record_back(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    await deliver_all(county)
    changed = DIRT | {"finding.category": "dispute"}
    second = await county.correct(first, visit(answers={"findings": [changed]}))
    assert await told(county, second) == {"bins/finding": ("withdraw", "bins-finding-1", "waiting")}
    assert (await county.skips(second))["fin bins/finding"] == "condition"
    third = await county.correct(first, visit(answers={"findings": [changed]}))
    assert await told(county, third) == {}


@pytest.mark.fault("F68")
async def test_a_correction_that_cannot_be_mapped_is_parked_and_forgets_nothing(county: County) -> None:
    """F68, and the next correction still amends what the System has."""
    first = await county.submit(visit(answers={"findings": [RIVER]}))
    await deliver_all(county)
    unmapped = {"findings": [RIVER | {"finding.segment": "token-river"}]}
    await take_alias(county, "rivers", "R-1")
    second = await county.correct(first, visit(answers=unmapped))
    row = (await county.deliveries(second))["rivers/finding"]
    assert (row.state, row.intent, row.amends, row.payload, row.due_at) == (
        "parked",
        "amend",
        "rivers-finding-1",
        b"",
        None,
    )
    await give_alias(county, "rivers", "R-2", "river")
    third = await county.correct(first, visit(answers=unmapped))
    assert (await told(county, third))["rivers/finding"] == ("amend", "rivers-finding-1", "waiting")
    assert (await county.delivery("rivers", "finding", 2)).state == "cancelled"


async def take_alias(county: County, issuer: str, code: str) -> None:
    await county.store.write(lambda session: session.delete(session.get_one(Alias, (comparable(code), issuer))))


async def give_alias(county: County, issuer: str, code: str, place: str) -> None:
    row = Alias(issuer=issuer, code=code, place_id=place, is_key=True, told_by=issuer, since=county.clock.now())
    await county.store.write(lambda session: session.add(row))


async def test_what_waited_in_order_behind_the_replaced_waits_behind_its_successor(county: County) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    other = await county.submit(visit(answers={"bin": BIN}))
    behind = (await county.deliveries(other))["bins/bin_score"]
    assert behind.after_id == (await county.deliveries(first))["bins/bin_score"].id
    second = await county.correct(first, visit(answers={"bin": BIN | {"bin.sorting": "poor"}}))
    successor = (await county.deliveries(second))["bins/bin_score"]
    assert (successor.after_id, successor.due_at is not None) == (None, True)
    behind = (await county.deliveries(other))["bins/bin_score"]
    assert (behind.state, behind.after_id, behind.due_at) == ("waiting", successor.id, None)


async def test_what_waited_behind_something_taken_out_is_let_go(county: County, clock: HandClock) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    other = await county.submit(visit(answers={"bin": BIN}))
    county.rung.clear()
    await county.correct(first, visit())
    behind = (await county.deliveries(other))["bins/bin_score"]
    assert (behind.state, behind.after_id, behind.due_at) == ("waiting", None, clock.now())
    assert county.rung == [{"bins"}]


async def test_what_a_correction_adds_to_an_ordered_flow_queues_too(county: County) -> None:
    first = await county.submit(visit())
    other = await county.submit(visit(answers={"bin": BIN}))
    second = await county.correct(first, visit(answers={"bin": BIN}))
    row = (await county.deliveries(second))["bins/bin_score"]
    assert (row.after_id, row.due_at) == ((await county.deliveries(other))["bins/bin_score"].id, None)


async def refused(county: County, earlier: str, body: Body, who: str = "ada") -> Problem:
    before = await county.counts()
    with pytest.raises(Problem) as caught:
        await county.correct(earlier, body, getattr(county, who))
    assert await county.counts() == before
    return caught.value


async def test_only_ones_own_and_at_the_same_place_on_the_same_form(county: County) -> None:
    first = (await county.submit(visit())).submission_id
    anothers = await refused(county, first, visit(), "eve")
    nobodys = await refused(county, "00000000-0000-4000-8000-000000000000", visit())
    assert (anothers.code, anothers.status) == (nobodys.code, nobodys.status) == ("submission.unknown", 404)
    place = await refused(county, first, visit(place="S-2"))
    assert [(fault.path, fault.code) for fault in place.faults] == [("/place", "place_differs")]
    form = await refused(county, first, visit(form="bin_score", answers=dict.fromkeys(visit()["answers"]) | BIN))
    assert [(fault.path, fault.code) for fault in form.faults] == [("/form", "form_differs")]


async def test_a_revision_of_a_revision_is_one_of_the_first(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    second = await county.correct(first, visit(answers=BETTER))
    await deliver_all(county)
    third = await county.correct(second, visit(answers={"visit.purpose": "mediation"}))
    row = (await county.rows(Submission, id=third.submission_id))[0]
    assert (row.root_id, row.revision) == (first.submission_id, 3)
    assert (await told(county, third))["doors/visit"] == ("amend", "doors-visit-2", "waiting")
    assert (await county.deliveries(third))["doors/visit"].key.endswith(":3")


async def test_a_number_once_known_is_kept_when_an_amendment_gave_none(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    second = await county.correct(first, visit(answers=BETTER))
    await county.put((await county.deliveries(second))["doors/visit"], state=State.DELIVERED)
    third = await county.correct(second, visit(answers={"visit.purpose": "mediation"}))
    assert (await told(county, third))["doors/visit"] == ("amend", "doors-visit-1", "waiting")


async def test_corrections_at_once_come_one_after_the_other(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    bodies = [visit(answers={"visit.summary": str(n)}) for n in range(8)]
    results = await asyncio.gather(*(county.correct(first, body) for body in bodies))
    assert all(result.created for result in results)
    assert sorted(row.revision for row in await county.rows(Submission)) == list(range(1, 10))
    rows = [row for row in await county.rows(Delivery, system="doors") if row.state != "cancelled"]
    assert [(row.revision, row.state) for row in sorted(rows, key=lambda r: r.revision)] == [
        (1, "delivered"),
        (9, "waiting"),
    ]


async def test_the_same_correction_any_number_of_times(county: County) -> None:
    first = await county.submit(visit())
    body = visit(answers=BETTER)
    results = await asyncio.gather(*(county.correct(first, body) for _ in range(20)))
    assert sum(result.created for result in results) == 1
    assert not (await county.correct(first, body)).created
    assert (await county.counts())["submission"] == 2
    with pytest.raises(Problem) as caught:
        await county.correct(first, body | {"reported_at": "2026-11-23T00:00:00Z"})
    assert caught.value.code == "submission.conflict"
    assert (await county.counts())["contest"] == 1
