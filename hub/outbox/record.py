"""Writes outcomes down: settlements, closed attempts and breaker steps, one group at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.delivery import ENDED, State
from hub.outbox.claim import health_of, keep
from hub.outbox.decide import breaker
from hub.outbox.decide.settle import NOBODY_THERE, Outcome, Result, Settlement, settlement
from hub.outbox.release import release
from hub.sdk import Capabilities
from hub.store import Session
from hub.store.query import deliveries, systems

log = get_logger(__name__)


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
    now: Callable[[], datetime]
    dice: Callable[[], float]

    def settle(self, session: Session, results: Sequence[Result]) -> list[Settled]:
        """Settle a group: only results whose lease still holds change anything (D7)."""
        now = self.now()
        held = deliveries.holders(session, [result.claim.attempt_id for result in results])
        # A worker and the reaper may bring the same attempt in one group: the first of them counts.
        first = {result.claim.attempt_id: result for result in reversed(results)}
        decided = [
            (result, settlement(result, self.capabilities(result.claim.system), now, self.dice()))
            for token, result in first.items()
            if token in held
        ]
        if decided:
            deliveries.settle(session, [_row(result, end, now) for result, end in decided])
        deliveries.close_attempts(session, [_attempt_row(result, now) for result in results])
        _step_breakers(session, [result for result, _ in decided], now)
        released = release(session, {r.claim.delivery_id: end.state for r, end in decided}, now)
        passing("settle.written")
        ends = {id(result): end.state for result, end in decided}
        return [
            Settled(ends[id(r)], released.get(r.claim.delivery_id, ())) if id(r) in ends else Settled(None)
            for r in results
        ]


def _row(result: Result, end: Settlement, now: datetime) -> Mapping[str, Any]:
    claim = result.claim
    transported = result.outcome is Outcome.TRANSPORTED and claim.transported_at is None
    return {
        "token": claim.attempt_id,
        "state": end.state,
        "due_at": end.due_at,
        "attempts": end.attempts,
        "repeat": end.repeat,
        "remote_id": result.remote_id,
        "reason": end.reason,
        "transported_at": now if transported else claim.transported_at,
        "settled_at": now if end.state in ENDED or end.state is State.PARKED else None,
    }


def _attempt_row(result: Result, now: datetime) -> Mapping[str, Any]:
    return {
        "attempt_id": result.claim.attempt_id,
        "ended_at": now,
        "outcome": result.outcome,
        "reason": result.reason,
        "answer": result.answer,
    }


def _step_breakers(session: Session, results: Sequence[Result], now: datetime) -> None:
    """Move each System's breaker by its results, in order; a lost worker says nothing about the System."""
    telling = [result for result in results if result.outcome is not Outcome.LOST]
    rows = systems.states(session, {result.claim.system for result in telling})
    for result in telling:
        row = rows[result.claim.system]
        health = health_of(row)
        if result.outcome in NOBODY_THERE:
            keep(row, breaker.after_failure(health, now))
            row.last_failure_at, row.last_reason = now, result.reason
        elif result.outcome is Outcome.MISCONFIGURED:
            keep(row, breaker.after_misconfiguration(health, result.reason))
            row.paused_at = row.paused_at or now
        else:
            keep(row, breaker.after_success(health))
            row.last_success_at = now
    session.add_all(rows.values())
    session.flush()
