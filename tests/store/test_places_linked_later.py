"""What comes after Places were linked or parted: rows that come back, chains, ended Places, many rows at once."""

import time
from itertools import pairwise

import pytest

from hub.errors import Problem
from hub.model import OpenItem, Place
from hub.model.open_item import ItemKind
from hub.pulls import decide
from hub.pulls.items import MOST_NAMED
from hub.store import Store
from hub.store.query.open_items import Decision
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources, registry_with

pytestmark = pytest.mark.case("C10")
DOOR = {"door": "D-1", "village": VILLAGE, "address": "幸福路1号", "head": "陈大山", "count": 4, "old": []}
OTHER = {"door": "D-2", "village": VILLAGE, "address": "幸福路2号", "head": "李小河", "count": 2, "old": []}
FILE = {"file": "F-1", "income": 9000, "head": "陈大山", "village": VILLAGE, "address": "幸福路1号"}


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """One house that two Systems know, without a common code."""
    place, aliases = {"division": "village", "name": "address"}, {"doors": {"from": "door", "optional": True}}
    sources = Sources(County(store, clock), registry_with("files", place=place, aliases=aliases))
    sources.doors.say(DOOR, OTHER)
    sources.files.say(FILE)
    await sources.pull("doors", "files")
    return sources


async def id_of(hub: Sources, code: str) -> str:
    place = await hub.place(code)
    assert place is not None, code
    return place.id


def decision(hub: Sources) -> Decision:
    return Decision("bea", "上门看过", hub.county.clock.now())


async def link(hub: Sources, one: str, into: str) -> None:
    said = decision(hub)
    await hub.county.store.write(lambda session: decide.link(session, one, into, said))


async def part(hub: Sources, place: str, *rows: tuple[str, str, str], into: str | None = None) -> str:
    said = decision(hub)
    return await hub.county.store.write(lambda session: decide.part(session, place, rows, into, said)[0])


async def test_a_row_that_ended_before_the_link_comes_back_to_the_one_place(hub: Sources) -> None:
    hub.files.say(FILE | {"door": "D-2"})
    await hub.pull("files")
    hub.files.drop("F-1")
    await hub.pull("files")
    await link(hub, await id_of(hub, "D-2"), await id_of(hub, "D-1"))
    hub.files.say(FILE)
    await hub.pull("files")
    assert await id_of(hub, "F-1") == await id_of(hub, "D-1")
    assert await hub.codes("D-1") == {"D-1", "D-2", "F-1"}


async def test_a_row_that_ended_at_a_place_that_emptied_comes_back_to_where_the_others_went(hub: Sources) -> None:
    """No person, only codes: the Place that emptied leads on, and so does a row that comes back to it."""
    old = await id_of(hub, "F-1")
    hub.files.drop("F-1")
    await hub.pull("files")
    await link(hub, await id_of(hub, "D-2"), await id_of(hub, "D-1"))
    hub.files.say(FILE)
    await hub.pull("files")
    assert (await hub.place(old)).id == await id_of(hub, "F-1")  # type: ignore[union-attr]  # it is there


async def test_places_linked_one_after_the_other_all_lead_to_the_last(hub: Sources) -> None:
    doors = [f"L-{number}" for number in range(14)]
    hub.doors.say(*(DOOR | {"door": door, "address": f"长路{door}号"} for door in doors))
    await hub.pull("doors")
    ids = [await id_of(hub, door) for door in doors]
    for one, into in pairwise(ids):
        await link(hub, one, into)
    assert [(await hub.place(one)).id for one in ids] == [ids[-1]] * len(ids)  # type: ignore[union-attr]  # they are there
    assert await hub.codes(ids[0]) == set(doors)


@pytest.mark.parametrize("how", ["link", "part", "code"])
async def test_an_ended_place_that_a_person_gives_something_is_there_again(hub: Sources, how: str) -> None:
    hub.files.say(FILE | {"door": "D-2"})
    hub.bins.say({"bin": "B-1", "door": "D-1"})
    await hub.pull("files", "bins")
    ended = await id_of(hub, "D-1")
    hub.bins.drop("B-1")
    hub.doors.drop("D-1")
    await hub.pull("bins", "doors")
    assert await hub.place("D-1") is None
    here, said = await id_of(hub, "D-2"), decision(hub)
    if how == "link":
        await link(hub, here, ended)
    elif how == "part":
        await part(hub, here, ("files", "homes", "f-1"), into=ended)
    else:
        await hub.county.store.write(lambda session: decide.place_code(session, ended, ("files", "F-1"), said))
    opened = await hub.place("F-1")
    assert opened is not None
    assert (opened.id, opened.ended_at) == (ended, None)


