"""What there is to erase, and what stands in its way. Decides nothing and changes nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select, text, tuple_
from sqlmodel import Session, col

from hub.errors import Phrase
from hub.model.delivery import ENDED, NOT_ENDED, Attempt, Delivery, State
from hub.model.issue import Issue, IssueState
from hub.model.odd import Odd, known
from hub.model.submission import Record, Submission
from hub.store.query.deliveries import hold_orders

Query = Select[*tuple[Any, ...]]
_ORDER = (col(Submission.received_at), col(Submission.id))


@dataclass(frozen=True)
class After:
    """Where a walk over old Submissions goes on."""

    received_at: datetime
    submission_id: str


@dataclass(frozen=True)
class Found:
    """A Submission with all its revisions, and the ids of what it became."""

    root_id: str
    submissions: dict[str, datetime]
    """Id of each revision, and when it was received."""
    erased_at: datetime | None
    records: Sequence[str]
    record_keys: Sequence[str]
    deliveries: dict[str, tuple[str, State | Odd]]
    """Id of each Delivery, its System and state."""
    issues: dict[str, IssueState | Odd]

    @property
    def last_at(self) -> datetime:
        """Return when the newest revision was received: a correction makes all of it younger."""
        return max(self.submissions.values())


def older(session: Session, before: datetime, after: After | None, limit: int) -> list[After]:
    """Return first revisions received before an instant and not erased, the oldest first, from one after `after` on."""
    query = select(*_ORDER).where(
        col(Submission.erased_at).is_(None), col(Submission.received_at) < before, col(Submission.revision) == 1
    )
    if after is not None:
        query = query.where(tuple_(*_ORDER) > (after.received_at, after.submission_id))
    return [After(*row) for row in session.connection().execute(query.order_by(*_ORDER).limit(limit))]


def find(session: Session, submission_id: str, *, lock: bool) -> Found | None:
    """Return what a Submission became, by the id of any revision; None where there is none.

    With `lock`, in the order corrections and hands take their rows: the first revision, Deliveries, Issues, turns.
    """

    def rows(query: Query, *, locked: bool = lock) -> Sequence[Row[*tuple[Any, ...]]]:
        return session.connection().execute(query.with_for_update() if locked else query).all()

    if lock:
        session.flush()  # writes of one group share a session: what an earlier one left in it is to be found too
    roots = rows(select(col(Submission.root_id)).where(col(Submission.id) == submission_id), locked=False)
    if not roots:
        return None
    root_id = roots[0].root_id
    rows(select(col(Submission.id)).where(col(Submission.id) == root_id))
    told = (col(Submission.id), col(Submission.received_at), col(Submission.erased_at))
    revisions = rows(select(*told).where(col(Submission.root_id) == root_id), locked=False)
    theirs = col(Record.submission_id).in_([row.id for row in revisions])
    records = rows(select(col(Record.id), col(Record.key)).where(theirs), locked=False)
    keys = sorted({row.key for row in records})
    columns = (col(Delivery.id), col(Delivery.system), col(Delivery.state), col(Delivery.order_key))
    owed = select(*columns).where(col(Delivery.record_key).in_(keys))
    opened = select(col(Issue.id), col(Issue.state)).where(col(Issue.id).in_(keys))
    deliveries, issues = rows(owed.order_by(col(Delivery.id))), rows(opened.order_by(col(Issue.id)))
    if lock:  # who is just about to wait behind one of them is seen, or waits for nobody
        hold_orders(session, (row.order_key for row in deliveries if row.order_key))
    return Found(
        root_id=root_id,
        submissions={row.id: row.received_at for row in revisions},
        erased_at=revisions[0].erased_at,
        records=[row.id for row in records],
        record_keys=keys,
        deliveries={row.id: (row.system, known(State, row.state)) for row in deliveries},
        issues={row.id: known(IssueState, row.state) for row in issues},
    )


def still_open(session: Session, found: Found) -> tuple[Phrase, ...]:
    """Return in words what has not ended: Deliveries, what waits behind one of them, Issues; each kind once."""
    kinds = sorted(Counter(_open(session, found)).items())
    return tuple(
        Phrase(f"open.{kind}", {"system": system, "state": state.words, "count": count})
        for (kind, system, state), count in kinds
    )


def _open(session: Session, found: Found) -> Iterator[tuple[str, str, State | IssueState | Odd]]:
    """Give the kind of each (`open.<kind>` of schemas/messages), its System if any, and how it stands."""
    yield from (("delivery", system, state) for system, state in found.deliveries.values() if state not in ENDED)
    behind = select(col(Delivery.system), col(Delivery.state), col(Delivery.record_key)).where(
        col(Delivery.after_id).in_(found.deliveries), text(NOT_ENDED)
    )
    for system, state, key in session.connection().execute(behind):
        if key not in found.record_keys:
            yield "behind", system, known(State, state)
    yield from (("issue", "", state) for state in found.issues.values() if state is not IssueState.CLOSED)


def tries(session: Session, delivery_ids: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Return id and outcome of every attempt at these Deliveries."""
    query = select(col(Attempt.id), col(Attempt.outcome)).where(col(Attempt.delivery_id).in_(delivery_ids))
    return [(row.id, row.outcome) for row in session.connection().execute(query)]
