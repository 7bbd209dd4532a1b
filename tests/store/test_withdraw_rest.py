"""Withdrawals and all that is not delivered: who may, what is closed with it, what stays, what is erased."""

import pytest

from hub.erasure.erase import Deed as Erasing
from hub.erasure.erase import erase
from hub.errors import Problem
from hub.model import (
    AttachmentUse,
    Delivery,
    Discrepancy,
    Issue,
    IssueStep,
    JournalEntry,
    Submission,
)
from hub.model.people import Role
from hub.outbox.hand import Deed, confirm
from hub.store import Session
from tests.conftest import HandClock
from tests.some_connectors.county import DIRT, PHOTO, QUARREL, RIVER, SIBLING, TOWN, VILLAGE, County, visit
from tests.store.withdrawn import BETTER, WHY, add_person, county, deliver_all, last_revision, refused, take_back

__all__ = ["county"]
pytestmark = pytest.mark.case("C46")


async def test_withdrawn_is_the_end_and_its_author_may_file_anew(county: County) -> None:
    first, body = await county.submit(visit()), visit(answers=BETTER)
    await take_back(county, first)
    with pytest.raises(Problem) as caught:
        await county.correct(first, body)
    assert (caught.value.code, caught.value.status) == ("submission.withdrawn", 409)
    new = await county.submit(body)
    assert new.created
    assert {row.state for row in (await county.deliveries(new)).values()} == {"waiting"}


async def test_a_correction_that_was_there_before_is_answered_after_the_withdrawal(county: County) -> None:
    first, body = await county.submit(visit()), visit(answers=BETTER)
    second = await county.correct(first, body)
    await take_back(county, first)
    again = await county.correct(first, body)
    assert (again.submission_id, again.created) == (second.submission_id, False)


async def test_by_any_revision_it_is_the_same_submission(county: County) -> None:
    first = await county.submit(visit())
    second = await county.correct(first, visit(answers=BETTER))
    taken = await take_back(county, second)
    assert (taken.submission_id, taken.created) == (first.submission_id, True)


async def test_only_its_author_and_leaders_above_may(county: County) -> None:
    first = await county.submit(visit())
    elsewhere = await add_person(county, "len", Role.LEADER, SIBLING)
    for who in (county.eve, county.bo, elsewhere):
        problem = await refused(county, first, who)
        assert (problem.code, problem.status) == ("submission.unknown", 404)
    nobodys = await refused(county, "00000000-0000-4000-8000-000000000000")
    assert (nobodys.code, nobodys.status) == ("submission.unknown", 404)
    leader = await add_person(county, "lea", Role.LEADER, TOWN)
    await take_back(county, first, leader)
    last = await last_revision(county, first)
    assert (last.account_id, last.withdrawn_by) == ("ada", "lea")
    (entry,) = await county.rows(JournalEntry, action="submission.withdrawn")
    assert (entry.account_id, entry.subject) == ("lea", first.submission_id)
    rows = await county.rows(Delivery)
    assert {row.account_id for row in rows} == {"ada"}, "its author sees what becomes of it"


async def test_an_erased_one_is_gone(county: County) -> None:
    first = await county.submit(visit())
    await take_back(county, first)
    await county.store.write(lambda s: erase(s, first.submission_id, Erasing("", "asked for", county.clock.now())))
    problem = await refused(county, first)
    assert (problem.code, problem.status) == ("submission.erased", 410)
    (last,) = [row for row in await county.rows(Submission) if row.revision == 2]
    assert (last.body, last.withdrawn_by, last.withdrawn_why, last.moved_to) == (b"", "ada", None, None)


