"""Positions: inside the county's box, and the right way round. Pure."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, get_args

from hub.pulls.values.fault import NotUnderstood
from hub.sdk.geo import EAST, NORTH, SOUTH, WEST, Crs

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
CHINA: Box = (WEST, SOUTH, EAST, NORTH)
_SYSTEMS = get_args(Crs)


def read_position(value: object, box: Box) -> dict[str, Any]:
    """Return a location within the box; one whose numbers fit only when swapped is named, not turned round."""
    if not isinstance(value, Mapping) or value.get("crs") not in _SYSTEMS:
        raise NotUnderstood("not_a_location")
    lon, lat = value.get("lon"), value.get("lat")
    if not (_is_number(lon) and _is_number(lat)):
        raise NotUnderstood("not_a_location")
    if not _lies_in(lon, lat, box):
        raise NotUnderstood("location_swapped" if _lies_in(lat, lon, box) else "location_outside")
    return dict(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _lies_in(lon: Any, lat: Any, box: Box) -> bool:  # noqa: ANN401 - numbers, as looked at before
    west, south, east, north = box
    return bool(west <= lon <= east and south <= lat <= north)
