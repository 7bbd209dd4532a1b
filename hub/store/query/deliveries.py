"""Deliveries: claim by conditional UPDATE, settle by lease token, release what waited. No decision is made here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import and_, bindparam, exists, or_, text, update
from sqlalchemy import select as pick
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from hub.model.column import Instant
from hub.model.delivery import ENDED, MAY_WAIT, NOT_ENDED, Attempt, Delivery, State
from hub.store.bulk import Change, find_rows, insert_rows, update_rows
from hub.store.query.turns import take_turns

FRESH = {"populate_existing": True}
"""Writes of one group share a session, and most of them change rows behind its back."""

CLAIMED = tuple(
    col(getattr(Delivery, name))
    for name in (
        "id", "system", "flow", "record", "key", "intent", "payload", "amends", "attempts", "state", "repeat",
        "created_at", "transported_at", "replayed_at",
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
_DUE = (
    pick(*CLAIMED)
    .where(col(Delivery.system) == bindparam("system"), col(Delivery.due_at) <= bindparam("now"))
    .order_by(col(Delivery.due_at))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_WITH_DUE = text("""
    WITH RECURSIVE known(system) AS (
        SELECT min(system) FROM delivery WHERE due_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(d.system) FROM delivery AS d WHERE d.due_at IS NOT NULL AND d.system > known.system)
        FROM known WHERE known.system IS NOT NULL
    )
    SELECT system FROM known
    WHERE EXISTS (SELECT 1 FROM delivery AS d WHERE d.system = known.system AND d.due_at <= :now)
""").bindparams(bindparam("now", type_=Instant))
"""From one System to the next along the index of what is due: a backlog of a million is no longer to look at."""
_NEWER = aliased(Delivery)
_LATER = pick(col(_NEWER.id)).where(
    col(_NEWER.record_key) == col(Delivery.record_key),
    col(_NEWER.system) == col(Delivery.system),
    col(_NEWER.flow) == col(Delivery.flow),
    col(_NEWER.revision) > col(Delivery.revision),
    col(_NEWER.state) != State.CANCELLED,
)
_TAKEN_BACK = _LATER.where(col(_NEWER.intent) == "withdraw")
_YES = pick(col(Attempt.id)).where(
    col(Attempt.delivery_id) == col(Delivery.id),
    col(Attempt.outcome) == "accepted",
    col(Attempt.ended_at) == col(Delivery.settled_at),  # one transaction writes both
)
_CLOSE = Change(_ATTEMPT, ("id",), guard="attempt.ended_at IS NULL")


def systems_with_due(session: Session, now: datetime) -> list[str]:
    """Return the Systems that have something to claim."""
    return list(session.connection().scalars(_WITH_DUE, {"now": now}))


def due(session: Session, system: str, now: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Return what may be claimed for one System, oldest due first; on PostgreSQL other workers pass by these rows."""
    found = session.connection().execute(_DUE, {"system": system, "now": now, "most": limit}).mappings()
    return cast("list[Mapping[str, Any]]", found.all())


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

    Each row gives `id`, `lease_token`, `state`, `due_at`, `attempts`, `repeat`, `remote_id`, `reason`, `transported_at`
    and `settled_at`. A System's number once known is kept when a later answer gives none.
    """
    return update_rows(session.connection(), _SETTLE, rows)


def close_attempts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Close attempts that are still open; rows give `id`, `ended_at`, `outcome`, `reason`, `answer`."""
    update_rows(session.connection(), _CLOSE, rows)


