"""A person links Places, parts them and says where a code stands: later pulls follow, the journal knows why."""

import asyncio

import pytest

from hub.errors import Problem
from hub.model import JournalEntry, OpenItem, Place
from hub.model.open_item import ItemKind
from hub.pulls import decide
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
    registry = registry_with("files", place=place, aliases=aliases)
    sources = Sources(County(store, clock), registry)
    sources.doors.say(DOOR, OTHER)
    sources.files.say(FILE)
    await sources.pull("doors", "files")
    return sources


def word(hub: Sources, why: str = "上门看过") -> Decision:
    return Decision("bea", why, hub.county.clock.now())


async def place_id(hub: Sources, code: str) -> str:
    place = await hub.place(code)
    assert place is not None
    return place.id


async def link(hub: Sources, one: str, into: str) -> None:
    first, second, said = await place_id(hub, one), await place_id(hub, into), word(hub)
    await hub.county.store.write(lambda session: decide.link(session, first, second, said))


async def part(hub: Sources, code: str, *rows: tuple[str, str, str], into: str | None = None) -> str:
    here, said = await place_id(hub, code), word(hub)
    return await hub.county.store.write(lambda session: decide.part(session, here, rows, into, said)[0])


async def refused(hub: Sources, wish: object) -> str:
    with pytest.raises(Problem) as caught:
        await wish  # type: ignore[misc]  # one of the coroutines above
    return caught.value.faults[0].code if caught.value.faults else caught.value.code


async def test_linked_places_are_one_from_then_on(hub: Sources) -> None:
    assert (ItemKind.PLACES_TO_LINK, "F-1") in {key[:2] for key in await hub.open()}
    before = await place_id(hub, "F-1")
    await link(hub, "F-1", "D-1")
    assert await hub.codes("D-1") == {"D-1", "F-1"}
    assert await hub.keys("D-1") == {"doors": "D-1", "files": "F-1"}
    assert (await hub.known("F-1"))["files household.income_yuan"] == 9000
    assert await hub.open() == {}
    (item,) = await hub.county.rows(OpenItem, kind="places_to_link")
    assert (item.state, item.settled_by, item.why) == ("solved", "bea", "上门看过")
    (entry,) = await hub.county.rows(JournalEntry, action="place.linked")
    assert (entry.subject, entry.account_id, entry.why) == (before, "bea", "上门看过")
    assert ("linked", "files", "F-1") in await hub.history()
    assert await place_id(hub, before) == await place_id(hub, "D-1"), "what was filed there leads to the one Place"


async def test_later_pulls_follow(hub: Sources) -> None:
    """Whatever either System says next, whole or not, stays on the one Place."""
    await link(hub, "F-1", "D-1")
    hub.files.say(FILE | {"income": 12_000, "address": "幸福路一号"})
    hub.doors.say(DOOR | {"count": 5})
    await hub.pull("files", "doors")
    await hub.pull("files", "doors", from_start=True)
    assert await hub.codes("D-1") == {"D-1", "F-1"}
    known = await hub.known("D-1")
    assert (known["files household.income_yuan"], known["doors household.member_count"]) == (12_000, 5)
    assert await hub.open() == {}
    hub.bins.say({"bin": "B-1", "door": "D-1"})
    await hub.pull("bins")
    assert await hub.codes("F-1") == {"D-1", "F-1", "B-1"}


async def test_a_sticker_taken_off_does_not_part_what_a_person_linked(hub: Sources) -> None:
    hub.files.say(FILE | {"door": None})
    hub.doors.say(DOOR | {"old": [{"by": "police", "text": "S-1"}]})
    await hub.pull("doors", "files")
    await link(hub, "F-1", "D-1")
    hub.doors.say(DOOR)
    await hub.pull("doors")
    assert await hub.codes("F-1") == {"D-1", "F-1"}


async def test_what_was_linked_wrongly_is_parted_again(hub: Sources) -> None:
    await link(hub, "F-1", "D-2")
    new = await part(hub, "D-2", ("files", "homes", "f-1"))
    assert await hub.codes("F-1") == {"F-1"}
    assert await place_id(hub, "F-1") == new
    assert await hub.codes("D-2") == {"D-2"}
    assert ("parted", "files", "F-1") in await hub.history()
    await hub.pull("files", "doors", from_start=True)
    assert (await hub.place("F-1")).name == "幸福路1号"  # type: ignore[union-attr]  # it is there
    assert await hub.codes("F-1") == {"F-1"}
    (entry,) = await hub.county.rows(JournalEntry, action="place.parted")
    assert (entry.account_id, entry.why) == ("bea", "上门看过")


