"""What comes by machine: codes with blanks around them, one bad field of a row, normal forms; faults are open items."""

from typing import Any

import pytest

from hub.model import OpenItem, Place
from hub.model.open_item import ItemState
from hub.pulls.items import MOST_NAMED
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County, visit
from tests.some_connectors.source import Sources, registry_with

HEAD = "household.head_name"
ONE: dict[str, Any] = {"door": "D-1", "village": VILLAGE, "address": "幸福路1号", "head": "陈大山", "count": 4}


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    return Sources(County(store, clock))


@pytest.mark.case("C05")
@pytest.mark.parametrize("around", ["{}  ", "　{}", "\xa0{}\xa0", "\ufeff{}", "{}\r\n", "\t{}\v", "\u200b{}"])
@pytest.mark.parametrize("code", ["D-1", "d-1", "Ｄ－１", "D- 1"])
async def test_a_code_is_the_same_whatever_blanks_case_and_width(hub: Sources, around: str, code: str) -> None:
    hub.doors.say(ONE)
    hub.bins.say({"bin": "B-1", "door": around.format(code), "level": "good"})
    await hub.pull("doors", "bins")
    assert len(await hub.county.rows(Place)) == 1
    assert await hub.codes("B-1") == {"D-1", "B-1"}
    place = await hub.place(around.format(code))
    assert place is not None
    assert place.division == VILLAGE
    assert await hub.open() == {}


@pytest.mark.case("C05")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_is_one_place_whichever_comes_first(hub: Sources) -> None:
    hub.bins.say({"bin": "B-1　", "door": "\ufeffd-1", "level": "good"})
    hub.doors.say(ONE | {"door": " D-1", "village": f" {VILLAGE}\n", "address": "　幸福路1号"})
    await hub.pull("bins", "doors")
    place = await hub.place("D-1")
    assert place is not None
    assert (place.name, place.division) == ("幸福路1号", VILLAGE)
    assert await hub.codes("D-1") == {"D-1", "B-1"}, "kept as its own System writes it, without the blanks"
    hub.doors.say(ONE)
    (report,) = await hub.pull("doors")
    assert (report.changed, len(await hub.county.rows(Place))) == (0, 1)


@pytest.mark.case("C05")
@pytest.mark.parametrize(
    ("village", "field"),
    [("330783", None), ("330783005", None), (330783005004, None), ("330782005004", "place.division"),
     ("村委会", "place.division")],
)  # fmt: skip
async def test_a_division_is_one_of_this_county(hub: Sources, village: object, field: str | None) -> None:
    hub.doors.say(ONE | {"village": village})
    await hub.pull("doors")
    assert [name for _, _, name in await hub.open()] == ([field] if field else [])
    (place,) = await hub.county.rows(Place)
    assert place.division == ("" if field else str(village).ljust(12, "0"))


@pytest.mark.case("C06")
@pytest.mark.parametrize("value", ["约4人", "4.5", {}, 51])
async def test_one_bad_value_of_a_new_row_leaves_the_rest_known(hub: Sources, value: object) -> None:
    hub.doors.say(ONE | {"count": value})
    (report,) = await hub.pull("doors")
    assert (report.rows, report.left_out, report.noted) == (1, 0, 1)
    assert await hub.known("D-1") == {"doors household.head_name": "陈大山"}
    ((key, item),) = (await hub.open()).items()
    assert key == ("value_not_understood", "D-1", "household.member_count")
    assert (item.place_id, item.times) == ((await hub.place("D-1") or Place()).id, 1)
    shown = {"约4人": "约4人", "4.5": "4.5", "{}": "{…}", "51": "51"}
    assert item.value == shown[str(value)]


@pytest.mark.case("C06")
async def test_four_in_full_width_is_four(hub: Sources) -> None:
    hub.doors.say(ONE | {"count": "４"})
    await hub.pull("doors")
    assert (await hub.known("D-1"))["doors household.member_count"] == 4
    assert await hub.open() == {}


@pytest.mark.case("C06")
async def test_a_code_no_table_knows_is_one_field(hub: Sources) -> None:
    hub.doors.say(ONE)
    hub.bins.say({"bin": "B-1", "door": "D-1", "level": "excellent"})
    await hub.pull("doors", "bins")
    assert "bins bin.last_level" not in await hub.known("B-1")
    assert [*await hub.open()] == [("value_not_understood", "B-1", "bin.last_level")]


@pytest.mark.case("C06")
async def test_a_value_that_turns_bad_is_known_no_more_and_open_until_mended(hub: Sources, clock: HandClock) -> None:
    hub.doors.say(ONE)
    await hub.pull("doors")
    hub.doors.say(ONE | {"count": "约4人"})
    await hub.pull("doors")
    assert "doors household.member_count" not in await hub.known("D-1")
    assert ("ended", "household.member_count", 4) in await hub.history()
    await hub.pull("doors", from_start=True)
    (item,) = (await hub.open()).values()
    assert (item.times, item.last_at) == (2, clock.now())
    hub.doors.say(ONE | {"count": 5})
    await hub.pull("doors")
    assert await hub.open() == {}
    (item,) = await hub.county.rows(OpenItem)
    assert (item.state, item.settled_by, item.settled_at) == ("solved", "", clock.now())


