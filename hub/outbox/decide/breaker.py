"""The breaker of a System: pure steps over its stored state, shared by all workers and kept over restarts."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.model.system import Breaker
from hub.outbox.decide.backoff import breaker_wait, is_over, pause_wait

THRESHOLD = 5
"""Failures in a row that open it."""
UNEXPLAINED = "no reason given"
"""An empty reason would read as not paused."""


@dataclass(frozen=True)
class Health:
    """What the outbox needs to know of a System before it sends."""

    breaker: Breaker = Breaker.CLOSED
    failures: int = 0
    open_until: datetime | None = None
    paused_reason: str = ""

    def permits(self, now: datetime, wanted: int) -> int:
        """Return how many Deliveries may go now: all wanted, exactly one probe, or none."""
        if self.paused_reason:
            return 0
        if self.breaker is Breaker.CLOSED:
            return wanted
        return min(wanted, 1) if is_over(self.open_until, now) else 0


def probing(health: Health, until: datetime) -> Health:
    """Return the state while one probe is out; after `until` the probe counts as lost."""
    return replace(health, breaker=Breaker.PROBING, open_until=until)


def after_success(health: Health) -> Health:
    """Return the state after a complete answer, whatever it said: the System is there."""
    return replace(health, breaker=Breaker.CLOSED, failures=0, open_until=None)


def after_failure(health: Health, now: datetime) -> Health:
    """Return the state after nothing, or nothing complete, came back.

    What was under way when it opened says nothing new: a burst of failures is one, or it would stay open for minutes.
    """
    if health.breaker is Breaker.OPEN:
        return health
    failures = health.failures + 1
    if failures < THRESHOLD:
        return replace(health, failures=failures)
    wait: timedelta = breaker_wait(failures - THRESHOLD)
    return replace(health, breaker=Breaker.OPEN, failures=failures, open_until=now + wait)


def after_misconfiguration(health: Health, reason: str) -> Health:
    """Return the state after the System turned our credentials or settings down: nothing goes until mended."""
    known = health if health.paused_reason else after_success(health)
    return replace(known, paused_reason=reason or UNEXPLAINED)


def after_failed_try(health: Health, reason: str, now: datetime) -> Health:
    """Return the state after the one Delivery that was to show that a pause may end came to the same: wait longer."""
    tries = health.failures + 1
    return Health(Breaker.CLOSED, tries, now + pause_wait(tries), reason or UNEXPLAINED)


def after_pause(health: Health, now: datetime) -> Health:
    """Return the state after a pause that no push has put to the test: the next one goes alone."""
    return replace(health, breaker=Breaker.OPEN, failures=THRESHOLD, open_until=now, paused_reason="")
