"""Moves on both databases: taken back at one Place and filed at another in one transaction, linked both ways."""

import asyncio
from datetime import timedelta

import orjson
import pytest

from hub import failpoint
from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.intake.move import move
from hub.model import (
    Account,
    Alias,
    AttachmentUse,
    Delivery,
    Discrepancy,
    Issue,
    Place,
    Record,
    Submission,
)
from hub.model.delivery import State
from hub.model.known import PullRow
from hub.model.people import Role
from hub.store import Session, Store
from tests.builders import pull_row
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, PHOTO, TOWN, VILLAGE, Body, County, visit
from tests.store.withdrawn import add_person, deliver_all, last_revision, take_back, told

pytestmark = pytest.mark.case("C46")

WHY = "走错门了"
NEXT_DOOR = "D-2"
"""A household of the same village that doors and files know, but bins do not."""


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    made = await County(store, clock).settle()
    now = clock.now()

    def write(session: Session) -> None:
        session.add(Place(id="next", kind="household", name="next", division=VILLAGE, token="t-n", created_at=now))
        session.flush()
        for issuer, code in (("doors", NEXT_DOOR), ("files", "F-2")):
            session.add(Alias(issuer=issuer, code=code, place_id="next", is_key=True, told_by=issuer, since=now))
        session.add(pull_row("doors", {"household.phone": "19900000102"}, now, place_id="next", row_key="next"))

    await store.write(write)
    return made


async def moved(
    county: County, earlier: Accepted | str, body: Body, who: Account | None = None, why: str = WHY
) -> Accepted:
    earlier_id = earlier if isinstance(earlier, str) else earlier.submission_id
    return await move(county.intake, who or county.ada, earlier_id, orjson.dumps(body | {"why": why}))


async def refused(county: County, earlier: Accepted | str, body: Body, who: Account | None = None) -> Problem:
    before = await county.counts()
    with pytest.raises(Problem) as caught:
        await moved(county, earlier, body, who)
    assert await county.counts() == before
    return caught.value


def faults(problem: Problem) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in problem.faults]


async def test_it_is_taken_back_here_and_filed_there_and_each_system_gets_its_part(county: County) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    await deliver_all(county)
    county.rung.clear()
    second = await moved(county, first, visit(place=NEXT_DOOR, answers={"bin": BIN}))
    assert second.created
    assert await told(county, first) == {
        "doors/visit": ("withdraw", "doors-visit-1", "manual"),
        "files/visit": ("withdraw", "files-visit-1", "waiting"),
        "bins/bin_score": ("withdraw", "bins-bin_score-1", "waiting"),
    }
    assert await told(county, second) == {
        "doors/visit": ("create", "", "waiting"),
        "files/visit": ("create", "", "waiting"),
    }
    assert (await county.skips(second))["bin bins/bin_score"] == "condition", "bins knows only the first Place"
    assert county.rung == [{"doors", "files", "bins"}]
    old, new = await last_revision(county, first), await last_revision(county, second)
    assert (old.moved_to, old.withdrawn_by, old.withdrawn_why) == (new.root_id, "ada", WHY)
    assert (new.moved_from, new.place_id, new.revision) == (first.submission_id, "next", 1)
    assert b"why" not in new.body


async def test_the_same_move_again_is_the_same_answer(county: County) -> None:
    first, body = await county.submit(visit()), visit(place=NEXT_DOOR)
    results = await asyncio.gather(*(moved(county, first, body) for _ in range(6)))
    assert sum(result.created for result in results) == 1
    assert len({result.submission_id for result in results}) == 1
    before = await county.counts()
    assert not (await moved(county, first, body)).created
    assert not (await county.submit(body)).created, "a phone that sends it as a plain one gets the same receipt"
    assert await county.counts() == before
    problem = await refused(county, first, visit(place=NEXT_DOOR))
    assert problem.code == "submission.withdrawn", "another one of it is not filed"
    with pytest.raises(Problem, match=r"submission\.conflict"):
        await moved(county, first, body | {"place": "S-2"})


async def test_what_was_filed_plainly_under_the_same_id_is_no_move(county: County) -> None:
    first, body = await county.submit(visit()), visit(place=NEXT_DOOR)
    await county.submit(body)
    problem = await refused(county, first, body)
    assert (problem.code, problem.status) == ("submission.conflict", 409)
    assert (await last_revision(county, first)).withdrawn_by is None
    other = await county.submit(visit())
    third = visit(place=NEXT_DOOR)
    await moved(county, first, third)
    assert (await refused(county, other, third)).code == "submission.conflict", "it was moved from another one"


