"""Who has an entry by hand, and until when. One conditional statement gives it to one person."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_
from sqlalchemy import select as pick
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.delivery import CLOCKS_APART, HELD_FOR, Delivery, Take
from hub.model.people import Account
from hub.model.submission import Record

_WHO = (col(Account.name), col(Account.department), col(Account.division))


@dataclass(frozen=True)
class Holder:
    """Who has an entry, and where they work."""

    account_id: str
    name: str
    department: str
    division: str
    until: datetime


def take(session: Session, delivery_id: str, account_id: str, now: datetime, until: datetime) -> bool:
    """Give an entry to somebody if it is free or theirs already; say whether they have it now."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    wanted = insert(Take).values(delivery_id=delivery_id, account_id=account_id, until=until)
    taken = wanted.on_conflict_do_update(
        index_elements=["delivery_id"],
        set_={"account_id": account_id, "until": until},
        where=or_(col(Take.account_id) == account_id, ~_is_held(now)),
    ).returning(col(Take.delivery_id))
    return session.connection().execute(taken).first() is not None


def _is_held(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a take holds now; one for longer than takes last was made by a clock that was ahead."""
    return and_(col(Take.until) > now, col(Take.until) <= now + HELD_FOR + CLOCKS_APART)


def holders(session: Session, delivery_ids: Collection[str], now: datetime) -> dict[str, Holder]:
    """Return who has which of these entries now."""
    query = (
        pick(col(Take.delivery_id), col(Account.id), *_WHO, col(Take.until))
        .join(Account, col(Account.id) == col(Take.account_id))
        .where(col(Take.delivery_id).in_(delivery_ids), _is_held(now))
    )
    return {row[0]: Holder(*row[1:]) for row in session.connection().execute(query)}


def give_back(session: Session, delivery_id: str, account_id: str) -> bool:
    """Free an entry of this person's; say whether they had it."""
    theirs = delete(Take).where(col(Take.delivery_id) == delivery_id, col(Take.account_id) == account_id)
    return session.connection().execute(theirs).rowcount == 1


def let_go(session: Session, delivery_ids: Collection[str]) -> None:
    """Free these entries, whoever has them."""
    session.connection().execute(delete(Take).where(col(Take.delivery_id).in_(delivery_ids)))


def is_corrected(session: Session, row: Delivery) -> bool:
    """Say whether there is a newer revision of a Delivery's Record."""
    newer = select(Record.id).where(Record.key == row.record_key, Record.revision > row.revision)
    return session.exec(newer.limit(1)).first() is not None


def follow_clock(session: Session, now: datetime, step: timedelta) -> None:
    """Let whoever had an entry keep it for as long as before a clock was set, forward or back."""
    forward = step > timedelta(0)
    meant = col(Take.until) > now - step if forward else col(Take.until) > now + HELD_FOR + CLOCKS_APART
    kept = select(Take).where(meant).order_by(col(Take.delivery_id)).with_for_update()
    for row in session.exec(kept, execution_options={"populate_existing": True}):
        row.until = min(row.until + step, now + HELD_FOR)
    session.flush()


def forget_takes(session: Session, before: datetime) -> None:
    """Remove what ran out before that moment; it has no effect any more."""
    session.connection().execute(delete(Take).where(col(Take.until) < before))
