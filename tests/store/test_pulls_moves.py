"""Codes that move, end, are renumbered, merged and split: a Place is what its Systems say now, in whatever order."""

from itertools import permutations

import pytest

from hub.model import Alias, Place, PullRow
from hub.model.open_item import ItemState
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import SIBLING, VILLAGE, County
from tests.some_connectors.source import Sources, registry_with

ONE = {"door": "D-1", "village": VILLAGE, "address": "幸福路1号", "head": "陈大山", "count": 4, "old": []}
TWO = {"door": "D-2", "village": VILLAGE, "address": "幸福路2号", "head": "李小河", "count": 2, "old": []}


def sticker(*codes: str) -> list[dict[str, str]]:
    return [{"by": "police", "text": code} for code in codes]


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """Two houses, and a bin and a file at the first."""
    sources = Sources(County(store, clock))
    sources.doors.say(ONE, TWO)
    sources.bins.say({"bin": "B-1", "door": "D-1", "level": "good"})
    sources.files.say({"file": "F-1", "door": "D-1", "income": 9000})
    await sources.pull()
    assert await sources.codes("D-1") == {"D-1", "B-1", "F-1"}
    return sources


@pytest.mark.case("C04")
async def test_a_bin_that_moves_belongs_to_the_new_house(hub: Sources) -> None:
    hub.bins.say({"bin": "B-1", "door": "D-2", "level": "poor"})
    (report,) = await hub.pull("bins")
    assert (report.rows, report.changed, report.left_out) == (1, 1, 0)
    assert await hub.codes("D-2") == {"D-2", "B-1"}
    assert await hub.keys("D-1") == {"doors": "D-1", "files": "F-1"}
    assert "bins bin.last_level" not in await hub.known("D-1")
    assert (await hub.known("D-2"))["bins bin.last_level"] == "poor"
    assert ("moved", "bins", "B-1") in await hub.history()
    assert await hub.open() == {}


@pytest.mark.case("C04")
async def test_it_moves_back_and_forth_as_often_as_its_system_says(hub: Sources) -> None:
    for door in ("D-2", "D-1", "D-2", "D-1"):
        hub.bins.say({"bin": "B-1", "door": door})
        await hub.pull("bins")
        assert "B-1" in await hub.codes(door)
    assert [fate for fate, issuer, _ in await hub.history() if issuer == "bins"] == ["moved"] * 4
    assert await hub.counts() == (2, 4, 4)


@pytest.mark.case("C04")
async def test_what_names_a_bin_follows_it(hub: Sources) -> None:
    """The river office knows a household by its bin only: where the bin goes, it goes."""
    hub.rivers.say({"near": "N-1", "bin": "B-1", "phone": "19900000101"})
    await hub.pull("rivers")
    assert (await hub.known("D-1"))["rivers household.phone"] == "19900000101"
    hub.bins.say({"bin": "B-1", "door": "D-2"})
    await hub.pull("bins")
    assert await hub.codes("D-2") == {"D-2", "B-1", "N-1"}
    assert (await hub.known("D-2"))["rivers household.phone"] == "19900000101"


@pytest.mark.case("C04")
async def test_a_row_whose_codes_lead_to_two_houses_is_a_tangle_until_it_is_not(hub: Sources) -> None:
    """A real tangle: nobody guesses, the row stays where it was, and it is open until the source is mended."""
    hub.bins.say({"bin": "B-2", "door": "D-2"})
    hub.rivers.say({"near": "N-1", "door": "D-1", "bin": "B-2", "phone": "19900000101"})
    (_, report) = await hub.pull("bins", "rivers")
    assert (report.rows, report.left_out, report.noted) == (0, 1, 1)
    ((kind, key, _),) = await hub.open()
    assert (kind, key) == ("codes_tangled", "N-1")
    assert await hub.place("N-1") is None
    await hub.pull("rivers", from_start=True)
    (item,) = (await hub.open()).values()
    assert item.times == 2
    assert {item.place_id, item.other_place_id} == {(await hub.place(code) or Place()).id for code in ("D-1", "D-2")}
    hub.bins.say({"bin": "B-2", "door": "D-1"})
    await hub.pull("bins", "rivers")
    await hub.pull("rivers", from_start=True)
    assert await hub.open() == {}
    assert "N-1" in await hub.codes("D-1")


