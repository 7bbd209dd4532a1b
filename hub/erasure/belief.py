"""Whether the wall clock may be believed before anything is thrown away by it. Pure but for what it remembers.

A clock two years ahead makes everything old. So what removes by age asks first, and removes nothing while in doubt:

- `jumped`: since it was last believed, this process has seen another time pass on the clock that only counts. It is
  believed again when it agrees once more, or after a day without a jump if the next rule has nothing against it.
- `away`: it shows a time before, or more than a week after, the last one believed by any process or a person. So a
  machine that wakes up in another year erases nothing, and neither does one that was off for longer.
- `data_ahead`: something kept is dated later than now. Either it was wrong then, or it is now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

SLIP = timedelta(minutes=5)
"""Two clocks, or one and the steady count, may differ so much: an hour of correcting a clock slowly is two seconds."""
AHEAD = timedelta(hours=1)
"""Several hosts write into one database."""
AWAY = timedelta(days=7)
STEADY = timedelta(days=1)


@dataclass(frozen=True)
class Seen:
    """Everything that tells the time."""

    now: datetime
    steady_s: float
    """Seconds counted by this process's host since some moment; no setting of the clock changes them."""
    believed_at: datetime | None
    """The last time that was believed; None where nothing is known."""
    newest_at: datetime | None
    """The latest date of what is kept."""


@dataclass
class Belief:
    """What one process remembers of its clock."""

    _agreed: Seen | None = None
    """When it was last believed."""
    _settling: Seen | None = None
    """Since when it has not jumped, if it is not believed."""

    def doubt(self, seen: Seen) -> str:
        """Return why the clock is not believed now; empty when it is."""
        why = self._why(seen)
        if not why:
            self._agreed, self._settling = seen, None
        return why

    def _why(self, seen: Seen) -> str:
        if doubt := doubted(seen):
            # Within the steady count's sight no week of absence is a riddle.
            if doubt != "away" or self._agreed is None or not _agree(self._agreed, seen):
                return doubt
            return ""
        if self._agreed is None or _agree(self._agreed, seen):
            return ""
        if self._settling is None or not _agree(self._settling, seen):
            self._settling = seen
        return "" if seen.steady_s - self._settling.steady_s >= STEADY.total_seconds() else "jumped"


def doubted(seen: Seen) -> str:
    """Return what speaks against a clock nobody has watched; empty when nothing does."""
    if seen.newest_at is not None and seen.newest_at > seen.now + AHEAD:
        return "data_ahead"
    if seen.believed_at is not None and not seen.believed_at - AHEAD <= seen.now <= seen.believed_at + AWAY:
        return "away"
    return ""


def _agree(before: Seen, seen: Seen) -> bool:
    passed = timedelta(seconds=seen.steady_s - before.steady_s)
    return abs(seen.now - before.now - passed) <= SLIP
