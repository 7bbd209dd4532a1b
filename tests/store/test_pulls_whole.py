"""Whole readings: what slid, came late or vanished is found; marks that lie ahead are not trusted; who says so."""

from datetime import timedelta
from typing import Any

import pytest

from hub.model import Pull, PullCursor, PullRow
from hub.model.system import PullOutcome
from hub.pulls.run import pull_due
from hub.sdk import LeftOut, Misconfigured, Refused, Unavailable
from hub.store import Store
from hub.store.query import systems
from hub.systems import PullFlow
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources, registry_with

ONE: dict[str, Any] = {"door": "D-1", "village": VILLAGE, "address": "幸福路1号", "head": "陈大山", "count": 4}


def houses(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [ONE | {"door": f"D-{n}", "address": f"幸福路{n}号"} for n in range(first, first + count)]


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """Ten houses, read once."""
    sources = Sources(County(store, clock))
    sources.doors.say(*houses(10))
    await sources.pull("doors")
    return sources


def flow_of(hub: Sources, system: str = "doors") -> PullFlow:
    return hub.registry.systems[system].pulls[0]


async def mark(hub: Sources, system: str = "doors") -> PullCursor:
    found = await hub.county.store.read(lambda session: systems.cursor(session, system, "homes"))
    assert found is not None
    return found


async def test_a_day_after_the_last_everything_is_read_again(hub: Sources, clock: HandClock) -> None:
    for hours in (6, 6, 6):
        clock.tick(hours=hours)
        report = await pull_due(hub.pulls, flow_of(hub))
        assert report is not None
        assert not report.whole
    clock.tick(hours=6)
    report = await pull_due(hub.pulls, flow_of(hub))
    assert report is not None
    assert (report.whole, report.rows, report.changed) == (True, 10, 0)
    assert hub.doors.asked == ["", "10", "10", "10", "10", ""]
    assert [run.whole for run in await hub.county.rows(Pull)] == [True, False, False, False, True]
    assert (await mark(hub)).cursor == "10"


async def test_an_unchanged_whole_reading_writes_no_row(hub: Sources, clock: HandClock) -> None:
    before = await hub.county.rows(PullRow)
    clock.tick(days=1)
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.rows, report.changed, report.ended) == (10, 0, 0)
    assert await hub.county.rows(PullRow) == before


async def test_what_it_confirms_is_as_of_then_and_the_same_since(hub: Sources, clock: HandClock) -> None:
    """Prefill offers a value with the day it was last confirmed; nothing is written for it."""
    place = await hub.place("D-1")
    assert place is not None
    first = clock.now()
    clock.tick(days=3)
    hub.doors.as_of = clock.now() - timedelta(minutes=5)
    await hub.pull("doors", from_start=True)
    said = {one.element: (one.since, one.as_of) for one in await hub.snapshots(place.id)}
    assert said == dict.fromkeys(("household.head_name", "household.member_count"), (first, hub.doors.as_of))
    hub.doors.say(ONE | {"count": 5})
    await hub.pull("doors")
    said = {one.element: (one.since, one.as_of) for one in await hub.snapshots(place.id)}
    assert said["household.member_count"] == (hub.doors.as_of, hub.doors.as_of)
    assert said["household.head_name"][0] == first


async def test_a_time_of_the_source_ahead_of_ours_counts_as_now(hub: Sources, clock: HandClock) -> None:
    hub.doors.as_of = clock.now() + timedelta(days=400)
    hub.doors.say(ONE | {"count": 5})
    await hub.pull("doors")
    place = await hub.place("D-1")
    assert place is not None
    assert {one.as_of for one in await hub.snapshots(place.id)} == {clock.now()}


@pytest.mark.case("C01")
async def test_what_slid_past_the_mark_is_found_and_counted(hub: Sources) -> None:
    hub.doors.say(ONE | {"count": 5}, *houses(1, 11), hidden=True)
    hub.doors.drop("D-10", hidden=True)
    (report,) = await hub.pull("doors")
    assert (report.rows, report.changed) == (0, 0)
    hub.county.clock.tick(days=1)  # type: ignore[attr-defined]  # it is the hand clock
    (report,) = await hub.pull("doors")
    assert (report.whole, report.changed, report.ended) == (True, 2, 1)
    assert (await hub.known("D-1"))["doors household.member_count"] == 5
    assert await hub.place("D-10") is None
    ((key, item),) = (await hub.open()).items()
    assert (key[0], item.params) == ("rows_missing", {"count": 2})
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}, "nothing was missing the next time"


@pytest.mark.case("C02")
async def test_a_mark_ahead_of_its_source_is_told_and_everything_is_read_at_once(hub: Sources) -> None:
    """Restored from a backup: the source says that our mark lies ahead of it."""
    hub.doors.ahead = "the mark 10 lies ahead of 3"
    hub.doors.say(ONE | {"count": 5}, hidden=True)
    (report,) = await hub.pull("doors")
    assert (report.whole, report.changed) == (True, 1)
    said = {kind: item.params for (kind, _, _), item in (await hub.open()).items()}
    assert said == {"mark_ahead": {"why": "the mark 10 lies ahead of 3"}, "rows_missing": {"count": 1}}
    (report,) = await hub.pull("doors")
    assert not report.whole, "told once, the usual whole readings do"
    hub.doors.ahead = ""
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}


