"""What pages become on both databases: one Place per door whatever order the Systems are read in."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from hub.model import Alias, Place, PullRow, Snapshot
from hub.model.people import Role, Scope
from hub.pulls.merge import Merged, merge_rows
from hub.pulls.read import Reader, ReadRow
from hub.pulls.work import PullProvenance
from hub.store import Session, Store, open_store
from hub.store.query import places
from tests.conftest import HandClock
from tests.journeys.process import until
from tests.some_connectors.county import SIBLING, VILLAGE, County, files

OLD = [{"by": "police", "text": "S-1"}, {"by": "bins", "text": "B-1"}]
DOOR = {"door": "D-1", "village": VILLAGE, "address": "一号", "head": "陈大山", "count": 4, "old": OLD}
BIN = {"bin": "B-1", "door": "D-1", "level": "good"}
FILE = {"file": "F-1", "door": "D-1", "income": 9000, "head": "陈小山"}
NEAR = {"near": "N-1", "door": "D-1", "phone": "19900000101"}
ROWS = {"doors": DOOR, "bins": BIN, "files": FILE, "rivers": NEAR}
Row = dict[str, Any]
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
"""Who waits for something this transaction holds."""


@pytest.fixture
def county(store: Store, clock: HandClock) -> County:
    return County(store, clock)


async def page(county: County, system: str, rows: Sequence[Row], as_of: datetime | None = None) -> Merged:
    """Store some rows of a System."""
    told = said(county, system, rows, as_of)
    return await county.store.write(lambda session: merge_rows(session, *told))


def said(
    county: County, system: str, rows: Sequence[Row], as_of: datetime | None = None
) -> tuple[list[ReadRow], PullProvenance]:
    """Some rows as a pull has read them."""
    (flow,) = files()[1].systems[system].pulls
    reader = Reader(flow, county.catalog, county.registry.county)
    now = county.clock.now()
    return [reader.read(row, reader.identify(row)) for row in rows], PullProvenance(
        as_of or now, now, f"pull-{system}", flow=flow
    )


async def snapshots(county: County, element: str = "") -> list[Snapshot]:
    """What is known of all Places now."""
    known = await county.store.read(
        lambda session: places.snapshots(session, {row.place_id for row in session.exec(select(PullRow))})
    )
    return [one for said in known.values() for one in said if element in ("", one.element)]


async def keys(county: County) -> dict[tuple[str, str], bool]:
    return {(alias.issuer, alias.code): alias.is_key for alias in await county.rows(Alias)}


@pytest.mark.parametrize("order", [("doors", "bins", "files", "rivers"), ("rivers", "files", "bins", "doors")])
async def test_four_systems_know_one_door(county: County, order: Sequence[str]) -> None:
    for system in order:
        assert (await page(county, system, [ROWS[system]])).tangles == []
    await one_door(county)


async def one_door(county: County) -> None:
    (place,) = await county.rows(Place)
    assert (place.kind, place.name, place.division) == ("household", "一号", VILLAGE)
    assert await keys(county) == {
        ("doors", "D-1"): True, ("bins", "B-1"): True, ("files", "F-1"): True, ("rivers", "N-1"): True,
        ("police", "S-1"): False,
    }  # fmt: skip
    said = {(s.system, s.element): s.value for s in await snapshots(county)}
    assert said == {
        ("doors", "household.head_name"): "陈大山", ("doors", "household.member_count"): 4,
        ("bins", "bin.last_level"): "good", ("files", "household.income_yuan"): 9000,
        ("files", "household.head_name"): "陈小山", ("rivers", "household.phone"): "19900000101",
    }  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(ROWS)), ids="-".join)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_in_any_order_of_pulls(county: County, order: Sequence[str]) -> None:
    for system in (*order, *reversed(order)):
        await page(county, system, [ROWS[system]])
    await one_door(county)


@pytest.mark.fault("F71")
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_systems_that_name_one_door_at_the_same_moment(county: County, database_url: str) -> None:
    """The second waits for the first and finds its Place, instead of making it too and failing."""
    here, there = asyncio.get_running_loop(), asyncio.Event()
    other = open_store(database_url)

    def slowly(session: Session) -> Merged:
        merged = merge_rows(session, *said(county, "doors", [DOOR]))
        here.call_soon_threadsafe(there.set)
        until(lambda: session.connection().scalar(WAITING), 10, what="the other, who must wait for this one")
        return merged

    try:
        first = asyncio.create_task(other.write(slowly))
        await there.wait()
        assert (await page(county, "bins", [BIN])).tangles == []
        assert (await first).rows == 1
    finally:
        await other.close()
    assert len(await county.rows(Place)) == 1


async def test_two_places_that_turn_out_to_be_one_are_named_for_a_person(county: County) -> None:
    """Neither is swallowed: Submissions may stand on both by now."""
    await page(county, "rivers", [{"near": "N-1", "bin": "B-1"}])
    await page(county, "files", [FILE])
    (tangle,) = (await page(county, "bins", [BIN])).tangles
    assert (tangle.key, len(tangle.place_ids)) == ("B-1", 2)
    assert len(await county.rows(Place)) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_codes_of_two_places_are_left_out_and_named(county: County) -> None:
    await page(county, "doors", [DOOR | {"old": []}, DOOR | {"door": "D-2", "old": [{"by": "police", "text": "S-2"}]}])
    before = {place.id: place for place in await county.rows(Place)}
    both = {"near": "N-1", "door": "D-1", "bin": "B-2", "phone": "19900000109"}
    await page(county, "bins", [{"bin": "B-2", "door": "D-2"}])
    merged = await page(county, "rivers", [both, {"near": "N-3"}])
    (tangle,) = merged.tangles
    assert (tangle.key, set(tangle.place_ids), merged.rows) == ("N-1", {*before}, 1)
    assert len(await county.rows(Place)) == len(before) + 1
    assert "19900000109" not in [s.value for s in await snapshots(county)]


async def test_a_code_of_another_kind_of_place_is_left_out(county: County) -> None:
    await county.settle()
    merged = await page(county, "bins", [{"bin": "B-9", "door": "D-9"}, {"bin": "B-8"} | {"door": "R-1"}])
    assert merged.rows == 2
    await county.store.write(
        lambda s: s.add(Alias(issuer="doors", code="D-8", place_id="river", told_by="x", since=county.clock.now()))
    )
    merged = await page(county, "bins", [{"bin": "B-7", "door": "D-8"}])
    assert (merged.rows, [tangle.kinds for tangle in merged.tangles]) == (0, [("river_segment",)])


async def test_a_place_nobody_has_located_is_in_nobodys_reach(county: County) -> None:
    """A bin says nothing of where it stands: until the door is read, no officer of the county may open it."""
    await county.settle()
    await page(county, "bins", [{"bin": "B-5", "door": "D-5"}])
    for scope_code in ("B-5", "D-5"):
        assert await found(county, scope_code) is None
    await page(county, "doors", [DOOR | {"door": "D-5", "old": []}])
    place = await found(county, "B-5")
    assert place is not None
    assert place.division == VILLAGE


async def found(county: County, code: str) -> Place | None:
    scope = Scope("ada", Role.STAFF, VILLAGE)
    return (await county.store.read(lambda session: places.find(session, scope, [code]))).get(code)


async def test_a_value_that_changed_is_that_systems_alone(county: County, clock: HandClock) -> None:
    await page(county, "doors", [DOOR])
    await page(county, "files", [FILE])
    clock.tick(hours=6)
    later = clock.now() - timedelta(minutes=3)
    await page(county, "doors", [DOOR | {"head": "陈新", "address": "二号", "village": SIBLING}], as_of=later)
    heads = {s.system: (s.value, s.as_of) for s in await snapshots(county, "household.head_name")}
    assert heads == {"doors": ("陈新", later), "files": ("陈小山", later - timedelta(hours=6) + timedelta(minutes=3))}
    (place,) = await county.rows(Place)
    assert (place.name, place.division) == ("二号", SIBLING)
    (count,) = await snapshots(county, "household.member_count")
    assert (count.value, count.as_of, count.since) == (4, later, clock.now() - timedelta(hours=6))


async def test_a_row_that_says_less_takes_nothing_away(county: County) -> None:
    await page(county, "doors", [DOOR])
    await page(county, "doors", [{"door": "D-1"}])
    (place,) = await county.rows(Place)
    assert (place.name, place.division) == ("一号", VILLAGE)
    assert {s.element: s.value for s in await snapshots(county)} == {
        "household.head_name": "陈大山", "household.member_count": 4,
    }  # fmt: skip
    assert len(await keys(county)) == 3


async def test_one_door_twice_on_a_page_is_one_place(county: County) -> None:
    merged = await page(county, "doors", [DOOR, DOOR | {"head": "陈后"}])
    assert merged.rows == 2
    assert len(await county.rows(Place)) == 1
    (head,) = await snapshots(county, "household.head_name")
    assert head.value == "陈后"


async def test_a_page_of_thousands(county: County) -> None:
    """More codes than SQLite takes in one expression, and more than one IN."""
    rows = [{"door": f"D-{n}", "village": VILLAGE, "old": [{"by": "police", "text": f"S-{n}"}]} for n in range(1_300)]
    for _ in range(2):
        assert (await page(county, "doors", rows)).rows == 1_300
    assert len(await county.rows(Place)) == 1_300
    assert len({place.token for place in await county.rows(Place)}) == 1_300


async def test_an_empty_page_changes_nothing(county: County) -> None:
    await page(county, "doors", [DOOR])
    before = await county.counts()
    assert (await page(county, "doors", [])) == Merged()
    assert await county.counts() == before
