"""The only place that reads the time; every other module is handed a Clock."""

import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8))
"""The one civil time of China: what a day is to the people and offices of a county."""


class Clock(Protocol):
    """What the hub needs to know about time: the date for records, a steady count for durations."""

    def now(self) -> datetime:
        """Return the current instant, UTC-aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never runs backwards."""
        ...


def civil_day(instant: datetime) -> date:
    """Return the calendar day of an instant as people in China count it."""
    return instant.astimezone(BEIJING).date()


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current instant, UTC-aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never runs backwards."""
        return time.monotonic()