@pytest.mark.case("C04")
async def test_a_household_gets_a_new_number(hub: Sources) -> None:
    """Renumbered: the number told last is the one Systems hear, the old one opens nothing."""
    hub.files.say({"file": "F-9", "door": "D-1", "income": 9000})
    await hub.pull("files")
    assert (await hub.keys("D-1"))["files"] == "F-9"
    hub.files.drop("F-1")
    await hub.pull("files")
    assert await hub.codes("D-1") == {"D-1", "B-1", "F-9"}
    assert await hub.place("F-1") is None


@pytest.mark.case("C04")
@pytest.mark.parametrize("first", ["the old row goes first", "the new row comes first"])
async def test_a_house_gets_a_new_door_code_and_keeps_its_sticker(hub: Sources, first: str) -> None:
    """The doors' own number changes: bins and files name the new one from then on, the sticker stays on the wall."""
    hub.doors.say(ONE | {"old": sticker("S-1")})
    await hub.pull("doors")
    home = await hub.place("D-1")
    hub.doors.drop("D-1")
    if first == "the old row goes first":
        await hub.pull("doors")
    hub.doors.say(ONE | {"door": "D-7", "old": sticker("S-1")})
    hub.bins.say({"bin": "B-1", "door": "D-7", "level": "good"})
    hub.files.say({"file": "F-1", "door": "D-7", "income": 9000})
    await hub.pull()
    await hub.pull(from_start=True)
    assert await hub.codes("S-1") == {"D-7", "S-1", "B-1", "F-1"}
    assert await hub.place("D-1") is None
    if first == "the new row comes first":
        assert await hub.place("D-7") == home


@pytest.mark.case("C04")
async def test_a_sticker_is_put_on_another_door(hub: Sources) -> None:
    hub.doors.say(ONE | {"old": sticker("S-1", "S-2")})
    await hub.pull("doors")
    hub.doors.say(ONE | {"old": sticker("S-2")}, TWO | {"old": sticker("S-1")})
    await hub.pull("doors")
    assert await hub.codes("D-1") == {"D-1", "B-1", "F-1", "S-2"}
    assert await hub.codes("D-2") == {"D-2", "S-1"}
    assert await hub.open() == {}


@pytest.mark.case("C04")
async def test_a_sticker_two_doors_claim_goes_to_the_last_and_is_named(hub: Sources) -> None:
    hub.doors.say(ONE | {"old": sticker("S-1")})
    await hub.pull("doors")
    hub.doors.say(TWO | {"old": sticker("S-1")})
    await hub.pull("doors")
    assert "S-1" in await hub.codes("D-2")
    ((kind, key, field),) = await hub.open()
    assert (kind, key, field) == ("codes_tangled", "D-2", "police")
    await hub.pull("doors", from_start=True)
    assert len(await hub.open()) == 1, "both still say so"
    hub.doors.say(ONE | {"old": []})
    await hub.pull("doors")
    assert await hub.open() == {}


@pytest.mark.case("C04")
async def test_a_bin_whose_house_is_taken_off_it_stands_alone(hub: Sources) -> None:
    """Split: a present null ends the tie, and nobody may open it until somebody has located it."""
    hub.rivers.say({"near": "N-1", "door": "D-1", "bin": None, "phone": "19900000101"})
    await hub.pull("rivers")
    assert "N-1" in await hub.codes("D-1")
    hub.rivers.say({"near": "N-1", "door": None, "phone": "19900000101"})
    await hub.pull("rivers")
    assert await hub.codes("D-1") == {"D-1", "B-1", "F-1"}
    assert "rivers household.phone" not in await hub.known("D-1")
    (row,) = await hub.county.rows(PullRow, system="rivers")
    (place,) = await hub.county.rows(Place, id=row.place_id)
    assert place.division == ""