async def test_what_a_person_parted_is_not_offered_for_linking_again(hub: Sources) -> None:
    hub.files.say(FILE | {"door": "D-1"})
    await hub.pull("files")
    await part(hub, await id_of(hub, "D-1"), ("files", "homes", "f-1"))
    await hub.pull("files", "doors", from_start=True)
    hub.files.say(FILE | {"door": "D-1", "income": 1})
    await hub.pull("files", "doors")
    assert await hub.open() == {}


async def test_a_code_is_placed_where_its_kind_of_place_is(hub: Sources) -> None:
    now, said = hub.county.clock.now(), decision(hub)
    river = Place(id="river", kind="river_segment", name="河", division=VILLAGE, token="t-r", created_at=now)
    await hub.county.store.write(lambda session: session.add(river))
    with pytest.raises(Problem) as refused:
        await hub.county.store.write(lambda session: decide.place_code(session, "river", ("doors", "D-1"), said))
    assert refused.value.code == "place.other_kind"


async def test_a_place_of_a_thousand_rows_is_linked_in_a_moment(hub: Sources) -> None:
    """A block of flats that one System counts as one Place, door by door, each with a sticker of its own."""
    rows = [FILE | {"file": f"F-{n}", "door": "D-2", "address": "幸福路2号"} for n in range(2, 1002)]
    hub.files.say(*rows)
    await hub.pull("files")
    one, into = await id_of(hub, "D-2"), await id_of(hub, "D-1")
    began = time.process_time()
    await link(hub, one, into)
    took = time.process_time() - began
    assert len(await hub.codes("D-1")) == 1002
    assert took < 2, f"{took:.1f} s of processor time with every other writer waiting"


@pytest.mark.case("C04")
async def test_a_word_people_write_for_no_sticker_makes_no_house_of_many(hub: Sources) -> None:
    """A first reading of many doors with one word where the sticker would be: as many Places, and one item."""
    doors = [f"W-{number}" for number in range(60)]
    none = [{"by": "police", "text": "待补"}]
    hub.doors.say(*(DOOR | {"door": door, "address": f"文明路{door}号", "old": none} for door in doors))
    await hub.pull("doors", from_start=True)
    assert len({await id_of(hub, door) for door in doors}) == len(doors)
    (item,) = await tangled(hub)
    assert item.params["code"] == "待补"
    for door in doors[:30]:
        hub.doors.say(DOOR | {"door": door, "address": f"文明路{door}号"})
    await hub.pull("doors")
    assert len(await tangled(hub)) == 1, "thirty rows go on"
    for door in doors[30:]:
        hub.doors.say(DOOR | {"door": door, "address": f"文明路{door}号"})
    await hub.pull("doors")
    assert await tangled(hub) == []


@pytest.mark.case("C04")
async def test_a_new_row_with_the_sticker_of_one_that_stays_is_named(hub: Sources) -> None:
    """It may be that house renumbered, so it is put there; when both go on, a person is asked."""
    sticker = [{"by": "police", "text": "S-1"}]
    hub.doors.say(DOOR | {"old": sticker})
    await hub.pull("doors")
    hub.doors.say(OTHER | {"door": "D-3", "old": sticker})
    await hub.pull("doors")
    (item,) = await tangled(hub)
    assert {item.row_key, item.params["other"]} == {"D-3", "d-1"}
    new = await part(hub, await id_of(hub, "D-1"), ("doors", "homes", "d-3"))
    await hub.pull("doors", from_start=True)
    assert await id_of(hub, "D-3") == new
    (item,) = await tangled(hub)  # both go on: which of the two doors has it is another question
    assert {item.place_id, item.other_place_id} == {new, await id_of(hub, "D-1")}
    said = decision(hub)
    await hub.county.store.write(lambda session: decide.place_code(session, new, ("police", "S-1"), said))
    await hub.pull("doors", from_start=True)
    assert (await id_of(hub, "S-1"), await tangled(hub)) == (new, [])


async def tangled(hub: Sources) -> list[OpenItem]:
    return [item for key, item in (await hub.open()).items() if key[0] == ItemKind.CODES_TANGLED]


@pytest.mark.case("C04")
async def test_of_many_codes_two_rows_tell_as_many_are_named_as_anybody_reads(hub: Sources) -> None:
    """A list that a System gives twice under other numbers."""
    some = MOST_NAMED + 50
    for half in "AB":
        hub.doors.say(*(
            DOOR | {"door": f"{half}-{n}", "address": f"{half}路{n}号", "old": [{"by": "police", "text": f"S-{n}"}]}
            for n in range(some)
        ))  # fmt: skip
    await hub.pull("doors")
    assert len(await tangled(hub)) == MOST_NAMED + 1
    (rest,) = [item for item in await tangled(hub) if not item.row_key]
    assert rest.params["count"] == 50
    await hub.pull("doors", from_start=True)
    assert len(await tangled(hub)) == MOST_NAMED + 1, "unchanged, so nothing is solved"