def made_before(session: Session, system: str, after: str, before: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Return a System's next Deliveries after one, by id, made before an instant: what claims need, and two more.

    `confirmed`: it was the System itself that said yes, not a person. `superseded`: there is a later revision, which
    it may hold in its place.
    """
    query = (
        pick(*CLAIMED, exists(_YES).label("confirmed"), exists(_LATER).label("superseded"))
        .where(col(Delivery.system) == system, col(Delivery.id) > after, col(Delivery.created_at) < before)
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    return [row._asdict() for row in session.connection().execute(query)]


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


def lost_in_a_row(session: Session, delivery_id: str) -> int:
    """Return how many of the latest closed attempts of a Delivery were lost, counted back to the first that was not."""
    query = (
        select(Attempt.outcome)
        .where(Attempt.delivery_id == delivery_id, col(Attempt.ended_at).is_not(None))
        .order_by(col(Attempt.id).desc())
    )
    count = 0
    for outcome in session.exec(query):
        if outcome != "lost":
            break
        count += 1
    return count


def bring_forward(session: Session, column: str, after: datetime, by: timedelta) -> None:
    """Let what `due_at` or `leased_until` puts after that instant come sooner; rows others hold keep theirs."""
    when = _DELIVERY.c[column]
    query = pick(_DELIVERY.c.id, when).where(when > after).with_for_update(skip_locked=True)
    if rows := [{"b_id": one, "b_at": at - by} for one, at in session.connection().execute(query)]:
        change = update(_DELIVERY).where(_DELIVERY.c.id == bindparam("b_id")).values({column: bindparam("b_at")})
        session.connection().execute(change, rows)


def waiting_for(session: Session, delivery_ids: Sequence[str]) -> list[Delivery]:
    """Return Deliveries held back behind any of these, those for a person among them."""
    first = [{"after_id": delivery_id} for delivery_id in delivery_ids]
    behind = [key for (key,) in find_rows(session.connection(), _DELIVERY, ("id",), first)]
    if not behind:
        return []  # nearly always
    query = select(Delivery).where(col(Delivery.id).in_(behind), col(Delivery.state).in_(MAY_WAIT))
    return list(session.exec(query.order_by(col(Delivery.id)), execution_options=FRESH).all())


def stranded(session: Session) -> dict[str, State]:
    """Return Deliveries that have ended, or are refused, while what may go after them still waits."""
    first, follower = aliased(Delivery), aliased(Delivery)
    corrected = and_(
        col(first.state) == State.PARKED, col(first.repeat).is_(False), col(first.record_key) == follower.record_key
    )
    query = (
        select(first.id, first.state)
        .join(follower, col(follower.after_id) == first.id)
        .where(
            col(follower.after_id).is_not(None),
            col(follower.state).in_(MAY_WAIT),
            or_(col(first.state).in_(ENDED), corrected),
        )
        .distinct()
    )
    return {delivery_id: State(state) for delivery_id, state in session.exec(query)}


def by_ids(session: Session, delivery_ids: Sequence[str]) -> list[Delivery]:
    """Return these Deliveries, locked for change where the database knows row locks."""
    query = select(Delivery).where(col(Delivery.id).in_(delivery_ids)).order_by(col(Delivery.id)).with_for_update()
    return list(session.exec(query, execution_options=FRESH).all())


def taken_back(session: Session, delivery_ids: Sequence[str]) -> set[str]:
    """Return which of these Deliveries a later revision takes back, or has taken back."""
    query = pick(col(Delivery.id)).where(col(Delivery.id).in_(delivery_ids), exists(_TAKEN_BACK))
    return set(session.connection().scalars(query))


def move(session: Session, delivery_id: str, old: State, **values: object) -> bool:
    """Change one Delivery that is still in state `old`; say whether it was."""
    changed = session.connection().execute(
        update(_DELIVERY).where(_DELIVERY.c.id == delivery_id, _DELIVERY.c.state == old).values(**values)
    )
    return changed.rowcount == 1


def latest_per_flow(
    session: Session, record_keys: Sequence[str], *, lock: bool = True
) -> dict[tuple[str, str, str], Delivery]:
    """Return each (record key, system, flow)'s newest Delivery that was not cancelled."""
    query = (
        select(Delivery)
        .where(col(Delivery.record_key).in_(record_keys), Delivery.state != State.CANCELLED)
        .order_by(col(Delivery.revision))
    )
    query = query.with_for_update() if lock else query
    return {(row.record_key, row.system, row.flow): row for row in session.exec(query, execution_options=FRESH)}


def under_way_before(session: Session, row: Delivery) -> State | None:
    """Return the state of an earlier revision of a Delivery's Record that is still on its way to the System."""
    query = select(Delivery.state).where(
        Delivery.record_key == row.record_key,
        Delivery.system == row.system,
        Delivery.flow == row.flow,
        Delivery.revision < row.revision,
        or_(
            col(Delivery.state).in_((State.WAITING, State.LEASED, State.RETRY, State.TRANSPORTED)),
            # A person's, who may be entering it: only a withdrawal ever waits behind one of these.
            and_(col(Delivery.state) == State.MANUAL, col(Delivery.id) == row.after_id),
        ),
    )
    found = session.exec(query.limit(1)).first()
    return None if found is None else State(found)


def ahead_in_order(session: Session, row: Delivery) -> str | None:
    """Return the Delivery whose turn it is in a Delivery's ordered flow, if it is another's."""
    query = select(Delivery.id).where(
        Delivery.order_key == row.order_key,
        Delivery.id != row.id,
        col(Delivery.after_id).is_(None),
        text(NOT_ENDED),
        col(Delivery.state) != State.MANUAL,
    )
    return session.exec(query.order_by(col(Delivery.id)).limit(1)).first()


def turn_of(order_key: str) -> str:
    """Return the turn of whoever joins an ordered flow."""
    return f"order:{order_key}"


def last_in_order(session: Session, order_keys: Sequence[str]) -> dict[str, str]:
    """Return the newest Delivery of each order key that has not ended; nobody else asks until this transaction ends.

    Two that join at the same moment would both wait for the same one, and go together when it has ended.
    """
    take_turns(session, map(turn_of, order_keys))
    query = (
        select(Delivery.order_key, Delivery.id)
        .where(col(Delivery.order_key).in_(order_keys), text(NOT_ENDED))
        .order_by(col(Delivery.id))
    )
    return {key: delivery_id for key, delivery_id in session.exec(query) if key is not None}
