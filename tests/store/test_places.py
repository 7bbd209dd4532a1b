"""Places on both databases: found by any code, within reach only; what is known beside them."""

import pytest

from hub.errors import Problem
from hub.model import Place
from hub.model.people import Role, Scope
from hub.store import Store
from hub.store.query import places
from hub.store.query.places import PlaceSearch
from tests.conftest import HandClock
from tests.some_connectors.county import COUNTY, SIBLING, TOWN, VILLAGE, County

HOME = ("home", "token-home", "FO1:token-home", "D-1", "B-1", "F-1", "S-1")


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


def scope(division: str) -> Scope:
    return Scope("ada", Role.STAFF, division)


async def find(county: County, division: str, *codes: str) -> dict[str, str]:
    found = await county.store.read(lambda session: places.find(session, scope(division), codes))
    return {code: place.id for code, place in found.items()}


async def test_every_code_opens_the_same_place_under_the_name_it_was_asked_by(county: County) -> None:
    assert await find(county, VILLAGE, *HOME, "S-2", "nobody's") == dict.fromkeys(HOME, "home") | {"S-2": "bare"}
    assert await find(county, VILLAGE) == {}


@pytest.mark.parametrize("code", ["FO1:D-1", "FO1:home", "FO1:", "FO1:TOKEN-HOME", "%", "D_1", "D1", "", "HOME"])
async def test_near_misses_open_nothing(county: County, code: str) -> None:
    assert await find(county, VILLAGE, code) == {}


@pytest.mark.case("C51")
@pytest.mark.parametrize(
    "code",
    ["d-1", "Ｄ－１", "D -1", "\u3000D-1\n", "\ufeffD-1", "D\u00a0-\u200b1", "fo1:token-home", "ＦＯ１：token-home",
     " token-home ", "home "],
)  # fmt: skip
async def test_case_width_and_blanks_of_a_code_do_not_matter(county: County, code: str) -> None:
    assert await find(county, VILLAGE, code) == {code: "home"}


@pytest.mark.case("C51")
async def test_two_codes_that_differ_in_case_only_open_neither_and_that_is_known(county: County) -> None:
    await county.store.write(lambda s: s.add(_alias("bins", "d-1", "bare", county)))
    assert await find(county, VILLAGE, "D-1") == {}
    named = await county.store.read(lambda session: places.named(session, ["D-1", "nobody's"]))
    assert {place.id for place in named.coded(scope(VILLAGE), "D-1")} == {"home", "bare"}
    assert named.coded(scope(SIBLING), "D-1") == []
    assert named.coded(scope(VILLAGE), "nobody's") == []


@pytest.mark.parametrize(
    ("division", "seen"),
    [
        (VILLAGE, {"home", "bare", "river"}),
        (SIBLING, {"far", "river"}),
        (TOWN, {"home", "bare", "far", "river"}),
        (COUNTY, {"home", "bare", "far", "river"}),
        ("330783000000", {"home", "bare", "far", "river"}),
        ("330783105000", set()),
        ("330782000000", set()),
        ("330000000000", {"home", "bare", "far", "river"}),
    ],
)
async def test_reach_is_ones_own_division_and_the_units_above(county: County, division: str, seen: set[str]) -> None:
    """The village sees its town's river, the town its villages, nobody a sibling, a nested-looking code nothing."""
    every = ("home", "bare", "far", "river")
    assert set(await find(county, division, *every)) == seen
    found = await county.store.read(lambda session: places.search(session, scope(division), PlaceSearch()))
    assert {place.id for place in found} == seen
    for code in ("token-far", "D-3"):
        assert (await find(county, division, code) != {}) is ("far" in seen)


async def test_a_code_two_issuers_gave_to_two_places_opens_neither(county: County) -> None:
    await county.store.write(lambda s: s.add(_alias("bins", "D-1", "bare", county)))
    assert await find(county, VILLAGE, "D-1", "B-1") == {"B-1": "home"}
    await county.store.write(lambda s: s.add(_alias("rivers", "B-1", "home", county)))
    assert await find(county, VILLAGE, "B-1") == {"B-1": "home"}


async def test_one_out_of_reach_does_not_make_a_code_ambiguous(county: County) -> None:
    await county.store.write(lambda s: s.add(_alias("bins", "D-1", "far", county)))
    assert await find(county, VILLAGE, "D-1") == {"D-1": "home"}
    assert await find(county, TOWN, "D-1") == {}


def _alias(issuer: str, code: str, place: str, county: County) -> places.Alias:
    now = county.clock.now()
    return places.Alias(issuer=issuer, code=code, place_id=place, is_key=True, told_by=issuer, since=now)


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (PlaceSearch(), ["bare", "far", "home", "river"]),
        (PlaceSearch(kind="household"), ["bare", "far", "home"]),
        (PlaceSearch(text="om"), ["home"]),
        (PlaceSearch(text=" ＨＯ m"), ["home"]),
        (PlaceSearch(text="s- "), ["bare", "home"]),
        (PlaceSearch(text="S-"), ["bare", "home"]),
        (PlaceSearch(kind="river_segment", text="S-"), []),
        (PlaceSearch(text="%"), []),
        (PlaceSearch(text="_"), []),
    ],
)
async def test_search_by_kind_and_a_piece_of_name_or_code(county: County, wanted: PlaceSearch, seen: list[str]) -> None:
    found = await county.store.read(lambda session: places.search(session, scope(TOWN), wanted))
    assert sorted(place.id for place in found) == seen
    assert list(found) == sorted(found, key=lambda place: (place.division, place.order_key, place.id))


