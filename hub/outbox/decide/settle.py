"""What an outcome means for a Delivery: one pure decision, the table of faults.md 2b in code."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hub.model.delivery import State
from hub.outbox.decide.backoff import is_out_of_patience, next_attempt_at, next_look_at
from hub.sdk import Capabilities

MAX_LOST = 5
"""Claims in which the worker died that make a Delivery suspect of killing it."""


class Outcome(StrEnum):
    """How one attempt ended."""

    ACCEPTED = "accepted"
    TRANSPORTED = "transported"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    UNANSWERED = "unanswered"
    ABSENT = "absent"
    """A probe learnt for certain that the key never arrived."""
    LOST = "lost"
    """The worker died or overran its lease; bytes may have left."""


NOBODY_THERE = frozenset({Outcome.UNAVAILABLE, Outcome.UNANSWERED})
"""Outcomes that count against the System's breaker. LOST is our own death, not theirs."""


@dataclass(frozen=True)
class Claim:
    """One leased Delivery in the hands of a worker: all that is needed to send it and to settle it."""

    delivery_id: str
    attempt_id: str
    """Also the lease token."""
    kind: str
    """push or probe."""
    system: str
    flow: str
    record: str
    key: str
    intent: str
    payload: bytes
    amends: str
    attempts: int
    before: State
    """The state it was claimed from."""
    repeat: bool
    created_at: datetime
    transported_at: datetime | None = None
    replayed_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """When its wait began: a replay by a person starts it anew."""
        return self.replayed_at or self.created_at


@dataclass(frozen=True)
class Result:
    """One attempt's outcome with what the System said."""

    claim: Claim
    outcome: Outcome
    reason: str = ""
    remote_id: str = ""
    answer: str = ""
    retry_after: timedelta | None = None
    lost_before: int = 0
    """Attempts in a row that were lost before this one."""


@dataclass(frozen=True)
class Settlement:
    """What a Delivery becomes."""

    state: State
    due_at: datetime | None = None
    attempts: int = 0
    repeat: bool = False
    reason: str = ""


def settlement(result: Result, can: Capabilities, now: datetime, dice: float) -> Settlement:
    """Decide what becomes of a Delivery after one attempt."""
    claim = result.claim
    match result.outcome:
        case Outcome.ACCEPTED | Outcome.REFUSED:
            accepted = result.outcome is Outcome.ACCEPTED
            state = State.DELIVERED if accepted else State.PARKED
            return Settlement(state, None, claim.attempts, claim.repeat and accepted, result.reason)
        case Outcome.MISCONFIGURED:
            spent = claim.attempts - 1 if claim.kind == "push" else claim.attempts
            return Settlement(claim.before, now, spent, claim.repeat, result.reason)
        case Outcome.TRANSPORTED:
            return _patient(result, State.TRANSPORTED, next_look_at(now, claim.transported_at or now), now)
        case Outcome.ABSENT:
            return replace(_patient(result, State.RETRY, now, now), repeat=False)
        case Outcome.UNAVAILABLE:
            state = State.RETRY if claim.kind == "push" else claim.before
            return _patient(result, state, _again_at(result, now, dice), now)
        case _:
            return _ambiguous(result, can, now, dice)


def _patient(result: Result, state: State, due_at: datetime, now: datetime) -> Settlement:
    """Keep trying, or give up to a person when the Delivery has waited longer than patience lasts."""
    claim = result.claim
    if is_out_of_patience(now, claim.since):
        return Settlement(State.PARKED, None, claim.attempts, claim.repeat, result.reason)
    return Settlement(state, due_at, claim.attempts, claim.repeat, result.reason)


def _again_at(result: Result, now: datetime, dice: float) -> datetime:
    """Return when to try again; a probe is not counted as a try, so its wait grows with the Delivery's age."""
    claim = result.claim
    again_at = next_attempt_at(now, claim.attempts, dice, result.retry_after)
    return again_at if claim.kind == "push" else max(again_at, next_look_at(now, claim.transported_at or claim.since))


def _ambiguous(result: Result, can: Capabilities, now: datetime, dice: float) -> Settlement:
    """Bytes may have arrived: the same key again where it is honoured, else ask, else a person. Never blindly."""
    claim = result.claim
    if result.outcome is Outcome.LOST and result.lost_before + 1 >= MAX_LOST:
        return Settlement(State.PARKED, None, claim.attempts, repeat=True, reason=result.reason)
    due_at = _again_at(result, now, dice)
    if claim.kind == "probe":
        return _patient(result, claim.before, due_at, now)
    if can.honours_key:
        again = _patient(result, State.RETRY, due_at, now)
        return Settlement(again.state, again.due_at, again.attempts, repeat=True, reason=again.reason)
    return Settlement(State.UNKNOWN, due_at if can.probes else None, claim.attempts, repeat=True, reason=result.reason)
