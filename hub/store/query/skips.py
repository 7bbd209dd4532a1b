"""Skips that wait for more to be known of a Place."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, exists, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from hub.model.delivery import Skip
from hub.model.submission import Record, Submission

MOST_ASKED = 500
"""Values in one `IN`."""


class Waiting(NamedTuple):
    """A Skip with its Record, its author, and the Submission both go back to."""

    skip: Skip
    record: Record
    account_id: str
    root_id: str


def waiting_at(session: Session, place_ids: Iterable[str], since: datetime) -> list[Waiting]:
    """Return the Skips that wait at these Places, of standing Records received since then."""
    wanted = sorted(set(place_ids))
    return [
        found
        for start in range(0, len(wanted), MOST_ASKED)
        for found in _waiting_at(session, wanted[start : start + MOST_ASKED], since)
    ]


def _waiting_at(session: Session, place_ids: Sequence[str], since: datetime) -> Iterable[Waiting]:
    later = aliased(Record)
    is_superseded = exists().where(col(later.key) == Record.key, col(later.revision) > Record.revision)
    query = (
        select(Skip, Record, Submission.account_id, Submission.root_id)
        .join(Record, col(Record.id) == col(Skip.record_id))
        .join(Submission, col(Submission.id) == col(Record.submission_id))
        .where(col(Skip.waits_at).in_(place_ids), Submission.received_at >= since)
        .where(~col(Record.withdrawn), ~is_superseded, col(Submission.erased_at).is_(None))
        .order_by(col(Record.id), col(Skip.system), col(Skip.flow))
    )
    return (Waiting(*found) for found in session.exec(query))


def hold(session: Session, root_ids: Iterable[str]) -> None:
    """Let nobody correct, withdraw or erase these Submissions until this transaction ends."""
    query = select(Submission.id).where(col(Submission.id).in_(sorted(set(root_ids)))).order_by(col(Submission.id))
    session.exec(query.with_for_update()).all()


def remove(session: Session, skips: Iterable[Skip]) -> None:
    """Remove Skips of what goes to its System after all."""
    keys = [(skip.record_id, skip.system, skip.flow) for skip in skips]
    key = tuple_(col(Skip.record_id), col(Skip.system), col(Skip.flow))
    session.connection().execute(delete(Skip).where(key.in_(keys)))