async def test_it_can_be_erased_once_everything_is_taken_back(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    await take_back(county, first)
    deed = Erasing("", "asked for", county.clock.now())
    with pytest.raises(Problem, match=r"submission\.open"):
        await county.store.write(lambda s: erase(s, first.submission_id, deed))
    await deliver_all(county)
    by_hand = await county.delivery("doors", "visit", 2)
    await county.store.write(lambda s: confirm(s, by_hand.id, Deed(county.ada, "deleted", deed.at), "gone"))
    counts = await county.store.write(lambda s: erase(s, first.submission_id, deed))
    assert (counts["submission"], counts["delivery"]) == (2, 4)


async def test_a_withdrawal_makes_all_of_it_younger(county: County, clock: HandClock) -> None:
    first = await county.submit(visit())
    clock.tick(days=200)
    await take_back(county, first)
    assert (await last_revision(county, first)).received_at == clock.now()


async def test_an_issue_nobody_works_on_is_closed_and_of_the_others_who_does_is_told(
    county: County, clock: HandClock
) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT, QUARREL, RIVER]}))
    issues = await county.rows(Issue)
    busy, done = issues[0], issues[1]
    await change_issue(county, busy, state="assigned", assignee_id="eve")
    await change_issue(county, done, state="closed")
    clock.tick(minutes=1)
    await take_back(county, first)
    states = {issue.id: (issue.state, issue.assignee_id) for issue in await county.rows(Issue)}
    assert states[busy.id] == ("assigned", "eve")
    assert sorted(state for state, _ in states.values()) == ["assigned", "closed", "closed"]
    steps = [step for step in await county.rows(IssueStep) if step.at == clock.now()]
    assert sorted((step.old, step.new, step.note, step.account_id) for step in steps) == [
        ("assigned", "assigned", WHY, "ada"),
        ("reported", "closed", WHY, "ada"),
    ]
    noted = [entry.subject for entry in await county.rows(JournalEntry, action="issue.withdrawn")]
    assert len(noted) == 2
    assert done.id not in noted


async def test_the_issue_of_a_finding_taken_out_is_closed_and_reported_again_when_it_comes_back(
    county: County,
) -> None:
    """Relative of C46: a correction left the Issue of what it took out open, for somebody to be sent there."""
    first = await county.submit(visit(answers={"findings": [DIRT, QUARREL]}))
    await county.correct(first, visit(answers={"findings": [QUARREL]}))
    states = {issue.id: issue.state for issue in await county.rows(Issue)}
    assert sorted(states.values()) == ["closed", "reported"]
    await county.correct(first, visit(answers={"findings": [DIRT, QUARREL]}))
    assert [issue.state for issue in await county.rows(Issue)] == ["reported", "reported"]
    assert len(await county.rows(IssueStep)) == 4


async def test_an_issue_that_was_solved_is_not_reported_again(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    (issue,) = await county.rows(Issue)
    await change_issue(county, issue, state="closed")
    solved = IssueStep(issue_id=issue.id, old="verified", new="closed", account_id="lea", at=county.clock.now())
    await county.store.write(lambda session: session.add(solved))
    await county.correct(first, visit())
    await county.correct(first, visit(answers={"findings": [DIRT]}))
    assert [one.state for one in await county.rows(Issue)] == ["closed"]


async def change_issue(county: County, issue: Issue, **values: object) -> None:
    def write(session: Session) -> None:
        row = session.get_one(Issue, issue.id)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)

    await county.store.write(write)


async def test_what_was_said_against_a_source_is_said_no_more(county: County, clock: HandClock) -> None:
    at = clock.now().isoformat()
    seen = {"/household.phone": {"system": "doors", "as_of": at}}
    first = await county.submit(visit(answers={"household.phone": "19900000199"}, seen=seen))
    assert [row.settled_at for row in await county.rows(Discrepancy)] == [None]
    clock.tick(minutes=1)
    await take_back(county, first)
    (row,) = await county.rows(Discrepancy)
    assert (row.settled_at, row.settlement) == (clock.now(), "withdrawn")


async def test_photos_stay_until_it_is_erased(county: County) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT | {"finding.photos": [PHOTO]}]}))
    await take_back(county, first)
    assert [use.sha256 for use in await county.rows(AttachmentUse)] == [PHOTO]


async def test_a_leaders_own_division_is_what_counts(county: County) -> None:
    """Also one who fills forms: what is theirs they take back as its author."""
    leader = await add_person(county, "lea", Role.LEADER, VILLAGE)
    own = await county.submit(visit(), leader)
    await take_back(county, own, leader)
    assert (await last_revision(county, own)).withdrawn_by == "lea"
