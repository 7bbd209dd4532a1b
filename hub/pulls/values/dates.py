"""Dates and times in the spellings real Systems use. Pure.

A bare number is a date only when it spells one (20260301): Excel's day numbers are read where the wiring says so
(`as: excel_date`), since 46082 may be anything.
"""

import re
from datetime import UTC, date, datetime

from hub.clock import BEIJING
from hub.pulls.values.fault import NotUnderstood
from hub.text import narrow

FIRST_YEAR, LAST_YEAR = 1900, 2100
_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:年|-|/|\.)(?P<month>[0-9]{1,2})(?:月|-|/|\.)(?P<day>[0-9]{1,2})日?"
    r"|(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"
)
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2})(?::|时|点)(?P<minute>[0-9]{1,2})(?:分?|:(?P<second>[0-9]{1,2})(?:\.[0-9]{1,9})?)"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def read_date(value: object) -> str:
    """Return a date as ISO 8601; a time counts as its day in Beijing."""
    instant = _read(value)
    return instant.astimezone(BEIJING).date().isoformat()


def read_time(value: object) -> str:
    """Return an instant as RFC 3339 in UTC; one without a zone is Beijing's wall time."""
    instant = _read(value, needs_clock=True)
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(value: object, *, needs_clock: bool = False) -> datetime:
    reason = "not_a_time" if needs_clock else "not_a_date"
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise NotUnderstood(reason)
    text = narrow(str(value))
    day = _DATE.match(text)
    if day is None:
        raise NotUnderstood(reason)
    rest = text[day.end() :].removeprefix("T").strip()
    clock = _CLOCK.fullmatch(rest) if rest else None
    if (rest or needs_clock) and clock is None:
        raise NotUnderstood(reason)
    found = _instant(day, clock)
    if found is None:
        raise NotUnderstood(reason)
    return found


def _instant(day: re.Match[str], clock: re.Match[str] | None) -> datetime | None:
    parts = (day["year"] or day["y"], day["month"] or day["m"], day["day"] or day["d"])
    year, month, number = map(int, parts)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    hours = [int(clock[part] or 0) for part in ("hour", "minute", "second")] if clock else [0, 0, 0]
    zone = (clock["zone"] or "") if clock else ""
    try:
        local = datetime.combine(date(year, month, number), datetime.min.time())
        text = local.replace(hour=hours[0], minute=hours[1], second=hours[2]).isoformat()
        return datetime.fromisoformat(text + zone) if zone else datetime.fromisoformat(text).replace(tzinfo=BEIJING)
    except ValueError:
        return None