async def test_moved_twice_and_back(county: County) -> None:
    first = await county.submit(visit(answers={"bin": BIN}))
    await deliver_all(county)
    second = await moved(county, first, visit(place=NEXT_DOOR, answers={"bin": BIN}))
    third = await moved(county, second, visit(answers={"bin": BIN}))
    assert await told(county, second) == {}, "it had not left"
    assert sorted(await told(county, third)) == ["bins/bin_score", "doors/visit", "files/visit"]
    back, gone = await county.deliveries(third), await county.delivery("bins", "bin_score", 2)
    assert back["bins/bin_score"].after_id == gone.id, "the bin of the first Place hears of both, in their order"
    chain = [await last_revision(county, one) for one in (first, second, third)]
    assert [(row.moved_from, row.moved_to) for row in chain] == [
        (None, second.submission_id),
        (first.submission_id, third.submission_id),
        (second.submission_id, None),
    ]


async def test_what_was_moved_can_be_corrected_and_stays_linked(county: County) -> None:
    first = await county.submit(visit())
    second = await moved(county, first, visit(place=NEXT_DOOR))
    await county.correct(second, visit(place=NEXT_DOOR, answers={"visit.purpose": "safety"}))
    last = await last_revision(county, second)
    assert (last.revision, last.moved_from) == (2, first.submission_id)
    with pytest.raises(Problem, match=r"submission\.withdrawn"):
        await county.correct(first, visit())


async def test_only_ones_own_and_only_elsewhere_on_the_same_form(county: County) -> None:
    first = await county.submit(visit())
    stranger = await refused(county, first, visit(place=NEXT_DOOR), county.eve)
    assert (stranger.code, stranger.status) == ("submission.unknown", 404)
    assert faults(await refused(county, first, visit())) == [("/place", "place_same")]
    assert faults(await refused(county, first, visit(place="S-1"))) == [("/place", "place_same")], "by any code"
    assert faults(await refused(county, first, visit(place="R-1"))) == [("/place", "place_kind")]
    assert faults(await refused(county, first, visit(place="D-3"))) == [("/place", "place_unknown")], "another village"
    assert faults(await refused(county, first, visit(place=None))) == [("/place", "place_needed")]
    scores = visit(form="bin_score", place=NEXT_DOOR, answers=dict.fromkeys(visit()["answers"]) | BIN)
    assert faults(await refused(county, first, scores)) == [("/form", "form_differs")]
    await take_back(county, first)
    assert (await refused(county, first, visit(place=NEXT_DOOR))).code == "submission.withdrawn"


@pytest.mark.parametrize("why", ["", "  ", "x" * 501, "a\x07b", None, 7])
async def test_a_move_has_a_reason(county: County, why: object) -> None:
    first = await county.submit(visit())
    with pytest.raises(Problem) as caught:
        await moved(county, first, visit(place=NEXT_DOOR), why=why)  # type: ignore[arg-type]  # hostile
    assert [path for path, _ in faults(caught.value)] == ["/why"]
    with pytest.raises(Problem) as caught:
        await move(county.intake, county.ada, first.submission_id, orjson.dumps(visit(place=NEXT_DOOR)))
    assert faults(caught.value) == [("/why", "required")]
    assert (await last_revision(county, first)).revision == 1


def shown(as_of: str, *names: str, system: str = "doors") -> Body:
    return {f"/{name}": {"system": system, "as_of": as_of} for name in names}


async def test_what_is_known_of_the_first_place_is_not_carried_to_the_next(county: County, clock: HandClock) -> None:
    """Also where a System told of both at the same moment, which is how pulls tell."""
    at = clock.now().isoformat()
    seen = shown(at, "household.phone", "household.head_name")
    first = await county.submit(visit(seen=seen))
    problem = await refused(county, first, visit(place=NEXT_DOOR, seen=seen))
    assert faults(problem) == [
        ("/answers/household.phone", "value_elsewhere"),
        ("/answers/household.head_name", "value_elsewhere"),
    ]
    asked = visit(place=NEXT_DOOR, seen=shown(at, "household.phone"), answers={"household.phone": "19900000102"})
    await moved(county, first, asked)
    assert await county.rows(Discrepancy) == [], "confirmed at the new Place"


