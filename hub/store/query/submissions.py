"""Submissions and what they became: written in whole groups, read by their author's scope."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.delivery import Attempt, Delivery, Skip
from hub.model.issue import Issue, IssueStep
from hub.model.journal import JournalEntry
from hub.model.place import Discrepancy
from hub.model.submission import Attachment, AttachmentUse, Contest, Record, Submission, TrackDigest
from hub.store.bulk import find_rows, insert_all, insert_new_rows
from hub.store.query.deliveries import FRESH

Rows = list[dict[str, Any]]


@dataclass
class Bundle:
    """All rows one or more Submissions become; empty lists cost nothing."""

    submissions: Rows = field(default_factory=list)
    records: Rows = field(default_factory=list)
    deliveries: Rows = field(default_factory=list)
    attempts: Rows = field(default_factory=list)
    skips: Rows = field(default_factory=list)
    issues: Rows = field(default_factory=list)
    issue_steps: Rows = field(default_factory=list)
    discrepancies: Rows = field(default_factory=list)
    photos: Rows = field(default_factory=list)
    tracks: Rows = field(default_factory=list)
    journal: Rows = field(default_factory=list)

    def add(self, other: "Bundle") -> None:
        """Take in another bundle's rows."""
        for name in ORDER:
            getattr(self, name).extend(getattr(other, name))


ORDER = {
    "submissions": Submission,
    "records": Record,
    "deliveries": Delivery,
    "attempts": Attempt,
    "skips": Skip,
    "issues": Issue,
    "issue_steps": IssueStep,
    "discrepancies": Discrepancy,
    "photos": AttachmentUse,
    "tracks": TrackDigest,
    "journal": JournalEntry,
}
"""Tables in the order their foreign keys want."""


def insert_bundle(session: Session, bundle: Bundle) -> None:
    """Write a bundle."""
    filled = [(table.__table__, getattr(bundle, name)) for name, table in ORDER.items()]  # type: ignore[attr-defined]  # SQLModel adds it
    insert_all(session.connection(), filled)


def insert_new(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Write the Submissions whose client id is new and return their ids; of two writers at once one gets each."""
    ordered = sorted(rows, key=lambda row: (row["account_id"], row["client_id"]))
    return insert_new_rows(session.connection(), Submission.__table__, ordered)  # type: ignore[attr-defined]  # SQLModel adds it


@dataclass(frozen=True)
class Kept:
    """A Submission that is there already: its id, which an older hub may have made in another way, and its content."""

    id: str
    digest: str
    erased_at: datetime | None


def kept(session: Session, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Kept]:
    """Return the Submissions that exist among these (account, client id)."""
    rows = [{"account_id": account_id, "client_id": client_id} for account_id, client_id in sorted(set(asked))]
    columns = ("account_id", "client_id", "id", "digest", "erased_at")
    found = find_rows(session.connection(), Submission.__table__, columns, rows)  # type: ignore[attr-defined]  # SQLModel adds it
    return {(account_id, client_id): Kept(*rest) for account_id, client_id, *rest in found}


def contest(session: Session, submission_id: str, body: bytes, digest: str, at: datetime) -> None:
    """Keep a body that came under an id already taken, once, for review."""
    dialect = session.get_bind().dialect.name
    row = Contest(submission_id=submission_id, body=body, digest=digest, received_at=at)
    insert_once = (postgresql if dialect == "postgresql" else sqlite).insert(Contest).on_conflict_do_nothing()
    session.connection().execute(insert_once, row.model_dump())


def hold(session: Session, submission_id: str) -> None:
    """Let nobody erase or correct a Submission until this transaction ends; what was read of it before may be old."""
    root = select(Submission.root_id).where(Submission.id == submission_id).scalar_subquery()
    session.exec(select(Submission.id).where(Submission.id == root).with_for_update(read=True)).one()


def latest_revision(session: Session, root_id: str, *, lock: bool = True) -> Submission:
    """Return the newest revision of a Submission, its first one locked so that two corrections cannot cross."""
    if lock:
        session.exec(select(Submission.id).where(Submission.id == root_id).with_for_update()).one()
    query = select(Submission).where(Submission.root_id == root_id).order_by(col(Submission.revision).desc())
    return session.exec(query.limit(1), execution_options=FRESH).one()


def revisions(session: Session, root_id: str) -> Sequence[str]:
    """Return the ids of all revisions of a Submission."""
    return session.exec(select(Submission.id).where(Submission.root_id == root_id)).all()


def newest_of(session: Session, submission_id: str, account_id: str) -> Submission | None:
    """Return the newest revision of somebody's own Submission, by the id of any; None where it is none of theirs."""
    root = select(Submission.root_id).where(Submission.id == submission_id, Submission.account_id == account_id)
    query = select(Submission).where(Submission.root_id == root.scalar_subquery())
    return session.exec(query.order_by(col(Submission.revision).desc()).limit(1)).first()


def latest_records(session: Session, root_id: str) -> dict[str, Record]:
    """Return the newest revision of every Record a Submission and its corrections made."""
    newest = (
        select(col(Record.key).label("key"), func.max(Record.revision).label("revision"))
        .join(Submission, col(Submission.id) == col(Record.submission_id))
        .where(Submission.root_id == root_id)
        .group_by(col(Record.key))
        .subquery()
    )
    query = select(Record).join(newest, (col(Record.key) == newest.c.key) & (col(Record.revision) == newest.c.revision))
    return {record.key: record for record in session.exec(query)}


def settle_discrepancies(session: Session, root_id: str, elements: Collection[str], now: datetime) -> None:
    """End what earlier revisions said against a source about these elements: their author has answered anew."""
    table = Discrepancy.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    revisions = select(Submission.id).where(Submission.root_id == root_id)
    theirs = update(table).where(table.c.submission_id.in_(revisions), table.c.element.in_(elements))
    settled = {"settled_at": now, "settlement": "superseded by a correction"}
    session.connection().execute(theirs.where(table.c.settled_at.is_(None)).values(settled))


def uploaded(session: Session, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which of these (account, photo) the accounts have uploaded."""
    if not wanted:
        return set()
    query = select(Attachment.account_id, Attachment.sha256).where(
        col(Attachment.sha256).in_({sha256 for _, sha256 in wanted})
    )
    return {(account_id, sha256) for account_id, sha256 in session.exec(query) if (account_id, sha256) in wanted}


def tracks(session: Session, digests: Collection[str]) -> dict[str, list[TrackDigest]]:
    """Return by digest the tracks that were recorded before, the oldest first; those of withdrawn Records are none."""
    if not digests:
        return {}
    withdrawn = exists().where(col(Record.key) == col(TrackDigest.record_key), col(Record.withdrawn))
    query = select(TrackDigest).where(col(TrackDigest.digest).in_(digests), ~withdrawn)
    found: dict[str, list[TrackDigest]] = {}
    for row in session.exec(query.order_by(col(TrackDigest.occurred_at), col(TrackDigest.record_key))):
        found.setdefault(row.digest, []).append(row)
    return found


def named_photos(session: Session, wanted: Collection[str]) -> set[str]:
    """Return which of these photos any row names."""
    return set(session.exec(select(Attachment.sha256).where(col(Attachment.sha256).in_(wanted))).all())


def existing_issues(session: Session, issue_ids: Sequence[str]) -> set[str]:
    """Return which of these Issues exist already: a revision does not start one again."""
    return set(session.exec(select(Issue.id).where(col(Issue.id).in_(issue_ids))).all())