NAMES = {"段10": "1", "段２": "2", "段 1": "3", "第三段": "4", "第2段": "5", "KL0050": "6", "kl 0049": "7", "": "8"}


@pytest.fixture
async def rivers(county: County) -> County:
    """Segments whose names a machine would sort otherwise, each with a code in odd writing."""
    now = county.clock.now()

    def write(session: places.Session) -> None:
        for name, code in NAMES.items():
            session.add(Place(id=f"p{code}", kind="segment", name=name, division=VILLAGE, token=code, created_at=now))
        session.flush()
        for code in NAMES.values():
            session.add(_alias("rivers", f"ＨＤ－{code} ", f"p{code}", county))

    await county.store.write(write)
    return county


async def found(county: County, **wanted: object) -> list[str]:
    asked = PlaceSearch(**{"kind": "segment"} | wanted)  # type: ignore[arg-type]  # each test gives the right ones
    return [one.name for one in await county.store.read(lambda session: places.search(session, scope(TOWN), asked))]


@pytest.mark.case("C34")
async def test_places_come_in_the_order_people_count_and_page_by_page(rivers: County) -> None:
    everything = ["", "kl 0049", "KL0050", "段 1", "段２", "段10", "第2段", "第三段"]
    assert await found(rivers) == everything
    pages, after = [], ""
    while page := await rivers.store.read(
        lambda session, after=after: places.search(session, scope(TOWN), PlaceSearch("segment", "", 3, after))
    ):
        pages.append([one.name for one in page])
        after = page[-1].id
    assert pages == [everything[:3], everything[3:6], everything[6:]]
    counted = await rivers.store.read(lambda session: places.count(session, scope(TOWN), PlaceSearch("segment")))
    assert counted == len(everything)


@pytest.mark.case("C34")
@pytest.mark.parametrize("after", ["nobody's", "p-far"])
async def test_a_page_after_what_one_cannot_have_seen_is_refused_alike(rivers: County, after: str) -> None:
    far = Place(id="p-far", kind="segment", name="x", division="330782005004", token="x", created_at=rivers.clock.now())
    await rivers.store.write(lambda session: session.add(far))
    with pytest.raises(Problem) as caught:
        await found(rivers, after=after)
    assert [(fault.path, fault.code) for fault in caught.value.faults] == [("/after", "after_unknown")]


@pytest.mark.case("C51")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kl0050", ["KL0050"]),
        ("ＫＬ００５", ["KL0050"]),
        ("KL 005", ["KL0050"]),
        ("kl00", ["kl 0049", "KL0050"]),
        ("段1", ["段 1", "段10"]),
        ("\u3000段\u3000２", ["段２"]),
        ("hd-3", ["段 1"]),
        ("HD－３", ["段 1"]),
        ("hd 3", []),
        (" ", ["", "kl 0049", "KL0050", "段 1", "段２", "段10", "第2段", "第三段"]),
        ("%", []),
        ("_", []),
    ],
)
async def test_what_is_found_does_not_hang_on_case_width_or_blanks(rivers: County, text: str, names: list[str]) -> None:
    assert await found(rivers, text=text) == names
    counted = await rivers.store.read(lambda session: places.count(session, scope(TOWN), PlaceSearch("segment", text)))
    assert counted == len(names)


async def test_a_search_is_cut_at_its_limit(county: County) -> None:
    found = await county.store.read(lambda session: places.search(session, scope(TOWN), PlaceSearch(limit=2)))
    assert len(found) == 2


async def test_codes_and_knowledge_of_places(county: County) -> None:
    def read(session: places.Session) -> tuple[list[str], list[str], list[str]]:
        aliases, known = places.aliases(session, ["home", "bare"]), places.snapshots(session, ["home", "bare"])
        assert known["bare"] == []
        return (
            [alias.code for alias in aliases["home"]],
            [alias.code for alias in aliases["bare"]],
            sorted(snapshot.system for snapshot in known["home"]),
        )

    assert await county.store.read(read) == (["B-1", "D-1", "F-1", "S-1"], ["S-2"], ["doors", "doors", "files"])


@pytest.mark.parametrize(
    ("division", "above"),
    [
        (VILLAGE, ["330000000000", "330700000000", "330783000000", "330783005000", VILLAGE]),
        (COUNTY, ["330000000000", "330700000000", COUNTY, COUNTY, COUNTY]),
    ],
)
def test_the_units_above(division: str, above: list[str]) -> None:
    assert places.ancestors(division) == above
