"""Withdrawals and moves while others correct, erase, send or settle the same: one wins, nothing is half."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from hub.erasure.erase import erase
from hub.errors import Problem
from hub.intake.accept import Accepted, Intake, accept
from hub.intake.move import move
from hub.intake.revise import revise
from hub.intake.withdraw import withdraw
from hub.model import Delivery, Issue, IssueStep, Submission
from hub.model.delivery import State
from hub.model.issue import IssueState
from hub.outbox.claim import claim_due
from hub.store import Store
from hub.store.query import issues
from hub.store.query.issues import Step
from tests.builders import Loose
from tests.some_connectors.county import DIRT, County, visit
from tests.store.erased import CANARY, canaries, county, deed, ended, gone, lived, other
from tests.store.test_erase_at_once import Meanwhile
from tests.store.withdrawn import WHY, last_revision, scope_of

__all__ = ["county", "other"]
pytestmark = pytest.mark.case("C46")


def at(county: County, store: Store) -> Intake:
    """Return the intake of another process on the same database."""
    return replace(county.intake, store=store)


def taking_back(county: County, store: Store, accepted: Accepted) -> Loose:
    return withdraw(at(county, store), scope_of(county.ada), accepted.submission_id, WHY)


@pytest.mark.parametrize("point", ["withdraw.written", "writer.before_commit"])
async def test_a_correction_that_comes_while_it_is_taken_back_is_told_so(
    county: County, other: Store, point: str
) -> None:
    first, body = await county.submit(visit()), visit(answers={"visit.purpose": "safety"})

    async def correct() -> object:
        return await revise(at(county, other), county.ada, first.submission_id, orjson.dumps(body))

    meanwhile = Meanwhile(point, correct)
    await taking_back(county, county.store, first)
    told = await meanwhile.came_to()
    assert isinstance(told, Problem)
    assert told.code == "submission.withdrawn"
    assert [row.revision for row in await county.rows(Submission)] in ([1, 2], [2, 1])


async def test_a_withdrawal_that_comes_while_it_is_corrected_takes_back_the_correction(
    county: County, other: Store
) -> None:
    first, body = await county.submit(visit()), visit(answers={"visit.purpose": "safety"})
    await county.put(await county.delivery("files", "visit"), state=State.DELIVERED, remote_id="F-1")
    meanwhile = Meanwhile("revise.written", lambda: taking_back(county, other, first))
    await county.correct(first, body)
    assert isinstance(await meanwhile.came_to(), Accepted)
    last = await last_revision(county, first)
    assert (last.revision, last.withdrawn_by) == (3, "ada")
    row = await county.delivery("files", "visit", 3)
    assert (row.intent, row.amends) == ("withdraw", "F-1")
    assert {one.state for one in await county.rows(Delivery, system="doors")} == {"cancelled"}


async def test_of_several_withdrawals_at_once_one_is_made(county: County, other: Store) -> None:
    first = await county.submit(visit())
    told = await asyncio.gather(*(taking_back(county, store, first) for store in [county.store, other] * 4))
    assert sum(one.created for one in told) == 1
    assert len(await county.rows(Submission)) == 2


@pytest.mark.parametrize("turn", range(4))
async def test_an_erasure_and_a_withdrawal_at_once_leave_one_of_both(county: County, other: Store, turn: int) -> None:
    first = await lived(county)
    wipe = other.write(lambda s: erase(s, first.submission_id, deed(county)))
    taken = taking_back(county, county.store, first)
    told = await asyncio.gather(*([taken, wipe] if turn % 2 else [wipe, taken]), return_exceptions=True)
    (no,) = [one for one in told if isinstance(one, Problem)]
    assert no.code in {"submission.erased", "submission.open"}
    last = await last_revision(county, first)
    assert (last.erased_at is None) == (last.withdrawn_by is not None)


async def test_nothing_of_a_withdrawn_one_is_left_when_it_is_erased(county: County) -> None:
    first = await lived(county)
    await withdraw(county.intake, scope_of(county.ada), first.submission_id, f"wrong door, says {CANARY}")
    found = await canaries(county.store)
    assert {"submission.withdrawn_why", "delivery.reason"} <= set(found)
    assert "journal.why" not in found, "what outlives an erasure names nobody"
    await ended(county)
    await gone(county, first)
    assert await canaries(county.store) == {}


async def test_what_is_claimed_at_that_moment_is_waited_for(county: County, other: Store) -> None:
    first = await county.submit(visit())
    now, within = county.clock.now(), timedelta(seconds=30)
    meanwhile = Meanwhile("claim.leased", lambda: taking_back(county, other, first))
    await county.store.write(lambda s: claim_due(s, {"files": (1, within)}, now))
    assert isinstance(await meanwhile.came_to(), Accepted)
    old, row = await county.delivery("files", "visit"), await county.delivery("files", "visit", 2)
    assert (old.state, row.intent, row.after_id) == (State.LEASED, "withdraw", old.id)


async def test_what_is_taken_back_at_that_moment_is_not_claimed(county: County, other: Store) -> None:
    first = await county.submit(visit())
    now, within = county.clock.now(), timedelta(seconds=30)

    async def claim() -> object:
        return await other.write(lambda s: claim_due(s, {"files": (1, within)}, now))

    meanwhile = Meanwhile("withdraw.written", claim)
    await taking_back(county, county.store, first)
    assert await meanwhile.came_to() == []
    assert {row.state for row in await county.rows(Delivery)} == {"cancelled"}


async def test_an_issue_assigned_at_that_moment_stays_with_whom_it_was_given_to(county: County, other: Store) -> None:
    first = await county.submit(visit(answers={"findings": [DIRT]}))
    (issue,) = await county.rows(Issue)
    step = Step(IssueState.REPORTED, IssueState.ASSIGNED, "lea", "", county.clock.now())

    async def assign() -> object:
        return await other.write(lambda s: issues.take_step(s, issue.id, step, "eve"))

    meanwhile = Meanwhile("withdraw.written", assign)
    await taking_back(county, county.store, first)
    assert await meanwhile.came_to() is False, "it was closed, so it is assigned to nobody"
    second = await county.submit(visit(answers={"findings": [DIRT]}))
    (issue,) = [one for one in await county.rows(Issue) if one.submission_id == second.submission_id]
    results = await asyncio.gather(assign(), taking_back(county, county.store, second))
    now = next(one for one in await county.rows(Issue) if one.id == issue.id)
    steps = [(one.old, one.new) for one in await county.rows(IssueStep, issue_id=issue.id)]
    if results[0]:
        assert (now.state, now.assignee_id, steps[-1]) == ("assigned", "eve", ("assigned", "assigned"))
    else:
        assert (now.state, steps[-1]) == ("closed", ("reported", "closed"))


async def test_a_move_and_a_plain_one_under_the_same_id_at_once_make_one(county: County, other: Store) -> None:
    for turn in range(4):
        first, body = await county.submit(visit()), visit(place="S-2")
        raw = orjson.dumps(body | {"why": WHY})
        moving = move(county.intake, county.ada, first.submission_id, raw)
        plain = accept(at(county, other), county.ada, orjson.dumps(body))
        both = [plain, moving] if turn % 2 else [moving, plain]
        results = await asyncio.gather(*both, return_exceptions=True)
        told = results[::-1] if turn % 2 else results
        (filed,) = [row for row in await county.rows(Submission) if row.client_id == body["id"]]
        old = await last_revision(county, first)
        if filed.moved_from:
            assert (old.moved_to, told[0].created, told[1].created) == (filed.id, True, False)
        else:
            assert (old.withdrawn_by, told[0].code, told[1].created) == (None, "submission.conflict", True)


async def test_of_two_moves_of_one_at_once_one_is_made(county: County, other: Store) -> None:
    first = await county.submit(visit())

    def moving(store: Store) -> Loose:
        raw = orjson.dumps(visit(place="S-2") | {"why": WHY})
        return move(at(county, store), county.ada, first.submission_id, raw)

    told = await asyncio.gather(moving(county.store), moving(other), return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["Accepted", "Problem"]
    assert len(await county.rows(Submission)) == 3
