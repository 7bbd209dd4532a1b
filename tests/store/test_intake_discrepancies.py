"""A discrepancy is what somebody on the spot said against what they were shown, and nothing else. On both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from hub.intake.accept import Accepted
from hub.model import Discrepancy, PullRow
from hub.model.people import Role, Scope
from hub.store import Store
from hub.store.query import views as rows
from hub.store.query.lists import Viewer
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, Body, County, visit

HEAD, PHONE = "/household.head_name", "/household.phone"
TOLD = {HEAD: "陈大山", PHONE: "19900000101"}
NEWER = "19900000199"
ADA = Viewer(Scope("ada", Role.STAFF, VILLAGE), frozenset())


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


def shown(county: County, path: str, **more: object) -> Body:
    """What the page says of one known value, with the value as it stood there."""
    return {path: {"system": "doors", "as_of": county.clock.now().isoformat(), "value": TOLD[path], **more}}


async def source_says(county: County, clock: HandClock, element: str, value: object) -> None:
    """Let a source change its mind, an hour later."""
    clock.tick(hours=1)

    def write(session: Session) -> None:
        (row,) = session.exec(select(PullRow).where(PullRow.system == "doors"))
        row.known, row.as_of = {**row.known, element: value}, clock.now()
        session.add(row)

    await county.store.write(write)


async def found(county: County) -> list[tuple[str, Any, Any]]:
    """Every discrepancy there ever was: element, what the source says, what the author says."""
    return sorted((d.element, d.theirs, d.ours) for d in await county.rows(Discrepancy))


async def on_the_page(county: County, accepted: Accepted) -> list[tuple[str, Any, Any]]:
    """The discrepancies its author reads on the receipt."""
    loaded = await county.store.read(lambda session: rows.submission(session, ADA, accepted.submission_id))
    assert loaded is not None
    return sorted((d.element, d.theirs, d.ours) for d in loaded.discrepancies)


@pytest.mark.case("C20")
async def test_what_was_confirmed_is_none_though_the_source_has_changed_since(county: County, clock: HandClock) -> None:
    body = visit(seen=shown(county, HEAD) | shown(county, PHONE))
    await source_says(county, clock, "household.phone", NEWER)
    await county.submit(body)
    assert await found(county) == []


@pytest.mark.case("C20")
async def test_a_corrected_value_is_one_against_what_the_source_says_now(county: County, clock: HandClock) -> None:
    body = visit(answers={"household.phone": "19900000777"}, seen=shown(county, PHONE))
    await source_says(county, clock, "household.phone", NEWER)
    await county.submit(body)
    assert await found(county) == [("household.phone", NEWER, "19900000777")]


@pytest.mark.case("C20")
async def test_a_source_that_came_to_say_the_same_is_not_contradicted(county: County, clock: HandClock) -> None:
    body = visit(answers={"household.phone": NEWER}, seen=shown(county, PHONE))
    await source_says(county, clock, "household.phone", NEWER)
    await county.submit(body)
    assert await found(county) == []


@pytest.mark.case("C20")
async def test_who_turned_down_an_old_value_said_nothing_of_the_new_one(county: County, clock: HandClock) -> None:
    body = visit(seen=shown(county, PHONE, refused=True))
    await source_says(county, clock, "household.phone", NEWER)
    await county.submit(body)
    assert await found(county) == []


@pytest.mark.case("C20")
async def test_of_a_value_from_another_day_that_was_not_told_nothing_is_guessed(
    county: County, clock: HandClock
) -> None:
    told = shown(county, PHONE)
    del told[PHONE]["value"]
    await source_says(county, clock, "household.phone", NEWER)
    await county.submit(visit(seen=told))
    assert await found(county) == []


async def test_read_again_unchanged_a_value_is_still_contradicted(county: County, clock: HandClock) -> None:
    body = visit(answers={"household.phone": NEWER}, seen=shown(county, PHONE))
    await source_says(county, clock, "household.phone", TOLD[PHONE])
    await county.submit(body)
    assert await found(county) == [("household.phone", TOLD[PHONE], NEWER)]


@pytest.mark.case("C21")
async def test_untouched_answers_of_a_correction_say_nothing(county: County, clock: HandClock) -> None:
    first = await county.submit(visit(seen=shown(county, HEAD) | shown(county, PHONE)))
    await source_says(county, clock, "household.phone", NEWER)
    await source_says(county, clock, "household.head_name", "陈小山")
    now = clock.now().isoformat()
    # As pages of before wrote it: everything that is known today was "shown", whether anybody looked or not.
    seen = {HEAD: {"system": "doors", "as_of": now}, PHONE: {"system": "doors", "as_of": now}}
    await county.correct(first, visit(answers={"visit.summary": "补充"}, seen=seen))
    assert await found(county) == []


@pytest.mark.case("C21")
async def test_of_a_correction_the_answer_that_changed_counts_alone(county: County, clock: HandClock) -> None:
    first = await county.submit(visit(seen=shown(county, HEAD) | shown(county, PHONE)))
    await source_says(county, clock, "household.head_name", "陈小山")
    seen = shown(county, HEAD, value="陈小山") | shown(county, PHONE)
    await county.correct(first, visit(answers={"household.phone": NEWER}, seen=seen))
    assert await found(county) == [("household.phone", TOLD[PHONE], NEWER)]


@pytest.mark.case("C21")
async def test_what_a_correction_did_not_touch_stays_on_the_receipt(county: County) -> None:
    first = await county.submit(visit(answers={"household.phone": NEWER}, seen=shown(county, PHONE)))
    second = await county.correct(first, visit(answers={"household.phone": NEWER, "visit.summary": "补充"}))
    assert await on_the_page(county, second) == [("household.phone", TOLD[PHONE], NEWER)]


@pytest.mark.case("C21")
@pytest.mark.parametrize(("phone", "told"), [(TOLD[PHONE], []), ("19900000777", ["19900000777"])])
async def test_an_answer_changed_again_settles_what_was_said_before(
    county: County, phone: str, told: list[str]
) -> None:
    first = await county.submit(visit(answers={"household.phone": NEWER}, seen=shown(county, PHONE)))
    second = await county.correct(first, visit(answers={"household.phone": phone}, seen=shown(county, PHONE)))
    assert [ours for _, _, ours in await on_the_page(county, second)] == told
    (old,) = [one for one in await county.rows(Discrepancy) if one.ours == NEWER]
    assert (old.settled_at, old.settlement) == (county.clock.now(), "superseded by a correction")


@pytest.mark.case("C20")
async def test_one_letter_in_two_spellings_is_one_value(county: County, clock: HandClock) -> None:
    await source_says(county, clock, "household.head_name", "\uf92c大山")
    body = visit(answers={"household.head_name": "郎大山"}, seen=shown(county, HEAD, value="\uf92c大山"))
    await county.submit(body)
    assert await found(county) == []


async def test_how_old_the_shown_value_was_is_not_the_hubs_guess(county: County) -> None:
    old = (county.clock.now() - timedelta(days=40)).isoformat()
    body = visit(answers={"household.phone": NEWER}, seen=shown(county, PHONE, as_of=old))
    await county.submit(body)
    assert await found(county) == [("household.phone", TOLD[PHONE], NEWER)]
