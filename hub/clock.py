"""The only place that reads the time; every other module is handed a Clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the hub needs to know about time: the date for records, a steady count for durations."""

    def now(self) -> datetime:
        """Return the current instant, UTC-aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never runs backwards."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current instant, UTC-aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never runs backwards."""
        return time.monotonic()