@pytest.mark.case("C04")
async def test_a_row_that_says_nothing_of_its_house_stays(hub: Sources) -> None:
    hub.rivers.say({"near": "N-1", "door": "D-1"})
    await hub.pull("rivers")
    hub.rivers.say({"near": "N-1", "phone": "19900000101"})
    await hub.pull("rivers")
    assert (await hub.known("D-1"))["rivers household.phone"] == "19900000101"


@pytest.mark.parametrize("order", list(permutations(("doors", "bins", "files", "rivers"))), ids="-".join)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_chains_come_to_one_place_in_any_order(store: Store, clock: HandClock, order: tuple[str, ...]) -> None:
    """The river office names a bin, the bin its door: nobody has to read them in that order."""
    hub = Sources(County(store, clock))
    hub.doors.say(ONE)
    hub.bins.say({"bin": "B-1", "door": "D-1"})
    hub.files.say({"file": "F-1", "door": "D-1"})
    hub.rivers.say({"near": "N-1", "bin": "B-1"})
    await hub.pull(*order)
    await hub.pull(*order, from_start=True)
    assert await hub.codes("N-1") == {"D-1", "B-1", "F-1", "N-1"}
    assert await hub.open() == {}
    left = [place for place in await hub.county.rows(Place) if place.linked_to is None]
    assert len(left) == 1, "what was another Place says which one it turned out to be"


@pytest.mark.case("C11")
async def test_a_row_that_is_gone_takes_its_values_and_codes_with_it(hub: Sources) -> None:
    hub.files.drop("F-1")
    (report,) = await hub.pull("files")
    assert (report.ended, report.left_out) == (1, 0)
    assert await hub.codes("D-1") == {"D-1", "B-1"}
    assert await hub.place("F-1") is None
    assert "files household.income_yuan" not in await hub.known("D-1")
    (row,) = await hub.county.rows(PullRow, system="files")
    assert (row.known, row.ended_at) == ({"household.income_yuan": 9000}, hub.county.clock.now())
    (code,) = await hub.county.rows(Alias, issuer="files")
    assert code.ended_at == hub.county.clock.now()


@pytest.mark.case("C11")
async def test_a_house_nobody_knows_any_more_is_offered_to_nobody(hub: Sources) -> None:
    home = await hub.place("D-1")
    assert home is not None
    hub.doors.drop("D-1")
    await hub.pull("doors")
    assert await hub.place("D-1") is None
    assert await hub.place("B-1") == home, "bins and files still know it"
    hub.bins.drop("B-1")
    hub.files.drop("F-1")
    await hub.pull("bins", "files")
    assert [await hub.place(code) for code in ("B-1", "F-1", f"FO1:{home.token}")] == [None] * 3
    found = await hub.place(home.id)
    assert found is not None, "what was filed there is kept"
    assert found.ended_at == hub.county.clock.now()


@pytest.mark.case("C11")
async def test_what_comes_back_is_the_same_place(hub: Sources) -> None:
    home = await hub.place("D-1")
    assert home is not None
    for source, key in ((hub.doors, "D-1"), (hub.bins, "B-1"), (hub.files, "F-1")):
        source.drop(key)
    await hub.pull()
    hub.doors.say(ONE)
    await hub.pull("doors")
    back = await hub.place("D-1")
    assert back is not None
    assert (back.id, back.ended_at) == (home.id, None)
    assert await hub.known("D-1") == {"doors household.head_name": "陈大山", "doors household.member_count": 4}
    assert [what for what in await hub.history() if what[1] == "doors"] == [("ended", "doors", "D-1")]


@pytest.mark.case("C11")
async def test_a_present_null_ends_a_value_and_a_missing_field_says_nothing(hub: Sources) -> None:
    hub.doors.say({"door": "D-1", "village": VILLAGE, "head": None})
    await hub.pull("doors")
    assert await hub.known("D-1") == {
        "doors household.member_count": 4, "bins bin.last_level": "good", "files household.income_yuan": 9000,
    }  # fmt: skip
    assert ("ended", "household.head_name", "陈大山") in await hub.history()
    hub.doors.say(ONE | {"head": "　"})
    await hub.pull("doors")
    assert "doors household.head_name" not in await hub.known("D-1"), "a blank is no value either"


