"""Wipes what a Submission became, children before parents; docs/how-to/erase.md lists what happens to every table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, select, tuple_, update
from sqlmodel import Session, SQLModel

from hub.model.delivery import Attempt, Delivery, Reminder, Skip, State, Take
from hub.model.issue import Issue, IssueStep
from hub.model.place import Discrepancy
from hub.model.submission import Attachment, AttachmentUse, Contest, Record, Submission, TrackDigest
from hub.store.query.counts import Gone, add_cancelled, count_gone
from hub.store.query.counts.totals import ALL
from hub.store.query.erasing.find import Found, tries

_REMOVED: Sequence[tuple[type[SQLModel], str, str]] = (
    (Take, "delivery_id", "deliveries"),
    (Reminder, "delivery_id", "deliveries"),
    (Attempt, "delivery_id", "deliveries"),
    (Delivery, "id", "deliveries"),
    (Skip, "record_id", "records"),
    (IssueStep, "issue_id", "issues"),
    (Issue, "id", "issues"),
    (Discrepancy, "submission_id", "submissions"),
    (Contest, "submission_id", "submissions"),
    (TrackDigest, "submission_id", "submissions"),
)
"""Tables whose rows go, by which column they are found and with which ids, in the order their foreign keys want."""


def wipe(session: Session, found: Found, at: datetime) -> dict[str, int]:
    """Leave nothing of what was filled in; return how many rows of each table were removed or wiped.

    Submissions stay, so that their ids stay taken. Records stay as empty: to remove one, the database would have to
    look through all Deliveries for one that points at it.
    """
    count_gone(session, [*_gone(session, found)])
    add_cancelled(session, Counter(name for name, state in found.deliveries.values() if state is State.CANCELLED))
    counts = {}
    for model, column, kind in _REMOVED:
        table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it
        ids = [*getattr(found, kind)]
        removed = session.connection().execute(delete(table).where(table.c[column].in_(ids))).rowcount if ids else 0
        counts[str(table.name)] = removed
    counts |= _without_photos(session, found) | _emptied(session, found, at)
    return {name: count for name, count in counts.items() if count}


def _without_photos(session: Session, found: Found) -> dict[str, int]:
    """Let go the photos nothing else of their owner names; their files go with the tidying of photos.

    Who is about to name one of them holds its row; after they are done it is seen that they name it.
    """
    use, photo = AttachmentUse.__table__, Attachment.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    theirs, connection = use.c.submission_id.in_(found.submissions), session.connection()
    named = tuple_(photo.c.sha256, photo.c.account_id).in_(select(use.c.sha256, use.c.account_id).where(theirs))
    rows = select(photo.c.sha256, photo.c.account_id).where(named).order_by(photo.c.sha256).with_for_update()
    held = connection.execute(rows).all()
    uses = connection.execute(delete(use).where(theirs)).rowcount
    if not held:
        return {}
    shown = exists().where(use.c.sha256 == photo.c.sha256, use.c.account_id == photo.c.account_id)
    mine = photo.c.account_id == held[0].account_id, photo.c.sha256.in_([row.sha256 for row in held])
    photos = connection.execute(delete(photo).where(*mine, ~shown)).rowcount
    return {"attachment_use": uses, "attachment": photos}


def _emptied(session: Session, found: Found, at: datetime) -> dict[str, int]:
    """Empty the rows that stay; times that have to be there become the hub's own."""
    record, submission = Record.__table__, Submission.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    first_at = min(found.submissions.values())
    records = update(record).where(record.c.id.in_(found.records))
    nothing = {"place_id": None, "occurred_at": first_at}
    session.connection().execute(records.values(content=b"", **nothing))
    submissions = update(submission).where(submission.c.root_id == found.root_id)
    # That it was withdrawn, and by whom, stays as in the journal: it is counted.
    untold = dict.fromkeys(("withdrawn_why", "moved_to", "moved_from"))
    said = {"body": b"", "digest": "", "reported_at": first_at, "clock_suspect": False, **untold, **nothing}
    session.connection().execute(submissions.values(**said, erased_at=at))
    return {"record": len(found.records), "submission": len(found.submissions)}


def _gone(session: Session, found: Found) -> Iterator[Gone]:
    """Yield what the totals count."""
    for received_at in found.submissions.values():
        yield Gone("submission", ALL, received_at.isoformat())
    for delivery_id, (system, _) in found.deliveries.items():
        yield Gone("delivery", system, delivery_id)
    for attempt_id, outcome in tries(session, [*found.deliveries]):
        yield Gone("attempt", outcome, attempt_id)