async def test_what_the_author_said_against_a_source_stays_the_authors(county: County, clock: HandClock) -> None:
    at = clock.now().isoformat()
    said = {"household.phone": "19900000199"}
    first = await county.submit(visit(seen=shown(at, "household.phone"), answers=said))
    second = await moved(county, first, visit(place=NEXT_DOOR, seen=shown(at, "household.phone"), answers=said))
    rows = {row.submission_id: (row.theirs, row.ours, row.settlement) for row in await county.rows(Discrepancy)}
    assert rows == {
        first.submission_id: ("19900000101", "19900000199", "withdrawn"),
        second.submission_id: ("19900000102", "19900000199", ""),
    }


async def test_what_was_shown_of_this_place_at_another_time_is_fine(county: County, clock: HandClock) -> None:
    first = await county.submit(visit(seen=shown(clock.now().isoformat(), "household.phone")))
    later = clock.now() + timedelta(hours=1)

    def renew(session: Session) -> None:
        row = session.get_one(PullRow, ("doors", "homes", "next"))
        row.as_of = later
        session.add(row)

    await county.store.write(renew)
    seen = shown(later.isoformat(), "household.phone")
    assert (await moved(county, first, visit(place=NEXT_DOOR, seen=seen))).created


async def test_a_photo_and_an_issue_go_along(county: County) -> None:
    findings = {"findings": [DIRT | {"finding.photos": [PHOTO]}]}
    first = await county.submit(visit(answers=findings))
    second = await moved(county, first, visit(place=NEXT_DOOR, answers=findings))
    uses = {use.submission_id for use in await county.rows(AttachmentUse, sha256=PHOTO)}
    assert uses == {first.submission_id, second.submission_id}
    assert sorted((issue.submission_id, issue.state) for issue in await county.rows(Issue)) == sorted(
        [(first.submission_id, "closed"), (second.submission_id, "reported")]
    )


async def test_what_was_filed_without_a_place_gets_one_and_the_other_way_round(county: County) -> None:
    report = {"report.title": "路灯不亮", "finding.category": "hazard", "finding.severity": "ordinary",
              "report.detail": "三天没亮"}  # fmt: skip
    body = visit(form="report", place=None)
    body["answers"] = report
    first = await county.submit(body)
    there = visit(form="report", place=NEXT_DOOR) | {"answers": report}
    second = await moved(county, first, there)
    assert (await last_revision(county, second)).place_id == "next"
    third = await moved(county, second, visit(form="report", place=None) | {"answers": report})
    assert (await last_revision(county, third)).place_id is None
    assert faults(await refused(county, third, visit(form="report", place=None) | {"answers": report})) == [
        ("/place", "place_same")
    ]


async def test_nothing_of_either_is_kept_when_the_new_one_cannot_be(county: County) -> None:
    first = await county.submit(visit())
    await deliver_all(county)
    problem = await refused(county, first, visit(place=NEXT_DOOR, answers={"visit.purpose": "swim"}))
    assert problem.code == "submission.invalid"
    assert (await last_revision(county, first)).withdrawn_by is None
    assert {row.state for row in await county.rows(Delivery)} == {State.DELIVERED}
    assert not any(record.withdrawn for record in await county.rows(Record))


async def test_a_leader_who_may_withdraw_may_not_move_anothers(county: County) -> None:
    first = await county.submit(visit())
    leader = await add_person(county, "lea", Role.LEADER, TOWN)
    assert (await refused(county, first, visit(place=NEXT_DOOR), leader)).code == "submission.unknown"


async def test_every_row_of_both_is_there_or_none(county: County) -> None:
    first = await county.submit(visit())
    await moved(county, first, visit(place=NEXT_DOOR))
    rows = await county.rows(Submission)
    assert sorted((row.root_id == first.submission_id, row.revision) for row in rows) == [
        (False, 1), (True, 1), (True, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("point", ["move.written", "writer.before_commit"])
async def test_nothing_of_either_is_kept_when_the_write_fails_half_way(county: County, point: str) -> None:
    first, body = await county.submit(visit(answers={"bin": BIN})), visit(place=NEXT_DOOR)
    before = await county.counts()

    def fail(name: str) -> None:
        if name == point:
            raise OSError("struck")

    failpoint.arm(fail)
    try:
        with pytest.raises(OSError, match="struck"):
            await moved(county, first, body)
    finally:
        failpoint.arm(None)
    assert await county.counts() == before
    assert {row.state for row in await county.rows(Delivery)} == {"waiting"}
    assert (await moved(county, first, body)).created, "sent again it is a move"
