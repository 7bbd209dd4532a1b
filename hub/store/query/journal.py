"""The journal, one entry per deed in the transaction of the deed, and the epochs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.column import new_id
from hub.model.journal import Epoch, Heartbeat, JournalEntry
from hub.model.people import Account

HUB = "hub"
"""One row for all processes: the last one that could write."""


def entry(at: datetime, account_id: str, action: str, subject: str, why: str = "") -> dict[str, Any]:
    """Return a journal row; `action` is `noun.past_tense`."""
    return {"id": new_id(), "at": at, "account_id": account_id, "action": action, "subject": subject, "why": why}


def add_entries(session: Session, entries: Sequence[dict[str, Any]]) -> None:
    """Append entries in one statement."""
    if entries:
        session.connection().execute(insert(JournalEntry), entries)


def beat(session: Session, now: datetime) -> bool:
    """Write a row that says nothing but that it could be written."""
    insert_row = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(Heartbeat)
    written = insert_row.values(name=HUB, at=now)
    session.connection().execute(written.on_conflict_do_update(index_elements=["name"], set_={"at": now}))
    return True


def latest_epoch(session: Session) -> Epoch | None:
    """Return the epoch the hub is in; None where it never went on from a copy."""
    return session.exec(select(Epoch).order_by(col(Epoch.number).desc(), col(Epoch.began_at).desc()).limit(1)).first()


def began_at(session: Session) -> datetime | None:
    """Return since when this database keeps what comes: its last restore, else its first account; None before that."""
    epoch = latest_epoch(session)
    return epoch.began_at if epoch else session.exec(select(func.min(Account.created_at))).one()
