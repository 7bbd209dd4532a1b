"""When to try again: pure functions of attempt numbers, ages and a random number."""

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
PATIENCE = timedelta(days=15)
"""Long enough for a System that is off over the longest public holiday."""
MOST_TRIES = PATIENCE // LONGEST_WAIT
"""What patience comes to in tries, where the times of a Delivery cannot be believed."""
SHORTEST_ASKED = timedelta(seconds=1)
LONGEST_ASKED = timedelta(hours=24)
JITTER = 0.5
FIRST_LOOK = timedelta(seconds=2)
LONGEST_LOOK = timedelta(minutes=10)
BREAKER_FIRST = timedelta(seconds=2)
BREAKER_LONGEST = timedelta(minutes=5)
PAUSE_FIRST = timedelta(minutes=5)
PAUSE_LONGEST = timedelta(hours=6)
LONGEST_HOLD = PAUSE_LONGEST + timedelta(hours=1)
"""No breaker or pause keeps a System for so long without another look: what says so was written by a wrong clock."""
LONGEST_DUE = LONGEST_ASKED * (1 + JITTER) + timedelta(hours=1)
"""The same for a Delivery that is to be tried again."""
_DOUBLINGS = 20
"""Caps the exponent: beyond it every wait is the longest anyway."""


def doubled(first: timedelta, longest: timedelta, times: int) -> timedelta:
    """Return `first` doubled `times` times, at most `longest`."""
    return min(longest, first * 2.0 ** min(max(times, 0), _DOUBLINGS))


def next_attempt_at(now: datetime, attempts: int, dice: float, asked: timedelta | None = None) -> datetime:
    """Return when a Delivery may be tried again after `attempts` tries.

    `dice` in [0, 1) spreads retries over half the wait, so that a returning System is not met by all at once; `asked`
    is the System's own Retry-After, honoured within one second and one day (F48).
    """
    wait = doubled(FIRST_WAIT, LONGEST_WAIT, attempts - 1)
    if asked is not None:
        wait = max(wait, min(max(asked, SHORTEST_ASKED), LONGEST_ASKED))
    return now + wait * (1 + JITTER * dice)


def next_look_at(now: datetime, since: datetime) -> datetime:
    """Return when to ask again what became of something transported: often at first, rarely for old ones."""
    return now + min(LONGEST_LOOK, max(FIRST_LOOK, (now - since) / 4))


def is_out_of_patience(since: datetime, attempts: int, now: datetime, too_old_at: datetime) -> bool:
    """Say whether a Delivery waits since before `too_old_at`, so that a person must look at it.

    One that waits since a time yet to come was made while the clock was ahead; for it tries are counted.
    """
    return attempts >= MOST_TRIES if since > now else since < too_old_at


def is_over(until: datetime | None, now: datetime) -> bool:
    """Say whether a System was held long enough, or so long ahead that nothing can have meant it."""
    return until is None or now >= until or until - now > LONGEST_HOLD


def pause_wait(tries: int) -> timedelta:
    """Return how long a pause goes on after so many tries in a row that would have begun it anew."""
    return doubled(PAUSE_FIRST, PAUSE_LONGEST, tries - 1)


def breaker_wait(openings: int) -> timedelta:
    """Return how long a breaker stays open after that many failures beyond its threshold."""
    return doubled(BREAKER_FIRST, BREAKER_LONGEST, openings)
