"""Erasing by term: what is old and has ended, in batches, by the worker of a hub that has one (F31, D19)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from hub import failpoint
from hub.erasure.sweep import AT_ONCE, Swept, erase_older
from hub.model import (
    Delivery,
    JournalEntry,
    Submission,
)
from hub.model.delivery import State
from hub.outbox.engine import Engine
from hub.pulls.run import Pulls
from hub.store import Store
from hub.worker.loop import Worker
from tests.builders import Loose
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit
from tests.store.erased import DAY, county, deed, ended, gone, lived, other

__all__ = ["county", "other"]
pytestmark = pytest.mark.fault("F31")


async def test_what_is_old_and_has_ended_goes_in_batches_and_nothing_else(county: County, clock: HandClock) -> None:
    old = [await county.submit(visit()) for _ in range(AT_ONCE + 3)]
    await ended(county)
    owed = await county.submit(visit())
    await county.put((await county.rows(Delivery, state=State.WAITING))[0], state=State.PARKED)
    clock.tick(days=100)
    await county.correct(old[0], visit(answers={"visit.purpose": "safety"}))
    for row in await county.rows(Delivery, revision=2):
        await county.put(row, state=State.DELIVERED)
    fresh = await county.submit(visit())
    cut = clock.now() - 50 * DAY
    found = Swept(AT_ONCE + 2, 1)
    assert await erase_older(county.store, cut, deed(county), dry=True) == found
    assert await county.rows(JournalEntry, action="submission.erased") == []
    passed: list[str] = []
    failpoint.arm(passed.append)
    assert await erase_older(county.store, cut, deed(county)) == found
    failpoint.arm(None)
    groups = [part.count("erase.wiped") for part in " ".join(passed).split("writer.committed")]
    assert sum(groups) == found.erased
    assert max(groups) <= AT_ONCE
    kept = {row.root_id for row in await county.rows(Submission) if row.erased_at is None}
    assert kept == {old[0].submission_id, owed.submission_id, fresh.submission_id}
    assert await erase_older(county.store, cut, deed(county)) == Swept(0, 1)


async def test_two_that_sweep_at_once_erase_each_once(county: County, other: Store, clock: HandClock) -> None:
    for _ in range(7):
        await county.submit(visit())
    await ended(county)
    cut = clock.now() + DAY
    swept = await asyncio.gather(*(erase_older(store, cut, deed(county)) for store in (county.store, other) * 2))
    assert sum(one.erased for one in swept) == 7
    assert len(await county.rows(JournalEntry, action="submission.erased")) == 7


async def test_what_opened_again_since_the_look_stays(county: County, clock: HandClock) -> None:
    """Somebody sends it again between the look and the erasing."""
    first = await lived(county)

    class Between:
        """A store at which something happens right before it writes."""

        async def read(self, query: Loose) -> Loose:
            return await county.store.read(query)

        async def write(self, write: Loose) -> Loose:
            await county.put((await county.rows(Delivery))[0], state=State.WAITING, due_at=clock.now())
            return await county.store.write(write)

    assert await erase_older(Between(), clock.now() + DAY, deed(county)) == Swept(0, 0)  # type: ignore[arg-type]  # the seam
    assert (await county.rows(Submission, id=first.submission_id))[0].erased_at is None


@pytest.mark.parametrize("term", [None, timedelta(days=1095)])
async def test_the_workers_job_keeps_to_the_term(
    county: County, clock: HandClock, tmp_path: Path, term: timedelta | None
) -> None:
    first = await lived(county)
    pulls = Pulls(county.store, clock, county.registry, {}, county.catalog)
    worker = Worker(Engine(county.store, clock, {}), pulls, clock, tmp_path, term)
    await worker.start()
    assert worker._scheduler is not None
    job = worker._scheduler.get_job("erase")
    assert job.trigger.interval <= DAY
    for days, erased in ((0, False), (1095, False), (1, term is not None)):
        clock.tick(days=days)
        await job.func()
        (row,) = await county.rows(Submission, id=first.submission_id)
        assert (row.erased_at is not None) == erased
    await worker.stop()
    proofs = await county.rows(JournalEntry, action="submission.erased")
    assert [(row.account_id, row.why.partition(" [")[0]) for row in proofs] == (
        [("", "kept for 1095 days")] if term else []
    )


async def test_what_happens_to_each_table_is_written_down(county: County) -> None:
    """A new table needs a decision, and a line in docs/how-to/erase.md."""
    page = (Path(__file__).parents[2] / "docs/how-to/erase.md").read_text(encoding="utf-8")
    section = page.partition("## Table by table")[2].partition("\n## ")[0]
    told = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
    assert told == set(SQLModel.metadata.tables)
    said = {name for line in section.splitlines() if line.startswith("| `") and "removed" in line
            for name in [line.split("`")[1]]}  # fmt: skip
    first = await lived(county)
    before = await county.counts()
    await gone(county, first)
    after = await county.counts()
    assert {name for name in before if after[name] < before[name]} == said
