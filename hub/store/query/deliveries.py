"""Deliveries: what goes before and after each, how its Record went on, how it moves. No decision is made here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, text, tuple_, update
from sqlalchemy import select as pick
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from hub.model.delivery import ENDED, MAY_WAIT, NOT_ENDED, UNRECOGNISED, Attempt, Delivery, State
from hub.store.bulk import find_rows
from hub.store.query.leases import CLAIMED
from hub.store.query.turns import take_turns

FRESH = {"populate_existing": True}
"""Writes of one group share a session, and most of them change rows behind its back."""

_DELIVERY = Delivery.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_CHAIN = ("record_key", "system", "flow")
_NEWER = aliased(Delivery)
_LATER = pick(col(_NEWER.id)).where(
    col(_NEWER.record_key) == col(Delivery.record_key),
    col(_NEWER.system) == col(Delivery.system),
    col(_NEWER.flow) == col(Delivery.flow),
    col(_NEWER.revision) > col(Delivery.revision),
    col(_NEWER.state) != State.CANCELLED,
)
_MADE = (*CLAIMED, *(col(getattr(Delivery, name)) for name in ("record_key", "revision", "settled_at")))
_YES = pick(col(Attempt.id)).where(
    col(Attempt.delivery_id) == col(Delivery.id),
    col(Attempt.outcome) == "accepted",
    col(Attempt.ended_at) == col(Delivery.settled_at),  # one transaction writes both
)


def made_before(
    session: Session, system: str, between: tuple[str, str], before: datetime, limit: int
) -> list[Mapping[str, Any]]:
    """Return a System's next Deliveries between two, by id, made before an instant: what claims need, and more.

    `confirmed`: it was the System itself that said yes, not a person. `superseded`: there is a later revision, which
    it may hold in its place.
    """
    query = (
        pick(*_MADE, exists(_YES).label("confirmed"), exists(_LATER).label("superseded"))
        .where(col(Delivery.system) == system, col(Delivery.id) > between[0], col(Delivery.id) <= between[1])
        .where(col(Delivery.created_at) < before)
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    return [row._asdict() for row in session.connection().execute(query)]


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


def move(session: Session, delivery_id: str, old: State, **values: object) -> bool:
    """Change one Delivery that is still in state `old`; say whether it was."""
    return _moved(session, [_DELIVERY.c.id == delivery_id, _DELIVERY.c.state == old], values)


def move_behind(session: Session, row: Delivery, **values: object) -> bool:
    """Change one Delivery that still stands as it was read and waits behind the same one; say whether it did."""
    still = [_DELIVERY.c.state == row.state, _DELIVERY.c.after_id == row.after_id]
    return _moved(session, [_DELIVERY.c.id == row.id, *still], values)


def move_settled(session: Session, delivery_id: str, was_settled_at: datetime, **values: object) -> bool:
    """Change one Delivery that was delivered at that instant and is still; say whether it is."""
    still = [_DELIVERY.c.state == State.DELIVERED, _DELIVERY.c.settled_at == was_settled_at]
    return _moved(session, [_DELIVERY.c.id == delivery_id, *still, ~exists(_LATER)], values)


def _moved(session: Session, conditions: Sequence[ColumnElement[bool]], values: Mapping[str, object]) -> bool:
    return session.connection().execute(update(_DELIVERY).where(*conditions).values(**values)).rowcount == 1


def unrecognised(session: Session, limit: int) -> dict[str, tuple[str, str]]:
    """Return Deliveries whose state or intent this program does not know, with both."""
    query = pick(col(Delivery.id), col(Delivery.state), col(Delivery.intent)).where(text(UNRECOGNISED))
    found = session.connection().execute(query.where(col(Delivery.id) > "").order_by(col(Delivery.id)).limit(limit))
    return {row[0]: (row[1], row[2]) for row in found}


@dataclass(frozen=True)
class Chain:
    """What one flow has of one Record: its revisions, the earliest first, none of them cancelled."""

    rows: tuple[Delivery, ...]
    confirmed: frozenset[str]
    """Those the System has said yes to at some time, by id."""


def chains(session: Session, delivery_ids: Collection[str]) -> list[Chain]:
    """Return the chains these Deliveries belong to, every row locked for change."""
    theirs, of = aliased(Delivery), tuple(col(getattr(Delivery, name)) for name in _CHAIN)
    wanted = pick(*(getattr(theirs, name) for name in _CHAIN)).where(theirs.id.in_(delivery_ids))  # type: ignore[attr-defined]  # a mapped column
    query = select(Delivery).where(tuple_(*of).in_(wanted), col(Delivery.state) != State.CANCELLED)
    rows: dict[tuple[str, ...], list[Delivery]] = {}
    for row in session.exec(query.order_by(col(Delivery.id)).with_for_update(), execution_options=FRESH):
        rows.setdefault((row.record_key, row.system, row.flow), []).append(row)
    confirmed = _confirmed(session, [row.id for of_one in rows.values() for row in of_one])
    return [Chain(tuple(sorted(of_one, key=lambda row: row.revision)), confirmed) for of_one in rows.values()]


def _confirmed(session: Session, delivery_ids: Collection[str]) -> frozenset[str]:
    said_yes = pick(col(Attempt.delivery_id)).where(
        col(Attempt.delivery_id).in_(delivery_ids), col(Attempt.outcome).in_(("accepted", "transported"))
    )
    return frozenset(session.connection().scalars(said_yes.distinct()))


def created(session: Session, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the Delivery that made what a later one changed, if it was the System itself that said yes to it."""
    conditions = [col(Delivery.revision) < row["revision"], col(Delivery.intent) == "create"]
    conditions += [col(getattr(Delivery, name)) == row[name] for name in _CHAIN]
    query = pick(*CLAIMED, exists(_YES).label("confirmed")).where(*conditions, col(Delivery.state) == State.DELIVERED)
    found = session.connection().execute(query.order_by(col(Delivery.revision).desc()).limit(1)).first()
    return found._asdict() if found is not None and found.confirmed else None


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
    """Return the Delivery whose turn it is in a Delivery's ordered flow, if it is another's; holds the order."""
    hold_orders(session, [row.order_key or ""])
    query = select(Delivery.id).where(
        Delivery.order_key == row.order_key,
        Delivery.id != row.id,
        col(Delivery.after_id).is_(None),
        text(NOT_ENDED),
        col(Delivery.state) != State.MANUAL,
    )
    return session.exec(query.order_by(col(Delivery.id)).limit(1)).first()


