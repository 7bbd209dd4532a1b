"""Claims: what may go now is leased and its attempt opened in one transaction, breaker and pause obeyed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.failpoint import passing
from hub.model.column import new_id
from hub.model.delivery import State
from hub.model.system import Breaker, SystemState
from hub.outbox.decide.breaker import Health, probing
from hub.outbox.decide.settle import Claim
from hub.store import Session
from hub.store.query import entries, leases, systems

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


Wanted = Mapping[str, tuple[int, timedelta]]
"""How many Deliveries of each System, and the time an attempt may take there."""


def claim_due(session: Session, wanted: Wanted, now: datetime) -> list[Claim]:
    """Lease up to so many due Deliveries of each System, but none that is suspected of killing workers."""
    # Those that flow need no lock on what is remembered of them; those that do not are locked, as one may probe.
    held = systems.states(session, wanted.keys() - systems.flowing(session, wanted.keys()))
    claims: list[Claim] = []
    until: dict[str, datetime] = {}
    for system, (limit, answer_within) in wanted.items():
        health = health_of(held[system]) if system in held else Health()
        permitted = health.permits(now, limit)
        until[system] = now + answer_within + LEASE_MARGIN
        taken = [claimed(row) for row in leases.due(session, system, now, permitted)] if permitted > 0 else []
        if taken and health.breaker is not Breaker.CLOSED:
            keep(held[system], probing(health, until[system]))
            session.add(held[system])
        claims += taken
    return _leased(session, claims, now, until)


def has_suspect(session: Session, systems_wired: Collection[str], now: datetime) -> bool:
    """Say whether a Delivery is due that is suspected of killing workers, of a System that takes any now."""
    return bool(_awake(session, leases.suspect_systems(session, now) & set(systems_wired), now))


def _awake(session: Session, names: Collection[str], now: datetime) -> set[str]:
    """Return which of these Systems something may be sent to; none of them is locked."""
    known = systems.all_states(session) if names else {}
    return {name for name in names if name not in known or health_of(known[name]).permits(now, 1)}


def claim_suspect(session: Session, wanted: Wanted, now: datetime) -> list[Claim]:
    """Lease the first due Delivery that is suspected of killing workers; the caller has nothing else under way."""
    held = systems.states(session, wanted.keys() - systems.flowing(session, wanted.keys()))
    resting = {name for name, row in held.items() if health_of(row).permits(now, 1) == 0}
    found = leases.due_suspect(session, sorted(wanted.keys() - resting), now)
    if found is None:
        return []
    claim = claimed(found)
    until = now + wanted[claim.system][1] + LEASE_MARGIN
    if claim.system in held:
        keep(held[claim.system], probing(health_of(held[claim.system]), until))
        session.add(held[claim.system])
    return _leased(session, [claim], now, {claim.system: until})


def claim_alone(delivery_id: str, session: Session, wanted: Wanted, now: datetime) -> list[Claim]:
    """Lease one Delivery if it is due, though its System is paused: to see whether the pause may end."""
    found = leases.due_one(session, delivery_id, now)
    claims = [claimed(found)] if found is not None and found["system"] in wanted else []
    return _leased(session, claims, now, {name: now + within + LEASE_MARGIN for name, (_, within) in wanted.items()})


def _leased(session: Session, claims: list[Claim], now: datetime, until: Mapping[str, datetime]) -> list[Claim]:
    """Write the leases of rows just read down, all or none."""
    moved = leases.lease(session, [lease_row(claim, now, until[claim.system]) for claim in claims])
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
        remote_id=row["remote_id"],
        refusal=row["refusal"],
        lost=row["lost"],
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
        claimed(row, attempt_id=row["lease_token"], kind=row["kind"]) for row in leases.overrun(session, now, limit)
    ]


def shorten_waits(session: Session, now: datetime, back: timedelta) -> None:
    """Take off every wait by how much it grew when the wall clock was set back.

    Other processes of a PostgreSQL hub may do so too: then a Delivery is tried early, once. A lease must never end
    early, so only those a small step could not have put there are touched; the others are that little bit longer.
    What is remembered of Systems must not lie ahead either: at the next start it would look like another step back.
    """
    leases.bring_forward(session, "due_at", now, back)
    systems.bring_forward(session, now, back)
    entries.follow_clock(session, now, -back)
    if back >= LONG_STEP:
        leases.bring_forward(session, "leased_until", now + back - LONG_STEP / 2, back)
