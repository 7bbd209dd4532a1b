"""Writes outcomes down: settlements, closed attempts and breaker steps, one group at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub.failpoint import passing
from hub.model.delivery import ENDED, State
from hub.model.system import SystemState
from hub.outbox.claim import health_of, keep
from hub.outbox.decide import breaker
from hub.outbox.decide.settle import NOBODY_THERE, PAUSING, Moment, Outcome, Result, Settlement, settlement
from hub.outbox.release import release
from hub.sdk import Capabilities
from hub.store import Session
from hub.store.query import leases, systems
from hub.store.query.journal import add_entries, entry

ALARMING = NOBODY_THERE | PAUSING
SUCCESS_EVERY = timedelta(seconds=1)
"""How often the time of a System's last success is written."""


@dataclass(frozen=True)
class Settled:
    """What the worker learns back about one result."""

    state: State | None
    """None: the lease was lost meanwhile and nothing was changed."""
    released: tuple[str, ...] = ()
    """Systems that got something to do by it."""


@dataclass(frozen=True)
class Ledger:
    """Writes groups of results; made once by the engine with what decisions need."""

    capabilities: Callable[[str], Capabilities]
    now: Callable[[Session], datetime]
    dice: Callable[[], float]
    too_old_at: Callable[[datetime], datetime]
    """What has waited too long at an instant."""

    def settle(self, session: Session, results: Sequence[Result]) -> list[Settled]:
        """Settle a group: only results whose lease still holds change anything (D7)."""
        now, settled = self.now(session), dict[int, Settled]()
        for batch in _rounds(results):
            settled |= self._settle(session, batch, now)
        return [settled[id(result)] for result in results]

    def _settle(self, session: Session, results: Sequence[Result], now: datetime) -> dict[int, Settled]:
        """Settle results of as many Deliveries; return what came of each."""
        at = Moment(now, 0, self.too_old_at(now))
        # The dice anew for each: what failed together must not come back together.
        can = self.capabilities
        decided = [(r, settlement(r, can(r.claim.system), replace(at, dice=self.dice()))) for r in results]
        held = leases.settle(session, [_row(result, end, now) for result, end in decided])
        leases.close_attempts(session, [_attempt_row(result, now) for result in results])
        counted = [(result, end) for result, end in decided if result.claim.delivery_id in held]
        _step_breakers(session, [result for result, _ in counted], now)
        released = release(session, {result.claim.delivery_id: end.state for result, end in counted}, now)
        passing("settle.written")
        ends = {id(result): Settled(end.state, released.get(result.claim.delivery_id, ())) for result, end in counted}
        return {id(result): ends.get(id(result), Settled(None)) for result in results}


def _rounds(results: Sequence[Result]) -> Iterator[list[Result]]:
    """Yield the results so that no Delivery comes twice at once: a worker and the reaper may bring the same attempt."""
    left = list(results)
    while left:
        first: dict[str, Result] = {}
        for result in left:
            first.setdefault(result.claim.delivery_id, result)
        yield list(first.values())
        left = [result for result in left if first[result.claim.delivery_id] is not result]


def _row(result: Result, end: Settlement, now: datetime) -> Mapping[str, Any]:
    claim = result.claim
    transported = result.outcome is Outcome.TRANSPORTED and claim.transported_at is None
    return {
        "id": claim.delivery_id,
        "lease_token": claim.attempt_id,
        "state": end.state,
        "due_at": end.due_at,
        "attempts": end.attempts,
        "repeat": end.repeat,
        "remote_id": result.remote_id,
        "reason": end.reason,
        "refusal": end.refusal,
        "lost": end.lost,
        "intent": end.intent or claim.intent,
        "amends": "" if end.intent == "create" else claim.amends,
        "transported_at": now if transported else claim.transported_at,
        "settled_at": now if end.state in ENDED or end.state is State.PARKED else None,
    }


def _attempt_row(result: Result, now: datetime) -> Mapping[str, Any]:
    return {
        "id": result.claim.attempt_id,
        "ended_at": now,
        "outcome": result.outcome,
        "reason": result.reason,
        "answer": result.answer,
    }


def _step_breakers(session: Session, results: Sequence[Result], now: datetime) -> None:
    """Move each System's breaker by its results, in order; a lost worker says nothing about the System."""
    telling = [result for result in results if result.outcome is not Outcome.LOST]
    # Nearly always all is well and stays so: then nothing is locked and nothing written.
    well = systems.well_since(session, {result.claim.system for result in telling})
    news = [r for r in telling if r.outcome in ALARMING or _is_old(well.get(r.claim.system), now)]
    rows = systems.states(session, {result.claim.system for result in news})
    for result in telling:
        if result.claim.system in rows:
            _step_breaker(session, rows[result.claim.system], result, now)
    session.add_all(rows.values())
    session.flush()


def _step_breaker(session: Session, row: SystemState, result: Result, now: datetime) -> None:
    """Move one System's breaker; the Delivery whose push began a pause decides whether it goes on."""
    health, claim = health_of(row), result.claim
    tried = bool(row.paused_reason) and row.paused_by == claim.delivery_id
    if result.outcome in NOBODY_THERE:
        keep(row, breaker.after_failure(health, now))
        row.last_failure_at, row.last_reason = now, result.reason
    elif result.outcome in PAUSING:
        if not row.paused_reason:
            row.paused_at, row.paused_by = now, claim.delivery_id if claim.kind == "push" else None
        known = breaker.after_failed_try(health, result.reason, now) if tried else None
        keep(row, known or breaker.after_misconfiguration(health, result.reason))
    else:
        row.last_success_at = now
        if not tried:
            keep(row, breaker.after_success(health))
        elif result.outcome is not Outcome.ABSENT:  # then the push itself is still to show it
            end_pause(session, row, now, pushed=claim.kind == "push")


def end_pause(session: Session, row: SystemState, now: datetime, *, pushed: bool) -> None:
    """End the pause of a System by itself: a push was answered, or its check was and nothing is left to be known."""
    health = health_of(row)
    keep(row, replace(breaker.after_success(health), paused_reason="") if pushed else breaker.after_pause(health, now))
    row.paused_at = row.paused_by = None
    why = "the push that began the pause was answered" if pushed else "its own check answered"
    add_entries(session, [entry(now, "", "system.resumed", row.system, why)])


def _is_old(last_at: datetime | None, now: datetime) -> bool:
    """Say whether a System's last success is worth writing anew: to the second is enough for people."""
    return last_at is None or abs(now - last_at) >= SUCCESS_EVERY
