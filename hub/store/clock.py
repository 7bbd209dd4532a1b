"""The database's clock: what several hosts on one database go by, where each one's own may be wrong.

On PostgreSQL every time that one process writes and another compares with now is read from the server: leases, waits,
breakers. `now` is the last such reading and the seconds counted since, so that everything else the hub writes down is
in the same time, and setting a host's clock changes nothing. SQLite is one process and has no clock of its own.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text
from sqlmodel import Session

from hub.clock import Clock

ROUGH: Final = timedelta(milliseconds=50)
"""A reading is not better known than the time it took; within that much the count goes on as it was."""
_ASK = text("SELECT clock_timestamp()")


class DatabaseClock:
    """A clock that follows the database's; until it was read once, the host's own."""

    def __init__(self, host: Clock) -> None:
        self._host = host
        self._base: tuple[datetime, float] | None = None
        """An instant of the database's, and the steady seconds that belong to it."""

    def now(self) -> datetime:
        """Return the current instant, UTC-aware."""
        if self._base is None:
            return self._host.now()
        at, steady_s = self._base
        return at + timedelta(seconds=self._host.monotonic() - steady_s)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never runs backwards."""
        return self._host.monotonic()

    def read(self, connection: Connection) -> datetime:
        """Ask the database, and go on from what it says."""
        asked_s = self.monotonic()
        told: datetime = connection.execute(_ASK).scalar_one()
        came_s = self.monotonic()
        at, taken = told.astimezone(UTC), timedelta(seconds=came_s - asked_s)
        if self._base is None or abs(self.now() - at) > taken + ROUGH:
            self._base = at + taken / 2, came_s
        return at

    def skew(self) -> timedelta:
        """Return how far this host's clock is ahead of the database's."""
        return self._host.now() - self.now()


def instant(session: Session, clock: Clock) -> datetime:
    """Return the instant that everybody on this database agrees on."""
    return clock.read(session.connection()) if isinstance(clock, DatabaseClock) else clock.now()


def skew_of(clock: Clock) -> timedelta:
    """Return how far this host's clock is ahead of the one the hub goes by."""
    return clock.skew() if isinstance(clock, DatabaseClock) else timedelta(0)
