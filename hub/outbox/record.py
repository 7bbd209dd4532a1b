"""Writes outcomes down: settlements, closed attempts, breaker steps and what they release, one group at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.logs import get_logger
from hub.model.delivery import ENDED, Delivery, State
from hub.outbox import breaker
from hub.outbox.claim import health_of, keep
from hub.outbox.settle import NOBODY_THERE, Outcome, Result, Settlement, settlement
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
        decided = [
            (result, settlement(result, self.capabilities(result.claim.system), now, self.dice()))
            for result in results
            if result.claim.attempt_id in held
        ]
        if decided:
            deliveries.settle(session, [_row(result, end, now) for result, end in decided])
        deliveries.close_attempts(session, [_attempt_row(result, now) for result in results])
        _step_breakers(session, [result for result, _ in decided], now)
        released = release(session, {r.claim.delivery_id: end.state for r, end in decided}, now)
        _note(results, held)
        ends = {result.claim.attempt_id: end.state for result, end in decided}
        return [Settled(ends.get(r.claim.attempt_id), released.get(r.claim.delivery_id, ())) for r in results]


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
            row.paused_at = now
        else:
            keep(row, breaker.after_success(health))
            row.last_success_at = now
    session.add_all(rows.values())
    session.flush()


def release(session: Session, ends: Mapping[str, State], now: datetime) -> dict[str, tuple[str, ...]]:
    """Let go what waited behind Deliveries that ended; a refused one makes way for its own correction only."""
    done = [delivery_id for delivery_id, state in ends.items() if state in ENDED or state is State.PARKED]
    if not done:
        return {}
    followers = deliveries.waiting_for(session, done)
    if not followers:
        return {}
    before = {row.id: row for row in deliveries.by_ids(session, [f.after_id for f in followers if f.after_id])}
    released: dict[str, list[str]] = {}
    for follower in followers:
        first = before[follower.after_id or ""]
        if _may_go(first, follower):
            _let_go(session, first, follower, now)
            released.setdefault(first.id, []).append(follower.system)
    return {delivery_id: tuple(names) for delivery_id, names in released.items()}


def _may_go(first: Delivery, follower: Delivery) -> bool:
    return State(first.state) in ENDED or follower.record_key == first.record_key


def _let_go(session: Session, first: Delivery, follower: Delivery, now: datetime) -> None:
    """Make the follower due; it amends what was delivered, or takes the place of what was not."""
    values: dict[str, Any] = {"due_at": now, "after_id": None}
    if follower.record_key == first.record_key:
        delivered = State(first.state) is State.DELIVERED
        if follower.intent == "withdraw" and not delivered and not first.amends:
            gone = "nothing reached the system, so there is nothing to withdraw"
            deliveries.move(session, follower.id, State.WAITING, state=State.CANCELLED, settled_at=now, reason=gone)
            return
        values["amends"] = first.remote_id if delivered else first.amends
        if not delivered and follower.intent == "amend":
            values["intent"] = first.intent
        if State(first.state) is State.PARKED:
            deliveries.move(
                session,
                first.id,
                State.PARKED,
                state=State.CANCELLED,
                settled_at=now,
                reason=f"superseded: {first.reason}",
            )
    deliveries.move(session, follower.id, State.WAITING, **values)


def _note(results: Sequence[Result], held: set[str]) -> None:
    for result in results:
        claim = result.claim
        event = "attempt.settled" if claim.attempt_id in held else "attempt.lease_lost"
        log.info(
            event, delivery_id=claim.delivery_id, system=claim.system, kind=claim.kind, outcome=result.outcome.value
        )
