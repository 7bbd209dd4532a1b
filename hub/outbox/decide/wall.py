"""Notices when somebody sets the wall clock, by holding it against one that only counts (F42).

A step forward leaves a gap: time that the wall clock went through and nobody lived through. How long something has
waited is told without the gaps, or a clock that is a year ahead for a minute would end every patience at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.clock import Clock

DRIFT = timedelta(seconds=10)
"""Less is how clocks are kept right, and lengthens no wait that anybody would notice."""


class Gap(NamedTuple):
    """From where to where the wall clock jumped."""

    begin: datetime
    end: datetime


def ago(now: datetime, span: timedelta, gaps: Sequence[Gap]) -> datetime:
    """Return the instant since which that span was lived through."""
    at = now - span
    for gap in sorted(gaps, reverse=True):
        if gap.begin < now and gap.end > at:
            at -= min(gap.end, now) - gap.begin
    return at


def without(gaps: Sequence[Gap], back: timedelta) -> tuple[Gap, ...]:
    """Return what is left of the gaps when the clock is set back: first of all it takes back the last step forward."""
    left = list(gaps)
    while left and back > timedelta(0):
        last = left.pop()
        if last.end - last.begin > back:
            left.append(Gap(last.begin, last.end - back))
        back -= min(back, last.end - last.begin)
    return tuple(left)


class Wall:
    """What the wall clock said when it was last looked at, beside the steady count of that moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_at, self._seen_s = clock.now(), clock.monotonic()
        self.gaps: tuple[Gap, ...] = ()
        """Steps forward of this process's life, the earliest first."""

    def look(self) -> timedelta:
        """Return how far it was set since the last look: forward, back (again and again until `noted`), or not."""
        now, steady_s = self._clock.now(), self._clock.monotonic()
        expected_at = self._seen_at + timedelta(seconds=steady_s - self._seen_s)
        step = now - expected_at
        if step < -DRIFT:
            return step
        self._note()
        if step <= DRIFT:
            return timedelta(0)
        self.gaps = (*self.gaps, Gap(expected_at, now))
        return step

    def noted(self, back: timedelta) -> None:
        """Take what the wall clock says now for right, after it was set back so far."""
        self.gaps = without(self.gaps, back)
        self._note()

    def _note(self) -> None:
        self._seen_at, self._seen_s = self._clock.now(), self._clock.monotonic()