def hold_orders(session: Session, order_keys: Iterable[str]) -> None:
    """Let one transaction at a time line up or let go Deliveries of these orders.

    Two that look at the same moment would both find nobody ahead, or both wait for the same one, and go together.
    """
    take_turns(session, (f"order:{key}" for key in order_keys))


def heads_in_order(session: Session, order_keys: Collection[str], but: Collection[str]) -> dict[str, str]:
    """Return of each order the Delivery whose turn it is, these left out; orders must be held."""
    query = select(Delivery.order_key, Delivery.id).where(
        col(Delivery.order_key).in_(order_keys),
        col(Delivery.id).not_in(but),
        col(Delivery.after_id).is_(None),
        text(NOT_ENDED),
        col(Delivery.state) != State.MANUAL,
    )
    found = session.exec(query.order_by(col(Delivery.id).desc()))
    return {key: delivery_id for key, delivery_id in found if key is not None}


def last_in_order(session: Session, order_keys: Sequence[str]) -> dict[str, str]:
    """Return the newest Delivery of each order key that has not ended; holds the orders."""
    hold_orders(session, order_keys)
    query = (
        select(Delivery.order_key, Delivery.id)
        .where(col(Delivery.order_key).in_(order_keys), text(NOT_ENDED))
        .order_by(col(Delivery.id))
    )
    return {key: delivery_id for key, delivery_id in session.exec(query) if key is not None}
