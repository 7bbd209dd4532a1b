"""The named transforms of the field-map language: pure functions of one value, with an inverse where one exists."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from math import isfinite
from typing import get_args

from hub.mapping.fault import Unfit
from hub.mapping.path import ABSENT
from hub.sdk.geo import Crs, convert
from hub.text import narrow

# Civil time of the whole country since 1992; records are younger, so no zone database is needed.
BEIJING = timezone(timedelta(hours=8))
LOCAL_TIME = "%Y-%m-%d %H:%M:%S"
CRS_NAMES: tuple[Crs, ...] = get_args(Crs)
DIVISION_DIGITS = (6, 9, 12)
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?P<fraction>\.[0-9]{1,15})?")
"""Digits, with or without a comma before every three of them."""
ONE_NUMBER = re.compile(r"(?P<digits>[0-9]+(?:[ -][0-9]+)*)(?:\.0+)?")
"""Groups of digits; what a spreadsheet puts behind a number it took for one does not count."""
LONGEST_GROUP = 7
"""Two groups as long as this are two phones."""
EXCEL_DAY_0 = date(1899, 12, 30)
"""Day 0 of Excel's count, which takes 1900 for a leap year: right from March 1900 on."""
EXCEL_DAYS = (61, 109_574)
"""1900-03-01 to 2199-12-30."""
# Beyond this, whole numbers lose digits in the JSON readers most systems have.
LARGEST_NUMBER = 2**53
MASKED_PARTS = {"name": (1, 0), "id_number": (6, 4), "phone": (3, 4)}
"""How many characters stay readable at the start and at the end."""


@dataclass(frozen=True)
class Transform:
    """One `as:` verb: a function of the value, or of (option, value) where the verb has an option."""

    forward: Callable[..., object]
    back: Callable[..., object] | None = None
    option: str = ""
    choices: tuple[object, ...] = ()
    takes_list: bool = False
    back_takes_list: bool = False
    """The step, or its inverse, reads a list as one value; every other one is done item by item."""


