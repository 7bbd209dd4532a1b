"""A Submission stays with the division it was made in, whoever moves meanwhile: its author, its Place (C71)."""

from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import Account, Delivery, Discrepancy, Issue, Place, Record, Submission
from hub.model.delivery import State
from hub.model.people import Role, Scope
from hub.store import Store
from hub.store.query import issues, views
from hub.store.query.lists import Viewer, Window
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, QUARREL, RIVER, SIBLING, TOWN, VILLAGE, County, visit

pytestmark = [pytest.mark.case("C71"), pytest.mark.fault("F93")]
ELSEWHERE, ITS_TOWN = "330783120001", "330783120000"
PLENTY: dict[str, Any] = {"bin": BIN, "findings": [DIRT, RIVER]}


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


async def move(county: County, division: str = ELSEWHERE) -> Account:
    """Let ada work in another town from now on."""
    statement = update(Account).where(col(Account.id) == "ada").values(division=division)
    await county.store.write(lambda session: session.connection().execute(statement) and None)
    county.ada.division = division
    return county.ada


async def divisions(county: County) -> set[str]:
    """Of everything that became of the Submissions."""
    kinds = (Submission, Record, Delivery, Issue, Discrepancy)
    return {row.division for kind in kinds for row in await county.rows(kind)}


def seen() -> dict[str, Any]:
    return {"/household.head_name": {"system": "doors", "as_of": "2026-11-23T01:00:00Z"}}


async def deliver_all(county: County) -> None:
    for row in await county.rows(Delivery, state=State.WAITING):
        await county.put(row, state=State.DELIVERED, remote_id="N", after_id=None)


async def test_a_correction_after_a_move_stays_where_the_matter_is(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY, seen=seen()))
    await deliver_all(county)
    await move(county)
    changed = {"findings": [DIRT, QUARREL], "visit.purpose": "safety", "household.head_name": "别人"}
    again = await county.correct(first, visit(answers=changed, seen=seen()))
    assert again.created
    assert await divisions(county) == {VILLAGE}
    intents = {(row.system, row.intent) for row in await county.rows(Delivery) if row.revision == 2}
    assert ("rivers", "withdraw") in intents, "what vanished is taken back"
    assert len(await county.rows(Issue)) == 3, "what came is an Issue of the old village"


async def test_what_has_no_place_stays_too_and_says_where_its_author_worked(county: County) -> None:
    body = {"form": "report", "version": 1, "id": str(uuid4()), "occurred_at": "2026-11-23T08:50:00+08:00",
            "reported_at": "2026-11-23T08:59:00+08:00", "location": {"missing": "not_asked"}, "seen": {},
            "answers": {"finding.category": "dispute", "finding.severity": "ordinary", "report.title": "争吵",
                        "report.detail": "邻里争吵"}}  # fmt: skip
    first = await county.submit(body)
    await move(county)
    body = body | {"id": str(uuid4()), "answers": body["answers"] | {"finding.severity": "urgent"}}
    await county.correct(first, body)
    assert await divisions(county) == {VILLAGE}
    said = [orjson.loads(row.content)["by"]["division"] for row in await county.rows(Record)]
    assert said == [VILLAGE, VILLAGE]
    second = await county.submit(body | {"id": str(uuid4())})
    (row,) = await county.rows(Submission, id=second.submission_id)
    assert row.division == ELSEWHERE, "what is filled from now on is of the new place of work"


async def test_places_that_were_named_are_in_reach_and_no_others(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    await move(county)
    with pytest.raises(Problem) as no:
        await county.submit(visit(answers=PLENTY))
    assert {fault.code for fault in no.value.faults} == {"place_unknown"}
    other = {**RIVER, "id": "more", "finding.segment": "D-3"}
    with pytest.raises(Problem) as no:
        await county.correct(first, visit(answers={"findings": [RIVER, other]}))
    assert [(fault.path, fault.code) for fault in no.value.faults] == [
        ("/answers/findings/1/finding.segment", "place_unknown")
    ]
    again = await county.correct(first, visit(place="home", answers={"findings": [RIVER]}))
    third = await county.correct(again, visit(answers={"findings": [RIVER]}))
    assert third.created, "by its id, and by the code it had before"


async def test_a_colleague_cannot_reach_a_place_by_correcting_anothers(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    with pytest.raises(Problem) as no:
        await county.correct(first, visit(answers=PLENTY), author=county.bo)
    assert no.value.status in {404, 422}
    assert len(await county.rows(Submission)) == 1


async def test_an_order_is_kept_over_the_move(county: County) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    await move(county)
    await county.submit(visit(answers={"bin": BIN}, place="D-1"), author=county.eve)
    (delivery, *_) = [row for row in await county.rows(Delivery) if row.order_key and row.account_id == "ada"]
    await county.put(delivery, state=State.DELIVERED)
    better = {"bin": BIN | {"bin.sorting": "poor"}}
    await county.correct(first, visit(answers=better))
    keys = {row.order_key for row in await county.rows(Delivery) if row.order_key}
    assert len(keys) == 1


async def test_a_place_that_moves_takes_no_old_matter_along(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    statement = update(Place).where(col(Place.id) == "home").values(division=ELSEWHERE)
    await county.store.write(lambda session: session.connection().execute(statement) and None)
    again = await county.correct(first, visit(answers=PLENTY | {"visit.purpose": "safety"}))
    assert again.created
    assert await divisions(county) == {VILLAGE}


@pytest.mark.parametrize(("leads", "sees"), [(TOWN, True), (VILLAGE, True), (ITS_TOWN, False), (SIBLING, False)])
async def test_the_old_leaders_keep_it_and_the_new_ones_do_not_get_it(county: County, leads: str, sees: bool) -> None:
    first = await county.submit(visit(answers=PLENTY))
    await move(county)
    again = await county.correct(first, visit(answers=PLENTY | {"visit.purpose": "safety"}))
    viewer = Viewer(Scope("lea", Role.LEADER, leads), frozenset())
    listed = await county.store.read(lambda s: views.submissions(s, viewer, Window(50), mine=False))
    assert [one.submission.id for one in listed] == ([again.submission_id] if sees else [])
    found = await county.store.read(lambda s: views.submission(s, viewer, first.submission_id))
    assert (found is not None) == sees
    owed = await county.store.read(lambda s: views.deliveries(s, viewer, Window(50)))
    assert bool(owed) == sees
    opened = await county.store.read(lambda s: issues.listed(s, viewer.scope, None, Window(50)))
    assert len(opened) == (2 if sees else 0)


async def test_its_author_still_sees_it(county: County) -> None:
    first = await county.submit(visit(answers=PLENTY))
    moved = await move(county)
    viewer = Viewer(Scope("ada", Role.STAFF, moved.division), frozenset())
    again = await county.correct(first, visit(answers=PLENTY))
    listed = await county.store.read(lambda s: views.submissions(s, viewer, Window(50), mine=True))
    assert [one.submission.id for one in listed] == [again.submission_id]
    assert isinstance(again, Accepted)
