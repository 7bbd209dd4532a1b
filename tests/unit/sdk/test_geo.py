"""Coordinates: known points, exact inverses, and no guessing outside mainland China."""

from math import cos, hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.geo import Crs, convert

DONGYANG = (120.2400, 29.2900)
SYSTEMS: tuple[Crs, ...] = ("wgs84", "gcj02", "bd09", "cgcs2000")
MAINLAND = st.tuples(st.floats(75, 134), st.floats(19, 53))


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    return hypot((a[0] - b[0]) * 111320 * cos(radians(a[1])), (a[1] - b[1]) * 110574)


@pytest.mark.parametrize(
    ("point", "into", "expected"),
    [
        # Tian'anmen and Kashgar as eviltransform 0.1.1 and coord-convert 0.2.1 give them.
        ((116.397428, 39.90923), "gcj02", (116.4036716, 39.9106335)),
        (DONGYANG, "gcj02", (120.2444059, 29.2873315)),
    ],
)
def test_known_points(point: tuple[float, float], into: Crs, expected: tuple[float, float]) -> None:
    assert metres(convert(*point, "wgs84", into), expected) < 0.02


@pytest.mark.parametrize(
    ("point", "into", "least_m", "most_m"),
    [
        ((75.99, 39.47), "gcj02", 240, 270),
        (DONGYANG, "gcj02", 510, 530),
        ((116.4, 39.9), "gcj02", 545, 565),
        (DONGYANG, "bd09", 1060, 1380),
        (DONGYANG, "cgcs2000", 0, 0),
    ],
)
def test_the_shifts_are_as_far_as_measured(point: tuple[float, float], into: Crs, least_m: int, most_m: int) -> None:
    assert least_m <= metres(point, convert(*point, "wgs84", into)) <= most_m


@given(MAINLAND, st.sampled_from(SYSTEMS), st.sampled_from(SYSTEMS))
def test_there_and_back_is_the_same_place_to_a_millimetre(point: tuple[float, float], source: Crs, into: Crs) -> None:
    there = convert(*point, source, into)
    assert metres(point, convert(*there, into, source)) < 0.001


@pytest.mark.parametrize(
    "point", [(126.98, 37.56 + 20), (139.69, 35.69), (-0.12, 51.5), (120.0, 10.0), (29.29, 120.24)]
)
def test_outside_mainland_china_nothing_is_shifted(point: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="outside mainland China"):
        convert(*point, "wgs84", "gcj02")
    assert convert(*point, "wgs84", "wgs84") == point
