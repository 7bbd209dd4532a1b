"""Coordinates between WGS-84, CGCS2000, GCJ-02 and BD-09, inside mainland China only. Pure.

CGCS2000 differs from WGS-84 by centimetres, far below a phone's error, and is treated as equal. Forward formulas are
the public ones on the Krasovsky ellipsoid; the inverse iterates until it is exact to below a millimetre.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import atan2, cos, pi, sin, sqrt
from typing import Final, Literal

Crs = Literal["wgs84", "gcj02", "bd09", "cgcs2000"]
Point = tuple[float, float]
"""Longitude, latitude in degrees."""

WEST, EAST, SOUTH, NORTH = 73.4, 135.1, 18.1, 53.6
_AXIS_M: Final = 6378245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_BD_X_PI: Final = pi * 3000 / 180


def convert(lon: float, lat: float, source: Crs, into: Crs) -> Point:
    """Return the point in another system; ValueError outside mainland China, where the shifts do not apply."""
    origin, goal = _EQUAL.get(source, source), _EQUAL.get(into, into)
    if origin == goal:
        return lon, lat
    if not (WEST <= lon <= EAST and SOUTH <= lat <= NORTH):
        raise ValueError(f"{lon}, {lat} is outside mainland China, where {source} to {into} is not defined")
    return _moved(lon, lat, origin, goal)


@lru_cache(maxsize=64)  # a Record goes to several Systems, one right after the other
def _moved(lon: float, lat: float, origin: Crs, goal: Crs) -> Point:
    return _FROM_GCJ[goal](*_TO_GCJ[origin](lon, lat))


def _shifted(lon: float, lat: float) -> Point:
    x, y = lon - 105, lat - 35
    wave = 20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += (wave + 20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += (wave + 20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    magic = 1 - _ECCENTRICITY_SQUARED * sin(lat / 180 * pi) ** 2
    north_radius = _AXIS_M * (1 - _ECCENTRICITY_SQUARED) / (magic * sqrt(magic))
    east_radius = _AXIS_M / sqrt(magic) * cos(lat / 180 * pi)
    return lon + east * 180 / (east_radius * pi), lat + north * 180 / (north_radius * pi)


def _unshifted(lon: float, lat: float) -> Point:
    guess = lon, lat
    for _ in range(8):  # each round gains about two digits
        there = _shifted(*guess)
        guess = guess[0] + lon - there[0], guess[1] + lat - there[1]
    return guess


def _baidu(lon: float, lat: float) -> Point:
    reach = sqrt(lon * lon + lat * lat) + 0.00002 * sin(lat * _BD_X_PI)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * _BD_X_PI)
    return reach * cos(angle) + 0.0065, reach * sin(angle) + 0.006


def _unbaidu(lon: float, lat: float) -> Point:
    guess = lon - 0.0065, lat - 0.006
    for _ in range(8):
        there = _baidu(*guess)
        guess = guess[0] + lon - there[0], guess[1] + lat - there[1]
    return guess


def _same(lon: float, lat: float) -> Point:
    return lon, lat


_EQUAL: Final[Mapping[Crs, Crs]] = {"cgcs2000": "wgs84"}
_TO_GCJ = {"wgs84": _shifted, "bd09": _unbaidu, "gcj02": _same}
_FROM_GCJ = {"wgs84": _unshifted, "bd09": _baidu, "gcj02": _same}
