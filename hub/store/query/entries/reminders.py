"""Reminders of late entries by hand, one for each; and how many are late."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, func, text, update
from sqlalchemy import select as pick
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.delivery import Delivery, Reminder, State
from hub.store.query.lists import LateBefore, is_late

_IS_OPEN = text("reminder.closed_at IS NULL")
"""As the partial index says it."""


class Late(NamedTuple):
    """A late entry nobody was reminded of yet."""

    delivery_id: str
    system: str


def late_counts(session: Session, late: LateBefore) -> dict[str, int]:
    """Return how many entries of each System are late."""
    query = select(Delivery.system, func.count()).where(is_late(late)).group_by(col(Delivery.system))
    return dict(session.exec(query).all())


def unreminded(session: Session, late: LateBefore, limit: int) -> list[Late]:
    """Return late entries without a reminder, the oldest first; those somebody is at are left for the next time."""
    reminded = exists().where(col(Reminder.delivery_id) == col(Delivery.id))
    query = (
        pick(col(Delivery.id), col(Delivery.system))
        .where(is_late(late), ~reminded)
        .order_by(col(Delivery.id))
        .limit(limit)
        # Held until the reminder is written: one that is ended and erased meanwhile would take all others' along.
        .with_for_update(read=True, key_share=True, skip_locked=True)
    )
    return [Late(*row) for row in session.connection().execute(query)]


def add_reminders(session: Session, departments: Mapping[str, str], now: datetime) -> set[str]:
    """Remind a department of each entry; return the entries that had no reminder, whoever else asks at that moment."""
    if not departments:
        return set()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = insert(Reminder).on_conflict_do_nothing(index_elements=["delivery_id"])
    rows = [{"delivery_id": one, "department": owner, "opened_at": now} for one, owner in departments.items()]
    return set(session.connection().execute(new.returning(col(Reminder.delivery_id)), rows).scalars())


def unended_reminders(session: Session) -> list[str]:
    """Return the entries with an open reminder that need nobody any more."""
    query = (
        pick(col(Reminder.delivery_id))
        .join(Delivery, col(Delivery.id) == col(Reminder.delivery_id))
        .where(_IS_OPEN, col(Delivery.state) != State.MANUAL)
    )
    return list(session.connection().execute(query).scalars())


def close_reminders(session: Session, delivery_ids: Collection[str], now: datetime) -> None:
    """Close the reminders of these entries that are open."""
    still_open = update(Reminder).where(col(Reminder.delivery_id).in_(delivery_ids), _IS_OPEN)
    session.connection().execute(still_open.values(closed_at=now))