@pytest.mark.case("C06")
async def test_it_is_solved_when_its_row_is_gone(hub: Sources) -> None:
    hub.doors.say(ONE | {"count": "约4人"}, {"door": "D-2", "village": VILLAGE}, {"door": "D-3", "village": VILLAGE})
    await hub.pull("doors")
    hub.doors.drop("D-1", hidden=True)
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}


@pytest.mark.case("C06")
async def test_dismissed_it_stays_so_as_long_as_the_value_is_the_same(hub: Sources) -> None:
    hub.doors.say(ONE | {"count": "约4人"})
    await hub.pull("doors")
    (item,) = (await hub.open()).values()
    item.state, item.why = ItemState.DISMISSED, "they write so"
    await hub.county.store.write(lambda session: session.merge(item) and None)
    hub.doors.say(ONE | {"count": "约4人", "head": "陈二"})
    await hub.pull("doors")
    assert await hub.open() == {}
    hub.doors.say(ONE | {"count": "约5人"})
    await hub.pull("doors")
    assert [*await hub.open()] == [("value_not_understood", "D-1", "household.member_count")]


@pytest.mark.case("C06")
async def test_where_every_row_is_bad_some_are_named_and_the_rest_counted(hub: Sources) -> None:
    """The wiring is at fault then. Once the first are mended, others of the rest are named."""
    count = MOST_NAMED + 50
    hub.doors.say(*(ONE | {"door": f"E-{n}", "address": f"{n}号", "count": "约4人"} for n in range(count)))
    (report,) = await hub.pull("doors")
    assert (report.rows, report.noted) == (count, count)
    items = await hub.open()
    rest = items.pop(("value_not_understood", "", ""))
    assert (len(items), rest.params["count"]) == (MOST_NAMED, 50)
    named = {key for _, key, _ in items}
    hub.doors.say(*(ONE | {"door": key, "address": key, "count": 1} for key in sorted(named)[:30]))
    await hub.pull("doors")
    await hub.pull("doors", from_start=True)
    items = await hub.open()
    assert items.pop(("value_not_understood", "", "")).params["count"] == 20
    assert len(items) == MOST_NAMED
    hub.doors.say(*(ONE | {"door": f"E-{n}", "address": f"{n}号", "count": 1} for n in range(count)))
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}


@pytest.mark.case("C07")
@pytest.mark.parametrize(
    ("value", "phone", "shown"),
    [
        ("13800000000.0", "13800000000", None), (13800000000.0, "13800000000", None), ("1.38E+10", None, "1.***+**"),
        ("13800000000/0579-86000000", None, "1**********/****-********"),
        ("0579-86000000转8012", None, "0***-*************"),
        ("无", None, None),
    ],
)  # fmt: skip
async def test_the_phone_or_nothing(hub: Sources, value: object, phone: str | None, shown: str | None) -> None:
    hub.rivers.say({"near": "N-1", "phone": value})
    hub.doors.say(ONE)
    (report,) = await hub.pull("rivers")
    assert (report.rows, report.left_out) == (1, 0)
    (place,) = await hub.county.rows(Place)
    assert [one.value for one in await hub.snapshots(place.id)] == ([phone] if phone else [])
    assert [item.value for item in (await hub.open()).values()] == ([shown] if shown else [])


@pytest.mark.case("C07")
async def test_digits_in_the_wiring_glue_no_two_phones_together(store: Store, clock: HandClock) -> None:
    fields = {"household.phone": {"from": "phone", "as": "digits", "optional": True}}
    hub = Sources(County(store, clock), registry_with("rivers", fields=fields))
    phones = ["13800000000/0579-86000000", "0579-86000000转8012", "13800000000 13900000000", "13800000000.0"]
    phones.append("0579-86000000")
    hub.rivers.say(*({"near": f"N-{n}", "phone": each} for n, each in enumerate(phones)))
    await hub.pull("rivers")
    said = {one.value for place in await hub.county.rows(Place) for one in await hub.snapshots(place.id)}
    assert said == {"13800000000", "057986000000"}
    assert {key for _, key, _ in await hub.open()} == {"N-0", "N-1", "N-2"}


@pytest.mark.case("C08")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_name_in_a_compatibility_character_confirmed_as_offered(hub: Sources) -> None:
    """What is offered is what an officer's keyboard gives; sending it back makes no discrepancy."""
    await hub.county.settle()
    hub.doors.say(ONE | {"door": "D-1", "head": "\uf92c大山"})
    await hub.pull("doors")
    home = await hub.place("D-1")
    assert home is not None
    (offered,) = [one for one in await hub.snapshots(home.id) if (one.system, one.element) == ("doors", HEAD)]
    assert offered.value == "\u90ce大山"
    seen = {f"/{HEAD}": {"system": "doors", "as_of": offered.as_of.isoformat()}}
    accepted = await hub.county.submit(visit(answers={HEAD: "\u90ce大山"}, seen=seen))
    assert accepted.created
    counts = await hub.county.counts()
    assert counts["discrepancy"] == 0
