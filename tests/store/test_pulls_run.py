"""Runs of pulls on both databases: slots, one at a time, cursor and data together, outcomes people can read."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from hub.errors import Problem
from hub.failpoint import arm
from hub.model import OpenItem, Place, Pull, PullCursor, PullRow, SystemState
from hub.model.system import PullOutcome
from hub.pulls.run import Pulls, lose_stale, planned, pull_due, pull_now
from hub.sdk import Capabilities, LeftOut, Outgoing, Page, Receipt, Unavailable
from hub.store import Store
from hub.store.query import systems
from hub.systems import PullFlow
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County, files

NINTH = LeftOut("row 9", "not text")


class Script:
    """A connector that yields the pages it was given, or raises; remembers the cursors it was asked from."""

    capabilities: ClassVar = Capabilities(honours_key=True)

    def __init__(self) -> None:
        self.pages: list[Page | Exception] = []
        self.asked: list[str] = []
        self.hold: asyncio.Event | None = None
        self.reading = asyncio.Event()

    async def check(self) -> str:
        return ""

    async def push(self, outgoing: Outgoing) -> Receipt:
        raise NotImplementedError

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        raise NotImplementedError

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        self.asked.append(cursor)
        self.reading.set()
        if self.hold is not None:
            await self.hold.wait()
        for page in self.pages:
            if isinstance(page, Exception):
                raise page
            yield page


def door(number: int, **more: object) -> dict[str, Any]:
    return {"door": f"D-{number}", "village": VILLAGE, "address": str(number), "head": "陈大山", **more}


def doors(numbers: Iterable[int]) -> tuple[dict[str, Any], ...]:
    return tuple(door(number) for number in numbers)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def county(store: Store, clock: HandClock) -> County:
    return County(store, clock)


@pytest.fixture
def pulls(county: County, script: Script) -> Pulls:
    return Pulls(county.store, county.clock, files()[1], dict.fromkeys(files()[1].systems, script), files()[0])


@pytest.fixture
def flow() -> PullFlow:
    (found,) = files()[1].systems["doors"].pulls
    return found


async def cursor(county: County) -> str:
    row = await county.store.read(lambda session: systems.cursor(session, "doors", "homes"))
    return row.cursor if row else ""


def test_every_pull_is_planned(pulls: Pulls) -> None:
    assert [(flow.system, flow.name) for flow in planned(pulls)] == [(name, "homes") for name in pulls.registry.systems]


async def test_pages_are_stored_with_their_cursor_and_read_on_from_there(
    pulls: Pulls, county: County, script: Script, clock: HandClock
) -> None:
    script.pages = [Page(doors([1, 2]), "c1"), Page(doors([3]), "c2", complete=True, left_out=(NINTH,))]
    (report,) = await pull_now(pulls, "doors")
    assert (report.outcome, report.rows, report.left_out, report.reason) == (PullOutcome.DONE, 3, 1, "")
    assert len(await county.rows(Place)) == 3
    (row,) = await county.rows(PullCursor)
    assert (row.cursor, row.rows_known, row.moved_at) == ("c2", 4, clock.now())
    (run,) = await county.rows(Pull)
    assert (run.outcome, run.rows, run.left_out, run.ended_at) == ("done", 3, 1, clock.now())
    clock.tick(minutes=1)
    script.pages = []
    await pull_now(pulls, "doors", "homes")
    assert script.asked == ["", "c2"]
    assert {row.pull_id for row in await county.rows(PullRow)} == {run.id}


async def test_a_row_without_a_key_is_left_out_and_counted(pulls: Pulls, county: County, script: Script) -> None:
    script.pages = [Page(({"head": "陈无码"}, {"door": ""}, *doors([3])), "c1")]
    (report,) = await pull_now(pulls, "doors")
    assert (report.outcome, report.rows, report.left_out, report.noted) == (PullOutcome.DONE, 1, 2, 2)
    (item,) = await county.rows(OpenItem)
    assert (item.kind, item.reason, item.row_key) == ("row_left_out", "open_item.rest", "")
    assert item.params == {"count": 2, "reason": "unmapped.missing"}


@pytest.mark.fault("F72")
@pytest.mark.parametrize(
    ("failure", "reason"),
    [(Unavailable("nobody there"), "nobody there"), (RuntimeError("陈大山"), "connector fault: RuntimeError")],
)
async def test_a_run_that_breaks_keeps_whole_pages_and_goes_on_from_them(
    pulls: Pulls, county: County, script: Script, failure: Exception, reason: str
) -> None:
    script.pages = [Page(doors([1]), "c1"), failure]
    (report,) = await pull_now(pulls, "doors")
    assert (report.outcome, report.rows, report.reason) == (PullOutcome.FAILED, 1, reason)
    assert (await cursor(county), len(await county.rows(Place))) == ("c1", 1)


@pytest.mark.fault("F71")
@pytest.mark.parametrize("point", ["pull.page", "pull.mark"])
async def test_a_page_that_is_not_stored_whole_moves_no_mark(
    pulls: Pulls, county: County, script: Script, point: str
) -> None:
    """F71: killed between data and mark, the page is read again; what of it was stored is not stored twice."""
    script.pages = [Page(doors([1]), "c1")]
    await pull_now(pulls, "doors")
    county.clock.tick(seconds=1)  # type: ignore[attr-defined]  # it is the hand clock

    def stop(name: str) -> None:
        if name == point:
            raise OSError(point)

    script.pages = [Page(doors([2, 3]), "c2")]
    arm(stop)
    try:
        (report,) = await pull_now(pulls, "doors")
    finally:
        arm(None)
    assert (report.outcome, await cursor(county)) == (PullOutcome.FAILED, "c1")
    county.clock.tick(seconds=1)  # type: ignore[attr-defined]  # as above
    (report,) = await pull_now(pulls, "doors")
    assert (report.outcome, await cursor(county)) == (PullOutcome.DONE, "c2")
    assert sorted(place.name for place in await county.rows(Place)) == ["1", "2", "3"]


@pytest.mark.fault("F71")
async def test_one_run_at_a_time(
    pulls: Pulls, flow: PullFlow, script: Script, clock: HandClock, county: County
) -> None:
    script.hold = asyncio.Event()
    runs = [asyncio.create_task(pull_due(pulls, flow)) for _ in range(5)]
    await script.reading.wait()
    with pytest.raises(Problem) as caught:
        await pull_now(pulls, "doors")
    assert (caught.value.code, caught.value.status) == ("pull.running", 409)
    clock.tick(hours=7)
    assert await pull_due(pulls, flow) is None
    script.hold.set()
    reports = await asyncio.gather(*runs)
    assert sum(report is not None for report in reports) == 1
    assert len(await county.rows(Pull)) == 1


@pytest.mark.fault("F71")
async def test_each_slot_is_read_once_and_missed_ones_are_caught_up_once(
    pulls: Pulls, flow: PullFlow, clock: HandClock, county: County
) -> None:
    assert await pull_due(pulls, flow) is not None
    assert await pull_due(pulls, flow) is None
    clock.tick(hours=4, minutes=59)
    assert await pull_due(pulls, flow) is None
    clock.tick(minutes=1)
    assert await pull_due(pulls, flow) is not None
    clock.tick(days=3)
    assert await pull_due(pulls, flow) is not None
    assert await pull_due(pulls, flow) is None
    assert len(await county.rows(Pull)) == 3


async def test_a_failed_run_is_tried_again_after_five_minutes_not_before(
    pulls: Pulls, flow: PullFlow, script: Script, clock: HandClock
) -> None:
    script.pages = [Unavailable("away")]
    await pull_due(pulls, flow)
    clock.tick(minutes=4, seconds=59)
    assert await pull_due(pulls, flow) is None
    clock.tick(seconds=1)
    again = await pull_due(pulls, flow)
    assert again is not None
    assert again.outcome is PullOutcome.FAILED
    clock.tick(minutes=5)
    script.pages = []
    done = await pull_due(pulls, flow)
    assert done is not None
    assert done.outcome is PullOutcome.DONE
    clock.tick(minutes=5)
    assert await pull_due(pulls, flow) is None


@pytest.mark.fault("F71")
async def test_a_run_whose_process_died_is_lost_and_started_again(
    pulls: Pulls, flow: PullFlow, clock: HandClock, county: County
) -> None:
    dead = Pull(system="doors", name="homes", slot_at=clock.now(), started_at=clock.now(), outcome=PullOutcome.RUNNING)
    await county.store.write(lambda session: session.add(dead))
    clock.tick(minutes=10)
    assert await lose_stale(pulls, timedelta(hours=2)) == 0
    assert await pull_due(pulls, flow) is None
    assert await lose_stale(pulls, timedelta(minutes=5)) == 1
    report = await pull_due(pulls, flow)
    assert report is not None
    assert report.outcome is PullOutcome.DONE
    assert sorted(run.outcome for run in await county.rows(Pull)) == ["done", "lost"]


@pytest.mark.fault("F72")
@pytest.mark.parametrize("left", [5, 2, 0])
async def test_far_fewer_rows_than_known_are_doubted_and_nothing_is_removed(
    pulls: Pulls, county: County, script: Script, left: int
) -> None:
    """F72: known ten, and a complete run brings half of them, two or none."""
    script.pages = [Page(doors(range(10)), "c1", complete=True)]
    await pull_now(pulls, "doors")
    before = await county.rows(Place), await county.counts()
    county.clock.tick(hours=1)  # type: ignore[attr-defined]  # it is the hand clock
    script.pages = [Page(doors(range(left)), "c2", complete=True)]
    (report,) = await pull_now(pulls, "doors")
    assert (report.outcome, report.ended) == (PullOutcome.DOUBTED, 0)
    assert report.reason != ""
    after = await county.rows(Place), await county.counts()
    assert after[0] == before[0]
    assert after[1] == before[1] | {"pull": 2, "open_item": 1}
    (row,) = await county.rows(PullCursor)
    assert row.rows_known == 10
    (item,) = await county.rows(OpenItem)
    assert (item.kind, item.params) == ("doubted", {"count": left, "known": 10})


@pytest.mark.fault("F72")
async def test_what_a_person_believes_is_ended_and_no_longer_doubted(
    pulls: Pulls, county: County, script: Script, clock: HandClock
) -> None:
    script.pages = [Page(doors(range(10)), "c1", complete=True)]
    await pull_now(pulls, "doors")
    clock.tick(hours=1)
    script.pages = [Page(doors(range(2)), "c2", complete=True)]
    await pull_now(pulls, "doors")
    clock.tick(hours=1)
    (report,) = await pull_now(pulls, "doors", from_start=True, believing=True)
    assert (report.outcome, report.ended) == (PullOutcome.DONE, 8)
    (item,) = await county.rows(OpenItem)
    assert (item.kind, item.state, item.settled_by) == ("doubted", "solved", "")


async def test_few_rows_of_a_run_that_asks_only_for_news_are_no_doubt(
    pulls: Pulls, script: Script, clock: HandClock
) -> None:
    script.pages = [Page(doors(range(10)), "c1", complete=True)]
    await pull_now(pulls, "doors")
    for pages in ([], [Page(doors([1]), "c2")]):
        clock.tick(hours=1)
        script.pages = list(pages)
        (report,) = await pull_now(pulls, "doors")
        assert report.outcome is PullOutcome.DONE


@pytest.mark.parametrize(("system", "name"), [("nobody", None), ("doors", "cellars")])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_unknown_pulls_are_told(pulls: Pulls, system: str, name: str | None) -> None:
    with pytest.raises(Problem) as caught:
        await pull_now(pulls, system, name)
    assert (caught.value.code, caught.value.status) == ("pull.unknown", 404)
    assert caught.value.params == {"system": system, "name": name or ""}


async def test_what_is_remembered_of_systems(county: County, pulls: Pulls, clock: HandClock) -> None:
    """The small queries of hub.store.query.systems that pages ask."""
    await pull_now(pulls, "doors")
    clock.tick(hours=1)
    (newest,) = await pull_now(pulls, "doors")
    state = SystemState(system="bins", paused_reason="wrong key", paused_at=clock.now())
    await county.store.write(lambda session: session.add(state))
    read = county.store.read
    assert newest.outcome is PullOutcome.DONE
    latest = await read(lambda session: systems.latest_pull(session, "doors", "homes", clock.now()))
    assert latest is not None
    assert latest.started_at == clock.now()
    assert await read(systems.paused) == ["bins"]
    assert list(await read(systems.all_states)) == ["bins"]
    await county.store.write(lambda session: setattr(systems.states(session, ["bins"])["bins"], "paused_reason", ""))
    assert await read(systems.paused) == []
    found = await county.store.write(lambda session: systems.states(session, ["bins", "doors"]))
    assert [(row.system, row.breaker) for row in found.values()] == [("bins", "closed"), ("doors", "closed")]