@pytest.mark.case("C02")
async def test_a_person_begins_again_from_the_start(hub: Sources) -> None:
    hub.doors.say(ONE | {"count": 5}, hidden=True)
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.whole, report.changed, hub.doors.asked[-1]) == (True, 1, "")


@pytest.mark.case("C02")
@pytest.mark.parametrize("failure", [Refused("no such cursor"), ValueError("not a number")])
async def test_a_mark_the_source_does_not_understand_is_trusted_no_more(hub: Sources, failure: Exception) -> None:
    hub.doors.failure = failure
    (report,) = await hub.pull("doors")
    assert report.outcome is PullOutcome.FAILED
    assert "failed" in (await mark(hub)).distrusted
    hub.doors.failure = None
    (report,) = await hub.pull("doors")
    assert (report.outcome, report.whole, hub.doors.asked[-1]) == (PullOutcome.DONE, True, "")
    assert (await mark(hub)).distrusted == ""


@pytest.mark.case("C02")
async def test_a_source_that_stays_quiet_for_long_is_told(store: Store, clock: HandClock) -> None:
    hub = Sources(County(store, clock), registry_with("doors", quiet_slots=3))
    hub.doors.say(*houses(2))
    for _ in range(4):
        clock.tick(hours=6)
        await pull_due(hub.pulls, flow_of(hub))
    ((key, item),) = (await hub.open()).items()
    assert (key[0], item.params) == ("nothing_new", {"slots": 3})
    hub.doors.say(ONE | {"count": 9})
    clock.tick(hours=6)
    await pull_due(hub.pulls, flow_of(hub))
    assert await hub.open() == {}


@pytest.mark.case("C02")
async def test_a_source_that_may_stay_as_it_is_is_never_too_quiet(store: Store, clock: HandClock) -> None:
    hub = Sources(County(store, clock), registry_with("doors", quiet_slots=0))
    hub.doors.say(*houses(2))
    for _ in range(40):
        clock.tick(hours=6)
        await pull_due(hub.pulls, flow_of(hub))
    assert await hub.open() == {}


async def test_other_wiring_reads_everything_anew(hub: Sources, store: Store, clock: HandClock) -> None:
    """What the new wiring finds was not lost by the mark, and nobody is told that it was."""
    other = Sources(County(store, clock), registry_with("doors", fields={"household.member_count": {"from": "count"}}))
    other.doors.say(*houses(10))
    (report,) = await other.pull("doors")
    assert (report.whole, report.changed) == (True, 0)
    assert await other.open() == {}
    other.doors.say(ONE | {"head": "陈二"})
    (report,) = await other.pull("doors")
    assert report.changed == 0, "nothing it reads is another"


@pytest.mark.case("C11")
async def test_nothing_vanishes_by_a_reading_nobody_vouches_for(hub: Sources) -> None:
    hub.doors.vouches = False
    hub.doors.drop("D-10", hidden=True)
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.whole, report.ended) == (True, 0)
    assert await hub.place("D-10") is not None


@pytest.mark.case("C11")
async def test_a_row_nobody_can_read_is_there_and_stays(hub: Sources, clock: HandClock) -> None:
    """Left out is not gone: what it said stays, and is not confirmed any more."""
    place = await hub.place("D-1")
    assert place is not None
    before = clock.now()
    hub.doors.drop("D-1", hidden=True)
    hub.doors.left_out = (LeftOut("D-1", "line 7: not UTF-8"),)
    clock.tick(days=1)
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.ended, report.left_out) == (0, 1)
    assert {one.as_of for one in await hub.snapshots(place.id)} == {before}
    ((key, item),) = (await hub.open()).items()
    assert (key, item.params) == (("row_left_out", "D-1", ""), {"why": "line 7: not UTF-8"})
    hub.doors.left_out = ()
    hub.doors.say(ONE)
    await hub.pull("doors")
    assert await hub.open() == {}
    assert {one.as_of for one in await hub.snapshots(place.id)} == {clock.now()}


@pytest.mark.case("C09")
async def test_a_failed_pull_is_open_with_its_reason_until_one_succeeds(hub: Sources) -> None:
    hub.doors.failure = Misconfigured("401: wrong secret")
    for _ in range(2):
        await hub.pull("doors")
    ((key, item),) = (await hub.open()).items()
    assert (key[0], item.params, item.times) == ("pull_failed", {"why": "401: wrong secret"}, 2)
    hub.doors.failure = None
    await hub.pull("doors")
    assert await hub.open() == {}


async def test_an_unreachable_source_does_not_cost_the_mark_its_trust(hub: Sources) -> None:
    hub.doors.failure = Unavailable("away")
    await hub.pull("doors")
    assert (await mark(hub)).distrusted == ""
