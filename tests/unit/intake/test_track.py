"""A track's length is what somebody walked: not what a receiver wanders, not what anybody says, not what jumps."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, hypot, radians, sin
from typing import Any

import pytest

from hub.catalog import Catalog, load_catalog
from hub.catalog.contents import TrackRules
from hub.intake.track import METRES_A_DEGREE, Walked, track_digest, walked
from hub.sdk.geo import Crs, convert
from tests.unit.catalog.breaking import ROOT

BEGAN = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
HERE = 120.2412, 29.2896
Fix = dict[str, Any]
Way = Sequence[tuple[float, float]]
"""Metres east and north of HERE."""
SEEDS = range(20)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(ROOT)


@pytest.fixture(scope="module")
def rules(catalog: Catalog) -> TrackRules:
    found = catalog.elements["patrol.track"].track
    assert found is not None
    return found


def position(east: float, north: float) -> tuple[float, float]:
    shrink = cos(radians(HERE[1]))
    return HERE[0] + east / METRES_A_DEGREE / shrink, HERE[1] + north / METRES_A_DEGREE


def recorded(way: Way, every_s: float = 5, accuracy_m: float | None = 10, crs: Crs = "wgs84") -> list[Fix]:
    """What a phone records of these places."""
    fixes = []
    for number, (east, north) in enumerate(way):
        lon, lat = convert(*position(east, north), "wgs84", crs)
        fix: Fix = {"lon": round(lon, 6), "lat": round(lat, 6), "crs": crs}
        fix["at"] = (BEGAN + timedelta(seconds=number * every_s)).isoformat()
        fixes.append(fix | ({} if accuracy_m is None else {"accuracy_m": accuracy_m}))
    return fixes


def wandering(way: Way, sigma_m: float, seed: int) -> Way:
    """The same places as a receiver sees them."""
    dice = random.Random(seed)
    return [(east + dice.gauss(0, sigma_m), north + dice.gauss(0, sigma_m)) for east, north in way]


def along(corners: Way, speed_mps: float = 1.2, every_s: float = 5) -> Way:
    """Where somebody is every few seconds who walks from corner to corner."""
    step, way, left = speed_mps * every_s, [corners[0]], 0.0
    for (x, y), (to_x, to_y) in pairwise(corners):
        length, at = hypot(to_x - x, to_y - y), left
        while at + step <= length:
            at += step
            way.append((x + (to_x - x) * at / length, y + (to_y - y) * at / length))
        left = at - length
    return [*way, corners[-1]]


def river(seed: int, total_m: float = 2_150) -> Way:
    """A bank that bends a little every 150 metres."""
    dice, corners, heading, left = random.Random(seed), [(0.0, 0.0)], 0.0, total_m
    while left > 0:
        leg, heading = min(150, left), heading + radians(dice.uniform(-15, 15))
        corners.append((corners[-1][0] + leg * cos(heading), corners[-1][1] + leg * sin(heading)))
        left -= leg
    return corners


def raw_length(fixes: Sequence[Fix]) -> float:
    """What adding up all steps gives: the figure of before."""
    shrink = cos(radians(HERE[1]))
    return sum(
        hypot((a["lon"] - b["lon"]) * METRES_A_DEGREE * shrink, (a["lat"] - b["lat"]) * METRES_A_DEGREE)
        for a, b in pairwise(fixes)
    )


@pytest.mark.case("C29")
@pytest.mark.parametrize("seed", SEEDS)
def test_standing_still_for_half_an_hour_is_no_way_at_all(rules: TrackRules, seed: int) -> None:
    fixes = recorded(wandering([(0, 0)] * 360, 5, seed))
    assert raw_length(fixes) > 2_500, "the steps of a receiver that stands still add up to kilometres"
    found = walked(fixes, rules)
    assert found.length_m <= 3
    assert (found.fixes, found.minutes, found.flags) == (360, 30, ())


@pytest.mark.case("C29")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_walk_of_two_kilometres_is_told_to_three_in_a_hundred(rules: TrackRules, seed: int) -> None:
    fixes = recorded(wandering(along(river(seed)), 5, seed + 1_000))
    found = walked(fixes, rules)
    assert 0 <= found.length_m / 2_150 - 1 <= 0.03
    assert found.minutes == 30
    assert found.flags == ()
    shrink = cos(radians(HERE[1]))
    told = sum(
        hypot((a[0] - b[0]) * METRES_A_DEGREE * shrink, (a[1] - b[1]) * METRES_A_DEGREE)
        for a, b in pairwise(found.path)
    )
    assert told == pytest.approx(found.length_m, abs=2), "who reckons by the way that is sent gets the same"
    assert len(found.path) < len(fixes) / 5


@pytest.mark.case("C29")
def test_half_standing_half_walking_counts_the_walk(rules: TrackRules) -> None:
    rest, walk = [(0.0, 0.0)] * 180, along([(0.0, 0.0), (500.0, 0.0)])
    way = [*rest, *walk, *[(500.0, 0.0)] * 180]
    assert walked(recorded(wandering(way, 5, 3)), rules).length_m == pytest.approx(500, rel=0.05)


@pytest.mark.case("C29")
def test_fixes_that_are_too_vague_are_left_out(rules: TrackRules) -> None:
    walk = recorded(along([(0.0, 0.0), (400.0, 0.0)]))
    vague = [fix | {"accuracy_m": 51, "lat": fix["lat"] + 0.005} for fix in walk[::3]]
    mixed = sorted(
        [*walk, *[fix | {"at": fix["at"].replace("+00:00", ".5+00:00")} for fix in vague]], key=lambda f: f["at"]
    )
    assert walked(mixed, rules).length_m == walked(walk, rules).length_m == pytest.approx(400, rel=0.01)
    assert walked(recorded([(0, 0), (300, 0)], accuracy_m=60), rules) == Walked(2, 0, 0, (), ())


@pytest.mark.case("C29")
@pytest.mark.parametrize("at", [0, 10, 40, -1])
def test_a_jump_to_another_village_is_left_out_and_flagged(rules: TrackRules, at: int) -> None:
    walk = recorded(wandering(along([(0.0, 0.0), (400.0, 0.0)]), 1, 8))
    walk[at] = walk[at] | {"lat": walk[at]["lat"] + 0.05}
    found = walked(walk, rules)
    assert found.length_m == pytest.approx(400, rel=0.03)
    assert found.flags == ("teleport",)
    small = [dict(fix) for fix in recorded(wandering(along([(0.0, 0.0), (400.0, 0.0)]), 1, 8))]
    small[at]["lat"] += 0.0035
    assert walked(small, rules).flags == (), "three hundred metres are bad reception"
    assert walked(small, rules).length_m == pytest.approx(400, rel=0.03)


@pytest.mark.case("C29")
def test_a_receiver_that_is_elsewhere_for_a_while_goes_on_with_the_way_it_left(rules: TrackRules) -> None:
    walk = recorded(wandering(along([(0.0, 0.0), (600.0, 0.0)]), 1, 9))
    for number in range(30, 40):
        walk[number] = walk[number] | {"lon": walk[number]["lon"] + 0.1}
    found = walked(walk, rules)
    assert found.length_m == pytest.approx(600, rel=0.03)
    assert found.flags == ("teleport",)


@pytest.mark.case("C29")
@pytest.mark.parametrize("fake", [{"mocked": True}, {"provider": "mock"}])
def test_a_made_up_position_is_flagged_and_reckoned_all_the_same(rules: TrackRules, fake: Fix) -> None:
    walk = recorded(wandering(along([(0.0, 0.0), (400.0, 0.0)]), 3, 1))
    walk[7] |= fake
    assert walked(walk, rules).flags == ("mocked",)
    assert walked(walk, rules).length_m > 380
    honest = [
        fix | {"mocked": False, "provider": "gps"} for fix in recorded(wandering(along([(0, 0), (400, 0)]), 3, 1))
    ]
    assert walked(honest, rules).flags == ()


@pytest.mark.case("C29")
def test_steps_all_of_one_length_are_flagged(rules: TrackRules) -> None:
    straight = [(number * 6.0, 0.0) for number in range(40)]
    assert walked(recorded(straight), rules).flags == ("even",)
    assert walked(recorded(straight[:20]), rules).flags == (), "too short to tell"
    assert walked(recorded(along([(0.0, 0.0), (100.0, 0.0), (100.0, 200.0)])), rules).flags == ("even",), (
        "round a corner"
    )
    assert walked(recorded(wandering(straight, 1, 5)), rules).flags == ()
    assert walked(recorded([(0.0, 0.0)] * 40), rules).flags == ()


@pytest.mark.case("C29")
def test_thresholds_are_data(rules: TrackRules) -> None:
    walk = recorded(along([(0.0, 0.0), (400.0, 0.0)]), accuracy_m=30)
    assert walked(walk, replace(rules, accuracy_m=20)).length_m == 0
    fast = recorded([(number * 200.0, 0.0) for number in range(10)])
    assert walked(fast, rules).length_m < walked(fast, replace(rules, speed_mps=100)).length_m == 1_800


@pytest.mark.case("C29")
def test_the_order_fixes_come_in_and_doubled_ones_make_no_difference(rules: TrackRules) -> None:
    walk = recorded(wandering(along([(0.0, 0.0), (400.0, 100.0)]), 3, 2))
    mixed = [*walk, *walk[:20]]
    random.Random(3).shuffle(mixed)
    assert replace(walked(mixed, rules), fixes=0) == replace(walked(walk, rules), fixes=0)


@pytest.mark.case("C29")
@pytest.mark.parametrize("crs", ["gcj02", "bd09", "cgcs2000"])
def test_the_reference_system_makes_no_difference(rules: TrackRules, crs: Crs) -> None:
    way = wandering(along([(0.0, 0.0), (400.0, 100.0)]), 3, 2)
    plain, shifted = walked(recorded(way), rules), walked(recorded(way, crs=crs), rules)
    assert shifted.length_m == pytest.approx(plain.length_m, abs=1)
    assert shifted.path[0] == pytest.approx(plain.path[0], abs=2e-6)


@pytest.mark.case("C29")
def test_a_receiver_that_says_nothing_of_its_error_moves_by_twenty_metres(rules: TrackRules) -> None:
    assert walked(recorded([(0, 0), (19, 0)], accuracy_m=None), rules).length_m == 0
    assert walked(recorded([(0, 0), (21, 0)], accuracy_m=None), rules).length_m == 21


COURSE = [dict(zip(("lon", "lat"), position(east, 0), strict=True)) | {"crs": "wgs84"} for east in (0, 1_000)]


@pytest.mark.case("C29")
@pytest.mark.parametrize(
    ("corners", "share"),
    [
        ([(0.0, 0.0), (1_000.0, 0.0)], 1),
        ([(0.0, 40.0), (1_000.0, 40.0)], 1),
        ([(0.0, 60.0), (1_000.0, 60.0)], 0),
        ([(0.0, 0.0), (450.0, 0.0)], 0.5),
        ([(-500.0, 0.0), (450.0, 0.0), (-500.0, 0.0)], 0.5),
        ([(200.0, 0.0)], 0.1),
    ],
)
def test_how_much_of_a_segment_was_covered(rules: TrackRules, corners: Way, share: float) -> None:
    way = along(corners) if len(corners) > 1 else [corners[0]] * 20
    assert walked(recorded(way), rules).covers(COURSE, rules.near_m) == pytest.approx(share, abs=0.03)


@pytest.mark.case("C29")
def test_a_segment_without_length_and_a_track_without_fixes_have_no_or_no_share(rules: TrackRules) -> None:
    found = walked(recorded(along([(0.0, 0.0), (400.0, 0.0)])), rules)
    assert found.covers([], rules.near_m) is None
    assert found.covers(COURSE[:1], rules.near_m) is None
    assert found.covers([COURSE[0], COURSE[0]], rules.near_m) is None
    assert walked([], rules) == Walked(0, 0, 0, (), ())
    assert walked([], rules).covers(COURSE, rules.near_m) == 0


@pytest.mark.case("C29")
def test_the_same_walk_is_known_again_however_it_is_sent(rules: TrackRules) -> None:
    walk = recorded(wandering(along([(0.0, 0.0), (200.0, 50.0)]), 3, 4))
    later = [fix | {"at": fix["at"].replace("2026-11-23", "2026-11-30")} for fix in walk]
    backwards = [fix | {"at": at["at"]} for fix, at in zip(reversed(walk), walk, strict=True)]
    vaguer = [fix | {"accuracy_m": 12, "provider": "gps"} for fix in walk]
    slower = [fix for fix in walk for _ in range(2)]
    digest = track_digest(walk, rules)
    assert len(digest) == 64
    assert {track_digest(other, rules) for other in (later, backwards, vaguer, slower)} == {digest}
    another = recorded(wandering(along([(0.0, 0.0), (200.0, 50.0)]), 3, 5))
    assert track_digest(another, rules) != digest
    assert track_digest(walk[:9], rules) == track_digest(walk[:1] * 50, rules) == track_digest([], rules) == ""


@pytest.mark.case("C29")
@pytest.mark.parametrize("kind", ["walk", "jumping about", "all at once"])
def test_the_largest_track_there_can_be_is_reckoned_in_no_time(rules: TrackRules, kind: str) -> None:
    dice = random.Random(6)
    way: Way = [(number * 1.2, dice.gauss(0, 5)) for number in range(5_000)]
    if kind == "jumping about":
        way = [(dice.uniform(-5e5, 5e5), dice.uniform(-5e5, 5e5)) for _ in range(5_000)]
    fixes = recorded(way, 0.001 if kind == "all at once" else 1)
    best = 9.0
    for _ in range(3):
        start = time.process_time()
        walked(fixes, rules).covers(COURSE, rules.near_m)
        track_digest(fixes, rules)
        best = min(best, time.process_time() - start)
    assert best < 1