@pytest.mark.case("C11")
async def test_one_of_two_bins_that_is_gone_leaves_the_other(hub: Sources) -> None:
    hub.bins.say({"bin": "B-2", "door": "D-1", "level": "poor"})
    await hub.pull("bins")
    assert (await hub.known("D-1"))["bins bin.last_level"] == "poor"
    hub.bins.drop("B-2")
    await hub.pull("bins")
    assert (await hub.known("D-1"))["bins bin.last_level"] == "good"
    assert (await hub.keys("D-1"))["bins"] == "B-1"


@pytest.fixture
async def two(store: Store, clock: HandClock) -> Sources:
    """Doors and bins that both tell where a house is and what it is called."""
    place = {"division": "where", "name": "called"}
    registry = registry_with("bins", place=place, aliases={"doors": {"from": "door", "optional": True}})
    sources = Sources(County(store, clock), registry)
    sources.doors.say(ONE, TWO)
    sources.bins.say({"bin": "B-1", "where": VILLAGE, "called": " 幸福路 １号 "})
    return sources


@pytest.mark.case("C10")
@pytest.mark.parametrize("order", [("doors", "bins"), ("bins", "doors")])
async def test_two_systems_with_one_house_and_no_common_code_are_named(two: Sources, order: tuple[str, ...]) -> None:
    await two.pull(*order)
    (item,) = (await two.open()).values()
    key = {"bins": "B-1", "doors": "D-1"}[order[1]]
    assert (item.kind, item.system, item.row_key) == ("places_to_link", order[1], key)
    places = {(await two.place(code) or Place()).id for code in ("B-1", "D-1")}
    assert {item.place_id, item.other_place_id} == places
    await two.pull("doors", "bins", from_start=True)
    assert len(await two.open()) == 1


@pytest.mark.case("C10")
async def test_it_is_solved_once_a_code_says_that_they_are_one(two: Sources) -> None:
    await two.pull("doors", "bins")
    two.bins.say({"bin": "B-1", "where": VILLAGE, "called": "幸福路1号", "door": "D-1"})
    await two.pull("bins")
    assert await two.open() == {}
    assert await two.codes("B-1") == {"D-1", "B-1"}


@pytest.mark.case("C10")
async def test_it_is_solved_once_they_are_called_differently(two: Sources) -> None:
    await two.pull("doors", "bins")
    two.bins.say({"bin": "B-1", "where": SIBLING, "called": "幸福路1号"})
    await two.pull("bins")
    assert await two.open() == {}


@pytest.mark.case("C10")
async def test_what_a_person_dismissed_is_not_asked_again(two: Sources) -> None:
    await two.pull("doors", "bins")
    (item,) = (await two.open()).values()
    item.state, item.why = ItemState.DISMISSED, "two houses"
    await two.county.store.write(lambda session: session.merge(item) and None)
    await two.pull("bins", from_start=True)
    assert await two.open() == {}


@pytest.mark.case("C10")
async def test_a_name_two_rows_of_one_system_have_tells_nothing(two: Sources) -> None:
    """A block of flats: every household of it is called the same."""
    two.doors.say(TWO | {"address": "幸福路1号"})
    await two.pull("doors", "bins")
    assert await two.open() == {}


@pytest.mark.case("C10")
async def test_many_are_found_in_one_first_reading(two: Sources) -> None:
    """More than are kept in hand."""
    two.doors.say(*({"door": f"E-{n}", "village": SIBLING, "address": f"和平路{n}号"} for n in range(1_100)))
    two.bins.say({"bin": "B-2", "where": SIBLING, "called": "和平路77号"})
    await two.pull("bins", "doors")
    assert {key for _, key, _ in await two.open()} == {"D-1", "E-77"}
