"""What an outcome means for a Delivery: one pure decision, the table of faults.md 2b in code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hub.model.delivery import State
from hub.outbox.decide.backoff import is_out_of_patience, next_attempt_at, next_look_at
from hub.sdk import Capabilities

MAX_LOST = 5
"""Workers in a row that died over a Delivery, from the third on with nothing else in hand: it is what kills them."""


class Outcome(StrEnum):
    """How one attempt ended."""

    ACCEPTED = "accepted"
    TRANSPORTED = "transported"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    UNANSWERED = "unanswered"
    DOUBTFUL_NO = "doubtful_no"
    """A no that something in between may have said: the System may have done it all the same."""
    NOT_LET_IN = "not_let_in"
    """A status that says our settings are wrong, and may be about the answer: the System may have done it."""
    ABSENT = "absent"
    """A probe learnt for certain that it never arrived."""
    LOST = "lost"
    """The worker died or overran its lease; bytes may have left."""


NOBODY_THERE = frozenset({Outcome.UNAVAILABLE, Outcome.UNANSWERED})
"""Outcomes that count against the System's breaker. LOST is our own death, not theirs."""
PAUSING = frozenset({Outcome.MISCONFIGURED, Outcome.NOT_LET_IN})
"""Outcomes after which nothing goes to a System until somebody, or its own check, says that it is mended."""


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
    remote_id: str = ""
    refusal: str | None = None
    lost: int = 0

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
    missing: bool = False
    """Refused because what is to be changed is not there."""


@dataclass(frozen=True)
class Settlement:
    """What a Delivery becomes."""

    state: State
    due_at: datetime | None = None
    attempts: int = 0
    repeat: bool = False
    reason: str = ""
    refusal: str | None = None
    lost: int = 0
    intent: str = ""
    """What is asked for from now on; empty: what was."""


@dataclass(frozen=True)
class Moment:
    """When something is decided: the instant, a random number in [0, 1), and what has waited too long by then."""

    now: datetime
    dice: float
    too_old_at: datetime


def settlement(result: Result, can: Capabilities, at: Moment) -> Settlement:
    """Decide what becomes of a Delivery after one attempt."""
    return _MEANING[result.outcome](result, can, at)


def _accepted(result: Result, _can: Capabilities, _at: Moment) -> Settlement:
    return Settlement(State.DELIVERED, None, result.claim.attempts, result.claim.repeat, result.reason)


def _refused(result: Result, can: Capabilities, at: Moment) -> Settlement:
    """Park it with the System's no. What somebody sends again and is not there to be changed goes as new instead.

    Where keys mean nothing this no is about this push alone: an earlier one may have had its effect.
    """
    claim = result.claim
    if result.missing and claim.intent == "amend" and claim.kind == "push" and claim.replayed_at is not None:
        return Settlement(State.RETRY, at.now, claim.attempts, reason=result.reason, intent="create")
    repeat = claim.repeat and claim.kind == "push" and not can.honours_key
    return Settlement(State.PARKED, None, claim.attempts, repeat, result.reason)


def _doubted(result: Result, can: Capabilities, at: Moment) -> Settlement:
    """Believe a no that something in between may have said only once a probe finds nothing there; else a person."""
    due_at = _again_at(result, at) if can.can_tell_of(result.claim.intent) else None
    attempts = result.claim.attempts
    return Settlement(State.UNKNOWN, due_at, attempts, repeat=True, reason=result.reason, refusal=result.reason)


def _misconfigured(result: Result, _can: Capabilities, at: Moment) -> Settlement:
    """Put it back as it was: nothing was done there, and nobody tries again before somebody mended it."""
    claim = result.claim
    spent = claim.attempts - 1 if claim.kind == "push" else claim.attempts
    return Settlement(claim.before, at.now, spent, claim.repeat, result.reason, claim.refusal)


def _transported(result: Result, _can: Capabilities, at: Moment) -> Settlement:
    return _patient(result, State.TRANSPORTED, next_look_at(at.now, result.claim.transported_at or at.now), at)


def _unavailable(result: Result, _can: Capabilities, at: Moment) -> Settlement:
    state = State.RETRY if result.claim.kind == "push" else result.claim.before
    return _patient(result, state, _again_at(result, at), at)


def _absent(result: Result, _can: Capabilities, at: Moment) -> Settlement:
    """Send it again, for it never arrived; at once the first time. One that was told no is parked with that."""
    claim = result.claim
    if claim.refusal is not None:
        return Settlement(State.PARKED, None, claim.attempts, repeat=False, reason=claim.refusal)
    due_at = at.now if claim.attempts <= 1 else next_attempt_at(at.now, claim.attempts - 1, at.dice)
    return replace(_patient(result, State.RETRY, due_at, at), repeat=False)


def _patient(result: Result, state: State, due_at: datetime, at: Moment) -> Settlement:
    """Keep trying, or give up to a person when the Delivery has waited longer than patience lasts."""
    claim = result.claim
    if is_out_of_patience(claim.since, claim.attempts, at.now, at.too_old_at):
        return Settlement(State.PARKED, None, claim.attempts, claim.repeat, result.reason)
    refusal = claim.refusal if state is State.UNKNOWN else None
    return Settlement(state, due_at, claim.attempts, claim.repeat, result.reason, refusal)


def _again_at(result: Result, at: Moment) -> datetime:
    """Return when to try again; a probe is not counted as a try, so its wait grows with the Delivery's age."""
    claim, now = result.claim, at.now
    again_at = next_attempt_at(now, claim.attempts, at.dice, result.retry_after)
    return again_at if claim.kind == "push" else max(again_at, next_look_at(now, claim.transported_at or claim.since))


def _ambiguous(result: Result, can: Capabilities, at: Moment) -> Settlement:
    """Bytes may have arrived: the same key again where it is honoured, else ask, else a person. Never blindly."""
    claim = result.claim
    lost = claim.lost + 1 if result.outcome is Outcome.LOST else 0
    if lost >= MAX_LOST:
        return Settlement(State.PARKED, None, claim.attempts, repeat=True, reason=result.reason, lost=lost)
    due_at = _again_at(result, at)
    if claim.kind == "probe":
        return replace(_patient(result, claim.before, due_at, at), lost=lost)
    if can.honours_key:
        return replace(_patient(result, State.RETRY, due_at, at), repeat=True, lost=lost)
    due = due_at if can.can_tell_of(claim.intent) else None
    return Settlement(State.UNKNOWN, due, claim.attempts, repeat=True, reason=result.reason, lost=lost)


_MEANING: Mapping[Outcome, Callable[[Result, Capabilities, Moment], Settlement]] = {
    Outcome.ACCEPTED: _accepted,
    Outcome.TRANSPORTED: _transported,
    Outcome.REFUSED: _refused,
    Outcome.UNAVAILABLE: _unavailable,
    Outcome.MISCONFIGURED: _misconfigured,
    Outcome.UNANSWERED: _ambiguous,
    Outcome.DOUBTFUL_NO: _doubted,
    Outcome.NOT_LET_IN: _ambiguous,
    Outcome.ABSENT: _absent,
    Outcome.LOST: _ambiguous,
}
