"""Claims: what may go now is leased and its attempt opened in one transaction, breaker and pause obeyed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.failpoint import passing
from hub.model.column import new_id
from hub.model.delivery import State
from hub.model.system import Breaker, SystemState
from hub.outbox.decide.breaker import Health, probing
from hub.outbox.decide.settle import Claim
from hub.store import Session
from hub.store.query import deliveries, systems

LEASE_MARGIN = timedelta(seconds=15)
"""A lease outlives the attempt's deadline by this much, so that a live worker always settles first (F41)."""
LONG_STEP = timedelta(hours=1)
"""Longer than any lease: after a step of the wall clock this long, leases made before and after it differ plainly."""
PUSHED_FROM = frozenset({State.WAITING, State.RETRY})


def health_of(row: SystemState) -> Health:
    """Return the pure view of a stored System state."""
    return Health(Breaker(row.breaker), row.failures, row.open_until, row.paused_reason)


def keep(row: SystemState, health: Health) -> None:
    """Write a pure view back to its row."""
    row.breaker, row.failures = health.breaker, health.failures
    row.open_until, row.paused_reason = health.open_until, health.paused_reason


def claim_due(session: Session, wanted: Mapping[str, tuple[int, timedelta]], now: datetime) -> list[Claim]:
    """Lease up to `wanted[system] = (how many, time an attempt may take)` due Deliveries of each System."""
    # Those that flow need no lock on what is remembered of them; those that do not are locked, as one may probe.
    held = systems.states(session, wanted.keys() - systems.flowing(session, wanted.keys()))
    claims: list[Claim] = []
    until: dict[str, datetime] = {}
    for system, (limit, answer_within) in wanted.items():
        health = health_of(held[system]) if system in held else Health()
        permitted = health.permits(now, limit)
        until[system] = now + answer_within + LEASE_MARGIN
        taken = [claimed(row) for row in deliveries.due(session, system, now, permitted)] if permitted > 0 else []
        if taken and health.breaker is not Breaker.CLOSED:
            keep(held[system], probing(health, until[system]))
            session.add(held[system])
        claims += taken
    moved = deliveries.lease(session, [lease_row(claim, now, until[claim.system]) for claim in claims])
    if moved != len(claims):
        raise RuntimeError(f"claimed {len(claims)} deliveries but {moved} moved")
    passing("claim.leased")
    return claims


def claimed(row: Mapping[str, Any], attempt_id: str = "", kind: str = "") -> Claim:
    """Return the claim for a row read by `due`; one that was leased already keeps its attempt and kind."""
    state = State(row["state"])
    kind = kind or ("push" if state in PUSHED_FROM else "probe")
    before = _before_lease(kind, transported=row["transported_at"] is not None) if state is State.LEASED else state
    fresh_push = kind == "push" and state is not State.LEASED
    return Claim(
        delivery_id=row["id"],
        attempt_id=attempt_id or new_id(),
        kind=kind,
        system=row["system"],
        flow=row["flow"],
        record=row["record"],
        key=row["key"],
        intent=row["intent"],
        payload=row["payload"],
        amends=row["amends"],
        attempts=row["attempts"] + int(fresh_push),
        before=before,
        repeat=row["repeat"],
        created_at=row["created_at"],
        transported_at=row["transported_at"],
        replayed_at=row["replayed_at"],
    )


def _before_lease(kind: str, *, transported: bool) -> State:
    """Return the state a leased Delivery goes back to when its worker is gone."""
    if kind == "push":
        return State.RETRY
    return State.TRANSPORTED if transported else State.UNKNOWN


def lease_row(claim: Claim, now: datetime, until: datetime) -> dict[str, Any]:
    """Return what the database must be told of a claim."""
    return {
        "delivery_id": claim.delivery_id,
        "attempt_id": claim.attempt_id,
        "before": claim.before,
        "attempts": claim.attempts,
        "kind": claim.kind,
        "started_at": now,
        "until": until,
    }


def overrun_claims(session: Session, now: datetime | None, limit: int) -> Sequence[Claim]:
    """Return the claims of workers that died or overran their lease; all leased ones when `now` is None."""
    return [
        claimed(row, attempt_id=row["lease_token"], kind=row["kind"]) for row in deliveries.overrun(session, now, limit)
    ]


def shorten_waits(session: Session, now: datetime, back: timedelta) -> None:
    """Take off every wait by how much it grew when the wall clock was set back.

    Other processes of a PostgreSQL hub may do so too: then a Delivery is tried early, once. A lease must never end
    early, so only those a small step could not have put there are touched; the others are that little bit longer.
    """
    deliveries.bring_forward(session, "due_at", now, back)
    systems.bring_forward(session, now, back)
    if back >= LONG_STEP:
        deliveries.bring_forward(session, "leased_until", now + back - LONG_STEP / 2, back)
