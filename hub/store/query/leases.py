"""Leases: what is due, leased by conditional UPDATE, settled by lease token. No decision is made here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, bindparam, text, update
from sqlalchemy import select as pick
from sqlmodel import Session, col

from hub.model.column import Instant
from hub.model.delivery import IS_SUSPECT, SUSPECT, UNRECOGNISED, Attempt, Delivery
from hub.store.bulk import Change, insert_rows, update_rows

CLAIMED = tuple(
    col(getattr(Delivery, name))
    for name in (
        "id", "system", "flow", "record", "key", "intent", "payload", "amends", "attempts", "state", "repeat",
        "created_at", "transported_at", "replayed_at", "remote_id", "refusal", "lost",
    )
)  # fmt: skip
"""Columns a worker needs to send; one read serves claim and attempt."""

_DELIVERY, _ATTEMPT = Delivery.__table__, Attempt.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_LEASE = Change(_DELIVERY, ("id", "state"), (("state", "'leased'"), ("due_at", "NULL")), "delivery.due_at IS NOT NULL")
_SETTLE = Change(
    _DELIVERY,
    ("id", "lease_token"),
    (
        ("lease_token", "NULL"),
        ("leased_until", "NULL"),
        ("remote_id", "coalesce(nullif({remote_id}, ''), delivery.remote_id)"),
    ),
    "delivery.state = 'leased'",
)
_RECOGNISED = text(f"NOT {UNRECOGNISED}")
_DUE = (
    pick(*CLAIMED)
    .where(col(Delivery.system) == bindparam("system"), col(Delivery.due_at) <= bindparam("now"))
    .where(col(Delivery.lost) < SUSPECT, _RECOGNISED)
    .order_by(col(Delivery.due_at))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_DUE_SUSPECT = (
    pick(*CLAIMED)
    .where(text(IS_SUSPECT), col(Delivery.due_at) <= bindparam("now"), _RECOGNISED)
    .order_by(col(Delivery.due_at))
    .limit(1)
    .with_for_update(skip_locked=True)
)
_SYSTEMS = """
    WITH RECURSIVE known(system) AS (
        SELECT min(system) FROM delivery WHERE due_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(d.system) FROM delivery AS d WHERE d.due_at IS NOT NULL AND d.system > known.system)
        FROM known WHERE known.system IS NOT NULL
    )
    SELECT system FROM known
    WHERE EXISTS (SELECT 1 FROM delivery AS d WHERE d.system = known.system AND d.due_at {when})
"""
_WITH_DUE = text(_SYSTEMS.format(when="<= :now")).bindparams(bindparam("now", type_=Instant))
_WITH_DUE_AFTER = text(_SYSTEMS.format(when="> :after")).bindparams(bindparam("after", type_=Instant))
"""From one System to the next along the index of what is due: a backlog of a million is no longer to look at."""
_CLOSE = Change(_ATTEMPT, ("id",), guard="attempt.ended_at IS NULL")


def systems_with_due(session: Session, now: datetime) -> list[str]:
    """Return the Systems that have something to claim."""
    return list(session.connection().scalars(_WITH_DUE, {"now": now}))


def due(session: Session, system: str, now: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Return what may be claimed for one System, oldest due first; on PostgreSQL other workers pass by these rows."""
    found = session.connection().execute(_DUE, {"system": system, "now": now, "most": limit}).mappings()
    return cast("list[Mapping[str, Any]]", found.all())


def due_suspect(session: Session, systems: Sequence[str], now: datetime) -> Mapping[str, Any] | None:
    """Return the first of these Systems' due Deliveries that workers died over too often in a row."""
    return _first(session, _DUE_SUSPECT.where(col(Delivery.system).in_(systems)).params(now=now))


def suspect_systems(session: Session, now: datetime) -> set[str]:
    """Return the Systems that have such a Delivery due; nearly always none."""
    query = pick(col(Delivery.system)).where(text(IS_SUSPECT), col(Delivery.due_at) <= now, _RECOGNISED)
    return set(session.connection().scalars(query.distinct()))