async def test_parted_against_their_codes_they_stay_parted(hub: Sources) -> None:
    """A file names a door it does not belong to; a person knows better than the System's row."""
    hub.files.say(FILE | {"door": "D-2"})
    await hub.pull("files")
    assert await hub.codes("D-2") == {"D-2", "F-1"}
    new = await part(hub, "D-2", ("files", "homes", "f-1"))
    hub.files.say(FILE | {"door": "D-2", "income": 1})
    await hub.pull("files")
    await hub.pull("doors", "files", from_start=True)
    assert await place_id(hub, "F-1") == new
    assert await hub.codes("D-2") == {"D-2"}


async def test_a_row_is_parted_to_a_place_that_is_there(hub: Sources) -> None:
    hub.files.say(FILE | {"door": "D-2"})
    await hub.pull("files")
    right = await place_id(hub, "D-1")
    assert await part(hub, "D-2", ("files", "homes", "f-1"), into=right) == right
    assert await hub.codes("D-1") == {"D-1", "F-1"}


async def test_a_sticker_two_doors_claim_stands_where_a_person_says(hub: Sources) -> None:
    sticker = [{"by": "police", "text": "S-1"}]
    hub.doors.say(DOOR | {"old": sticker})
    await hub.pull("doors")
    hub.doors.say(OTHER | {"old": sticker})
    await hub.pull("doors")
    assert (ItemKind.CODES_TANGLED, "D-2", "police") in await hub.open()
    here, said = await place_id(hub, "D-1"), word(hub)
    await hub.county.store.write(lambda session: decide.place_code(session, here, ("police", "ｓ-1"), said))
    assert await hub.codes("D-1") == {"D-1", "S-1"}
    assert {key[0] for key in await hub.open()} <= {ItemKind.PLACES_TO_LINK}
    await hub.pull("doors", from_start=True)
    assert await hub.codes("D-1") == {"D-1", "S-1"}
    assert {key[0] for key in await hub.open()} <= {ItemKind.PLACES_TO_LINK}
    (entry,) = await hub.county.rows(JournalEntry, action="place.code_placed")
    assert entry.subject == here


async def test_a_row_whose_codes_tangled_comes_in_once_they_are_decided(hub: Sources) -> None:
    """Its door and its bin lead to two houses; linked, they are one, and the next whole reading stores the row."""
    hub.bins.say({"bin": "B-1", "door": "D-2"})
    hub.rivers.say({"near": "N-1", "bin": "B-1", "door": "D-1", "phone": "19900000101"})
    await hub.pull("bins", "rivers")
    assert (ItemKind.CODES_TANGLED, "N-1", "") in await hub.open()
    await link(hub, "D-2", "D-1")
    await hub.pull("rivers", from_start=True)
    assert await hub.codes("D-1") == {"D-1", "D-2", "B-1", "N-1"}
    assert {key[0] for key in await hub.open()} <= {ItemKind.PLACES_TO_LINK}


async def test_what_cannot_be_one_is_refused(hub: Sources) -> None:
    now, here = hub.county.clock.now(), await place_id(hub, "D-1")
    river = Place(id="river", kind="river_segment", name="河", division=VILLAGE, token="t-r", created_at=now)
    await hub.county.store.write(lambda session: session.add(river))
    assert await refused(hub, link(hub, "D-1", "D-1")) == "same_place"
    assert await refused(hub, link(hub, "D-1", "river")) == "place.other_kind"
    assert await refused(hub, part(hub, "D-1", ("doors", "homes", "d-1"))) == "all_rows"
    assert await refused(hub, part(hub, "D-1", ("doors", "homes", "d-2"))) == "row_elsewhere"
    await link(hub, "F-1", "D-1")
    linked = next(place.id for place in await hub.county.rows(Place) if place.linked_to == here)
    said = word(hub)
    gone = hub.county.store.write(lambda session: decide.link(session, linked, here, said))
    assert await refused(hub, gone) == "place.linked"
    unknown = hub.county.store.write(lambda session: decide.place_code(session, here, ("police", "S-404"), said))
    assert await refused(hub, unknown) == "code_unknown"


async def test_two_people_link_the_same_two_at_once(hub: Sources) -> None:
    """In opposite directions: one decision holds, the other came too late and is told so, no circle is made."""
    one, other = await place_id(hub, "D-1"), await place_id(hub, "F-1")
    said = word(hub)
    results = await asyncio.gather(
        hub.county.store.write(lambda session: decide.link(session, one, other, said)),
        hub.county.store.write(lambda session: decide.link(session, other, one, said)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Problem", "frozenset"]
    assert await hub.codes("D-1") == {"D-1", "F-1"}
