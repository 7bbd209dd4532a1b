"""Writes the journal: one entry per deed, in the transaction of the deed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session

from hub.model.column import new_id
from hub.model.journal import JournalEntry


def entry(at: datetime, account_id: str, action: str, subject: str, why: str = "") -> dict[str, Any]:
    """Return a journal row; `action` is `noun.past_tense`."""
    return {"id": new_id(), "at": at, "account_id": account_id, "action": action, "subject": subject, "why": why}


def add_entries(session: Session, entries: Sequence[dict[str, Any]]) -> None:
    """Append entries in one statement."""
    if entries:
        session.connection().execute(insert(JournalEntry), entries)