def due_one(session: Session, delivery_id: str, now: datetime) -> Mapping[str, Any] | None:
    """Return one Delivery as `due` does, if it is due."""
    query = pick(*CLAIMED).where(col(Delivery.id) == delivery_id, col(Delivery.due_at) <= now, _RECOGNISED)
    return _first(session, query.with_for_update(skip_locked=True))


def _first(session: Session, query: Select[Any]) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any] | None", session.connection().execute(query).mappings().first())


def lease(session: Session, claims: Sequence[Mapping[str, Any]]) -> int:
    """Lease rows just read by `due` and open their attempts; return how many moved (all, or somebody was faster).

    Each claim gives `delivery_id`, `attempt_id`, `before`, `attempts`, `kind`, `started_at`, `until`.
    """
    moved = update_rows(session.connection(), _LEASE, [_lease(claim) for claim in claims])
    insert_rows(session.connection(), _ATTEMPT, [attempt_row(claim) for claim in claims])
    return len(moved)


def _lease(claim: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": claim["delivery_id"],
        "state": claim["before"],
        "lease_token": claim["attempt_id"],
        "leased_until": claim["until"],
        "attempts": claim["attempts"],
    }


def attempt_row(claim: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of an attempt that begins with a claim; it is open until its result closes it."""
    return {
        "id": claim["attempt_id"],
        "delivery_id": claim["delivery_id"],
        "kind": claim["kind"],
        "number": claim["attempts"],
        "started_at": claim["started_at"],
        "ended_at": None,
        "outcome": "",
        "reason": "",
        "answer": "",
    }


def settle(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Write settlements of leased Deliveries; return the ids of those whose lease still held: only they moved (D7).

    Each row gives `id`, `lease_token` and all that an attempt can change. A System's number once known is kept when a
    later answer gives none.
    """
    return update_rows(session.connection(), _SETTLE, rows)


def close_attempts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Close attempts that are still open; rows give `id`, `ended_at`, `outcome`, `reason`, `answer`."""
    update_rows(session.connection(), _CLOSE, rows)


def overrun(session: Session, now: datetime | None, limit: int) -> list[Mapping[str, Any]]:
    """Return leased Deliveries whose lease ran out before `now` (all when None), with token and kind of attempt."""
    query = (
        pick(*CLAIMED, col(Delivery.lease_token), col(Attempt.kind))
        .join(Attempt, col(Attempt.id) == col(Delivery.lease_token))
        .where(col(Delivery.leased_until).is_not(None))
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    if now is not None:
        query = query.where(col(Delivery.leased_until) < now)
    return [row._asdict() for row in session.connection().execute(query)]


def bring_forward(session: Session, column: str, after: datetime, by: timedelta) -> None:
    """Let what `due_at` or `leased_until` puts after that instant come sooner; rows others hold keep theirs."""
    when = _DELIVERY.c[column]
    query = pick(_DELIVERY.c.id, when).where(when > after).with_for_update(skip_locked=True)
    _put(session, column, [{"b_id": one, "b_at": at - by} for one, at in session.connection().execute(query)])


def systems_with_due_after(session: Session, after: datetime) -> list[str]:
    """Return the Systems that have something to claim only after that instant."""
    return list(session.connection().scalars(_WITH_DUE_AFTER, {"after": after}))


def bring_back(session: Session, now: datetime, most: timedelta) -> None:
    """Make due now what is put off by more than that; rows others hold keep theirs."""
    query = pick(_DELIVERY.c.id).where(_DELIVERY.c.due_at > now + most).with_for_update(skip_locked=True)
    _put(session, "due_at", [{"b_id": one, "b_at": now} for (one,) in session.connection().execute(query)])


def _put(session: Session, column: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        change = update(_DELIVERY).where(_DELIVERY.c.id == bindparam("b_id")).values({column: bindparam("b_at")})
        session.connection().execute(change, rows)
