"""What erasing by term asks and remembers: what tells the time, how much is kept, why nothing is erased now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.journal import JournalEntry
from hub.model.retention import ONLY, Retention
from hub.model.submission import NOT_ERASED, Submission
from hub.store.query.journal import latest_epoch


@dataclass(frozen=True)
class Told:
    """What the database tells of the time."""

    believed_at: datetime | None
    newest_at: datetime | None


def told(session: Session, now: datetime) -> Told:
    """Return it; what a person has called a slip of the clock is no date of anything."""
    row, epoch = session.get(Retention, ONLY, populate_existing=True), latest_epoch(session)
    newest = session.exec(select(func.max(Submission.received_at)).where(text(NOT_ERASED))).one()
    entry = session.exec(select(JournalEntry.at).order_by(col(JournalEntry.id).desc()).limit(1)).first()
    dates = [at for at in (newest, entry) if at is not None]
    odd = row.odd_until if row else None
    dates = [at for at in dates if odd is None or not now < at <= odd]
    # A restore is the deed of a person, who has looked at the clock; before any look there is only what was kept.
    known = [row.believed_at] if row else dates
    known += [epoch.began_at] if epoch else []
    return Told(max(known, default=None), max(dates, default=None))


def kept_count(session: Session) -> int:
    """Return how many Submissions are kept, corrections not counted."""
    kept = select(func.count()).select_from(Submission).where(text(NOT_ERASED), col(Submission.revision) == 1)
    return session.exec(kept).one()


def state(session: Session) -> Retention | None:
    """Return what is remembered; None before the first look at the clock."""
    return session.get(Retention, ONLY, populate_existing=True)


def believe(session: Session, at: datetime, odd_until: datetime | None = None) -> None:
    """Remember that the clock was believed then; `odd_until` is a person's word on what is dated later."""
    values: dict[str, object] = {"believed_at": at}
    if odd_until is not None:
        values["odd_until"] = odd_until
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(Retention).values(Retention(believed_at=at).model_dump() | values)
    session.connection().execute(row.on_conflict_do_update(index_elements=["kind"], set_=values))


def trust(session: Session, now: datetime) -> None:
    """Take a person's word that the clock is right, whatever is dated later."""
    believe(session, now, told(session, now).newest_at)


def hold(session: Session, why: str, believed_at: datetime | None) -> None:
    """Remember why nothing is erased by term, empty when it is; the clock is believed no longer than it was."""
    row = state(session)
    if row is None and believed_at is not None:
        believe(session, believed_at)
        row = state(session)
    if row is not None and row.held != why:
        row.held = why
        session.add(row)
