"""Whatever comes for a Submission at the very moment it is erased: nothing of it stays (C63)."""

import asyncio
from datetime import timedelta

import pytest

from hub.erasure.erase import erase
from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import Contest, Delivery, Reminder, Submission
from hub.model.delivery import State
from hub.outbox.entry.press import late_before
from hub.store import Session, Store
from hub.store.query import entries
from tests.builders import Loose
from tests.some_connectors.county import County, visit
from tests.store.erased import CANARY, canaries, county, deed, full, gone, lived, other
from tests.store.test_erase_at_once import Meanwhile

__all__ = ["county", "other"]
ROUNDS = 40


async def brief(county: County) -> tuple[Accepted, dict[str, Loose]]:
    """A Submission that owes nothing any more, and the body it came as."""
    body = visit(answers={"visit.summary": CANARY})
    first = await county.submit(body)
    for row in await county.rows(Delivery, state=State.WAITING):
        await county.put(row, state=State.DELIVERED, settled_at=county.clock.now())
    return first, body


def otherwise(body: dict[str, Loose], word: str = "!") -> dict[str, Loose]:
    """The same id with other content."""
    return body | {"answers": body["answers"] | {"visit.summary": CANARY + word}}


@pytest.mark.case("C63")
@pytest.mark.fault("F31", "F85")
async def test_other_content_under_an_id_that_is_being_erased_leaves_nothing_in_forty_rounds(
    county: County, other: Store
) -> None:
    beside = County(other, county.clock)
    for turn in range(ROUNDS):
        first, body = await brief(county)

        async def wipe(first: Accepted = first) -> object:
            return await gone(county, first)

        async def send(body: dict[str, Loose] = body) -> object:
            return await beside.submit(otherwise(body))

        both = [send(), wipe()] if turn % 2 else [wipe(), send()]
        told = await asyncio.gather(*both, return_exceptions=True)
        (no,) = [one for one in told if isinstance(one, Problem)]
        assert no.code in {"submission.conflict", "submission.erased"}
    assert (await county.rows(Contest), await canaries(county.store)) == ([], {})


@pytest.mark.case("C63")
@pytest.mark.fault("F31", "F85")
@pytest.mark.parametrize("revision", [1, 2])
async def test_other_content_that_comes_while_it_is_wiped_is_not_kept(
    county: County, other: Store, revision: int
) -> None:
    """Under the id of the first revision and of a later one: both are rows of their own."""
    first = await lived(county)
    (row,) = await county.rows(Submission, revision=revision)
    beside = County(other, county.clock)
    meanwhile = Meanwhile("erase.wiped", lambda: beside.submit(otherwise(full(id=row.client_id), "!!")))
    await gone(county, first)
    problem = await meanwhile.came_to()
    assert isinstance(problem, Problem)
    assert problem.code == "submission.erased"
    assert await county.rows(Contest) == []
    assert await canaries(county.store) == {}


@pytest.mark.case("C63")
@pytest.mark.fault("F31", "F85")
@pytest.mark.parametrize("revision", [1, 2])
async def test_an_erasure_that_comes_while_other_content_is_kept_takes_that_along(
    county: County, other: Store, revision: int
) -> None:
    first = await lived(county)
    (row,) = await county.rows(Submission, revision=revision)
    wipe = lambda: other.write(lambda s: erase(s, first.submission_id, deed(county)))  # noqa: E731 - to be called later
    meanwhile = Meanwhile("intake.compared", wipe)
    with pytest.raises(Problem, match=r"submission\.conflict"):
        await county.submit(otherwise(full(id=row.client_id), "!!"))
    assert isinstance(await meanwhile.came_to(), dict)
    assert await county.rows(Contest) == []
    assert await canaries(county.store) == {}


@pytest.mark.case("C63")
@pytest.mark.fault("F31", "F85")
async def test_a_resend_at_that_moment_is_told_the_one_or_the_other(county: County, other: Store) -> None:
    first, body = await brief(county)
    beside = County(other, county.clock)
    meanwhile = Meanwhile("erase.wiped", lambda: beside.submit(body))
    await gone(county, first)
    told = await meanwhile.came_to()
    assert isinstance(told, Accepted) or (isinstance(told, Problem) and told.code == "submission.erased")
    with pytest.raises(Problem, match=r"submission\.erased"):
        await beside.submit(body)


@pytest.mark.case("C63")
@pytest.mark.fault("F31", "F85")
async def test_what_is_pressed_for_while_another_is_erased_does_not_stop_the_pressing(
    county: County, other: Store
) -> None:
    """An entry by hand is seen to be late, ended by a person and erased, before its reminder is written."""
    first, _ = await brief(county)
    second, _ = await brief(county)
    mine = {row.id: row for row in (await county.deliveries(first)).values()}
    for row in [*mine.values(), *(await county.deliveries(second)).values()]:
        await county.put(row, state=State.MANUAL, settled_at=None)
    later = county.clock.now() + timedelta(days=9)

    async def end_and_erase() -> object:
        for row in mine.values():
            await county.put(row, state=State.CANCELLED, settled_at=later)
        return await gone(county, first)

    meanwhile = Meanwhile("seen", end_and_erase)

    def press(session: Session) -> None:
        late = entries.unreminded(session, late_before(county.registry, later), 500)
        meanwhile._pass("seen")
        entries.add_reminders(session, {one.delivery_id: "x" for one in late}, later)

    await other.write(press)
    assert isinstance(await meanwhile.came_to(), dict)
    assert {row.delivery_id for row in await county.rows(Reminder)} == {
        row.id for row in (await county.deliveries(second)).values()
    }
