"""Places on both databases: found by any code, within reach only; what is known beside them."""

import pytest

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


@pytest.mark.parametrize("code", ["FO1:D-1", "FO1:home", "FO1:", "fo1:token-home", "TOKEN-HOME", "D1", "%", "D_1"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_near_misses_open_nothing(county: County, code: str) -> None:
    assert await find(county, VILLAGE, code) == {}


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
    assert list(found) == sorted(found, key=lambda place: (place.division, place.name))


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
