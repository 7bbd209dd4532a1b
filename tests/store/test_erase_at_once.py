"""Erasing while others erase, correct or send: one wins, nothing is half, no photo is lost or left (F31)."""

import asyncio
import threading

import pytest

from hub import failpoint
from hub.erasure.erase import erase
from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import (
    Attachment,
    AttachmentUse,
    Delivery,
    JournalEntry,
    Record,
    Submission,
)
from hub.store import Store
from tests.builders import Loose
from tests.some_connectors.county import HERS, PHOTO, County
from tests.store.erased import canaries, county, deed, full, gone, lived, other

__all__ = ["county", "other"]
pytestmark = pytest.mark.fault("F31")


class Meanwhile:
    """Does something on the event loop while a transaction stands at a failpoint, with time to get in between."""

    def __init__(self, point: str, act: Loose) -> None:
        self._loop, self._point, self._act = asyncio.get_running_loop(), point, act
        self._begun = asyncio.Event()
        failpoint.arm(self._pass)

    def _pass(self, at: str) -> None:
        if at == self._point:
            failpoint.arm(None)
            self._loop.call_soon_threadsafe(self._begin)
            threading.Event().wait(0.3)

    def _begin(self) -> None:
        self.doing = asyncio.ensure_future(self._act())
        self._begun.set()

    async def came_to(self) -> object:
        async with asyncio.timeout(20):
            await self._begun.wait()
            return (await asyncio.gather(self.doing, return_exceptions=True))[0]


async def test_of_several_erasures_at_once_one_is_proven(county: County, other: Store) -> None:
    first = await lived(county)
    stores = [county.store, other] * 3
    told = await asyncio.gather(
        *(store.write(lambda s: erase(s, first.submission_id, deed(county))) for store in stores),
        return_exceptions=True,
    )
    assert sum(isinstance(one, dict) for one in told) == 1
    assert {one.code for one in told if isinstance(one, Problem)} == {"submission.erased"}
    assert len(await county.rows(JournalEntry, action="submission.erased")) == 1


@pytest.mark.parametrize("turn", range(6))
async def test_an_erasure_and_a_correction_at_once_leave_one_of_both(county: County, other: Store, turn: int) -> None:
    first = await lived(county)
    revisions = len(await county.rows(Submission))

    async def correct() -> object:
        return await county.correct(first, full({"visit.purpose": "mediation"}))

    async def wipe() -> object:
        return await other.write(lambda s: erase(s, first.submission_id, deed(county)))

    both = [correct(), wipe()] if turn % 2 else [wipe(), correct()]
    told = await asyncio.gather(*both, return_exceptions=True)
    accepted = [one for one in told if isinstance(one, Accepted)]
    erased = [one for one in told if isinstance(one, dict)]
    (no,) = [one for one in told if isinstance(one, Problem)]
    assert len(accepted) + len(erased) == 1
    rows = await county.rows(Submission)
    if erased:
        assert (no.code, len(rows)) == ("submission.erased", revisions)
        assert await canaries(county.store) == {}
        assert await county.rows(Delivery) == []
    else:
        assert (no.code, len(rows)) == ("submission.open", revisions + 1)
        assert {row.erased_at for row in rows} == {None}
        assert not await county.rows(Record, content=b"")


async def test_a_correction_that_comes_while_it_is_wiped_finds_it_erased(county: County, other: Store) -> None:
    first = await lived(county)
    county_beside = County(other, county.clock)
    (newest,) = await county.rows(Submission, revision=2)  # read before the wait, and to be read anew after it
    meanwhile = Meanwhile("erase.wiped", lambda: county_beside.correct(newest.id, full()))
    await gone(county, first)
    problem = await meanwhile.came_to()
    assert isinstance(problem, Problem)
    assert problem.code == "submission.erased"
    assert await county.rows(Delivery) == []
    assert await canaries(county.store) == {}


async def test_an_erasure_that_comes_while_a_correction_is_written_is_refused(county: County, other: Store) -> None:
    first = await lived(county)
    meanwhile = Meanwhile("revise.written", lambda: other.write(lambda s: erase(s, first.submission_id, deed(county))))
    await county.correct(first, full({"visit.purpose": "mediation"}))
    problem = await meanwhile.came_to()
    assert isinstance(problem, Problem)
    assert problem.code == "submission.open"


async def test_a_photo_goes_with_the_last_submission_that_names_it(county: County) -> None:
    first, second = await lived(county), await lived(county)
    assert len(await county.rows(AttachmentUse, sha256=PHOTO)) == 4
    assert (await gone(county, first))["attachment_use"] == 2
    assert {row.sha256 for row in await county.rows(Attachment)} == {PHOTO, HERS}
    assert (await gone(county, second))["attachment"] == 1
    assert {row.sha256 for row in await county.rows(Attachment)} == {HERS}


async def test_a_photo_named_at_that_very_moment_stays_or_is_asked_for_again(county: County, other: Store) -> None:
    first = await lived(county)
    beside = County(other, county.clock)
    meanwhile = Meanwhile("erase.wiped", lambda: beside.submit(full()))
    await gone(county, first)
    problem = await meanwhile.came_to()
    assert isinstance(problem, Problem), problem
    assert (problem.code, problem.status) in {("store.busy", 503), ("submission.invalid", 422)}
    assert await county.rows(Attachment, sha256=PHOTO) == []
    assert await county.rows(AttachmentUse) == []


async def test_a_photo_somebody_is_naming_stays(county: County, other: Store) -> None:
    first = await lived(county)
    beside = County(other, county.clock)
    meanwhile = Meanwhile("intake.fanout", lambda: gone(beside, first))
    second = await county.submit(full())
    assert isinstance(await meanwhile.came_to(), dict)
    assert [row.submission_id for row in await county.rows(AttachmentUse)] == [second.submission_id]
    assert len(await county.rows(Attachment, sha256=PHOTO)) == 1