def plain_text(value: object) -> str:
    """Return a scalar as people write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float) or (isinstance(value, float) and not isfinite(value)):
        raise Unfit("not_text")
    # A number without a fraction is the same code however the other side's JSON writes it.
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_NUMBER
    return str(int(value) if is_whole else value)


def number(value: object) -> int | float:
    """Return a number, read from text where needed; whole numbers stay whole."""
    if isinstance(value, str):
        written = NUMBER.fullmatch(narrow(value))
        if written is None:
            raise Unfit("not_a_number")
        plain = written[0].replace(",", "")
        return float(plain) if written["fraction"] else int(plain)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST_NUMBER:
        raise Unfit("not_a_number")
    return value


def digits(value: object) -> str:
    """Return only the digits of a phone or document number, full-width ones as plain ones; never those of two."""
    text = narrow(plain_text(value))
    if not any(character.isdecimal() for character in text):
        raise Unfit("no_digits")
    written = ONE_NUMBER.fullmatch(text.replace("(", "").replace(")", "-").removeprefix("+"))
    groups = re.split("[ -]", written["digits"]) if written else []
    if written is None or sum(len(group) >= LONGEST_GROUP for group in groups) > 1:
        raise Unfit("not_one_number")
    return "".join(groups)


def local_time(value: object) -> str:
    """Return an instant as Beijing wall-clock time, the way departmental systems write it."""
    return _instant(value).astimezone(BEIJING).isoformat(" ", "seconds").removesuffix("+08:00")


def instant(value: object) -> str:
    """Return Beijing wall-clock time as RFC 3339 UTC: the inverse of `local_time`, to the second."""
    try:
        local = datetime.strptime(plain_text(value), LOCAL_TIME).replace(tzinfo=BEIJING)
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise Unfit("not_a_time") from None


def beijing_date(value: object) -> str:
    """Return the date of an instant in Beijing, or a date as it is."""
    text = plain_text(value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return _instant(text).astimezone(BEIJING).date().isoformat()


def excel_date(value: object) -> str:
    """Return the date of a day number as Excel counts them."""
    serial = number(value)
    if not EXCEL_DAYS[0] <= serial < EXCEL_DAYS[1] + 1:
        raise Unfit("not_a_date")
    return (EXCEL_DAY_0 + timedelta(days=int(serial))).isoformat()


def division(wanted_digits: int, value: object) -> str:
    """Return a division code cut or zero-padded to county (6), town (9) or village (12) length."""
    code = narrow(plain_text(value))
    if len(code) not in DIVISION_DIGITS or not re.fullmatch("[0-9]+", code):
        raise Unfit("not_a_division")
    return code[:wanted_digits].ljust(wanted_digits, "0")


def lonlat(crs: Crs, value: object) -> object:
    """Return `[lon, lat]` of a location in `crs`; a location that says why it is missing counts as absent."""
    if not isinstance(value, dict):
        raise Unfit("not_a_location")
    if "missing" in value:
        return ABSENT
    lon, lat, source_crs = _coordinate(value.get("lon")), _coordinate(value.get("lat")), value.get("crs")
    if source_crs not in CRS_NAMES:
        raise Unfit("not_a_location")
    try:
        return _rounded(*convert(lon, lat, source_crs, crs))
    except ValueError:
        raise Unfit("outside_china", crs=crs) from None


def location(crs: str, value: object) -> dict[str, object]:
    """Return the location of a `[lon, lat]` in `crs`: the inverse of `lonlat`, not converted."""
    if not isinstance(value, list) or len(value) != len(("lon", "lat")):
        raise Unfit("not_a_location")
    lon, lat = _rounded(_coordinate(value[0]), _coordinate(value[1]))
    return {"lon": lon, "lat": lat, "crs": crs}


def line(crs: Crs, value: object) -> object:
    """Return a line of locations as `[[lon, lat], …]` in `crs`."""
    return [lonlat(crs, each) for each in _items(value)]


def locations(crs: str, value: object) -> list[dict[str, object]]:
    """Return the locations of `[[lon, lat], …]` in `crs`: the inverse of `line`, not converted."""
    return [location(crs, each) for each in _items(value)]


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Unfit("not_a_location")
    return value


def mask(kind: str, value: object) -> str:
    """Return a name, id number or phone with its middle starred; what is too short to be one is starred whole."""
    text = plain_text(value)
    start, end = MASKED_PARTS[kind]
    hidden = len(text) - start - end
    if hidden <= 0:
        return "*" * len(text)
    return text[:start] + "*" * hidden + text[len(text) - end :]


def cut(most: int, value: object) -> str:
    """Return at most `most` characters of a text."""
    return plain_text(value)[:most]


def _instant(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(plain_text(value))
    except ValueError:
        raise Unfit("not_a_time") from None
    if moment.tzinfo is None:
        raise Unfit("not_a_time")
    return moment


def _coordinate(value: object) -> float:
    return float(number(value))


def _rounded(lon: float, lat: float) -> list[float]:
    # Six decimals are 0.1 m: finer than any receiver, and equal places give equal bytes.
    return [round(lon, 6), round(lat, 6)]


TRANSFORMS: Mapping[str, Transform] = {
    "text": Transform(plain_text),
    "number": Transform(number),
    "digits": Transform(digits),
    "date": Transform(beijing_date),
    "excel_date": Transform(excel_date),
    "local_time": Transform(local_time, back=instant),
    "division": Transform(division, option="digits", choices=DIVISION_DIGITS),
    "lonlat": Transform(lonlat, back=location, option="crs", choices=CRS_NAMES, back_takes_list=True),
    "line": Transform(line, back=locations, option="crs", choices=CRS_NAMES, takes_list=True, back_takes_list=True),
    "mask": Transform(mask, option="kind", choices=tuple(MASKED_PARTS)),
}
