"""Everything a page about Submissions or Deliveries shows, loaded in a few queries, cut to what the asker may see."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TypeVar, cast

from sqlalchemy import ColumnElement, exists, false, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from hub.errors import Phrase
from hub.model.delivery import ENDED, Attempt, Delivery, Skip, State
from hub.model.issue import Issue
from hub.model.people import Account, Role, Scope
from hub.model.place import Discrepancy, Place
from hub.model.submission import Attachment, AttachmentUse, Record, Submission
from hub.store.query import people, systems
from hub.store.query.lists import (
    Viewer,
    Window,
    Work,
    delivery_ids,
    delivery_is_visible,
    entry_ids,
    submission_ids,
    submission_is_visible,
)
from hub.store.query.lists.window import Found
from hub.store.query.places import discrepancies, within
from hub.store.query.submissions import Bundle, Rows

Row = TypeVar("Row")
FETCHED_WITHIN = timedelta(days=7)
"""How long after a Delivery has ended a System may still fetch its photos, though their author is disabled."""


@dataclass(frozen=True)
class Loaded:
    """One Submission at its newest revision and what became of it."""

    submission: Submission
    author: str
    withdrawer: str
    """Who took it back, if somebody did."""
    place: Place | None
    records: Sequence[Record]
    """Newest revision of each."""
    deliveries: Sequence[Delivery]
    skips: Sequence[Skip]
    issues: Sequence[Issue]
    discrepancies: Sequence[Discrepancy]
    paused: Collection[str] = ()
    """Systems to which nothing goes at present."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Of those who act on its Issues, by account."""
    ask: Mapping[str, Phrase] = field(default_factory=dict)
    """Whom to ask about a Delivery or Issue that waits for a person, by its id."""


def submission(session: Session, viewer: Viewer, submission_id: str) -> Loaded | None:
    """Return a Submission by the id of any of its revisions; None when there is none the viewer may see."""
    query = select(Submission).where(_is_newest_of(submission_id), submission_is_visible(viewer))
    return next(iter(_load(session, viewer, session.exec(query).all())), None)


def may_see_submission(session: Session, viewer: Viewer, submission_id: str) -> bool:
    """Say whether `submission` would find one; loads nothing of it."""
    query = select(Submission.id).where(_is_newest_of(submission_id), submission_is_visible(viewer))
    return session.exec(query).first() is not None


def _is_newest_of(submission_id: str) -> ColumnElement[bool]:
    root = select(Submission.root_id).where(Submission.id == submission_id).scalar_subquery()
    revisions = select(Submission.id).where(Submission.root_id == root).order_by(col(Submission.revision).desc())
    # By its one id: whatever else is asked must not look like a way to it, such as all that its author ever sent.
    return col(Submission.id) == revisions.limit(1).scalar_subquery()


def fresh(bundle: Bundle, author: str, place: Place | None) -> Loaded:
    """Return what a Submission just written would load as, without reading it back."""
    return Loaded(
        submission=_as_read(Submission, bundle.submissions)[0],
        author=author,
        withdrawer="",
        place=place,
        records=_as_read(Record, bundle.records),
        deliveries=_as_read(Delivery, bundle.deliveries),
        skips=_as_read(Skip, bundle.skips),
        issues=_as_read(Issue, bundle.issues),
        discrepancies=_as_read(Discrepancy, bundle.discrepancies),
    )


def _as_read(_model: type[Row], rows: Rows) -> list[Row]:
    """Return rows that read like the model's; mapped objects cost as much to make as all the rest of an answer."""
    return cast("list[Row]", [SimpleNamespace(**row) for row in rows])


def submissions(session: Session, viewer: Viewer, window: Window, *, mine: bool) -> list[Loaded]:
    """Return Submissions the viewer may see, the latest received first."""
    ids = session.connection().scalars(submission_ids(viewer, window, mine=mine)).all()
    found = {row.id: row for row in _in(session, select(Submission), Submission.id, ids)}
    return _load(session, viewer, [found[each] for each in ids])


def deliveries(
    session: Session, viewer: Viewer, window: Window, *, state: State | None = None, system: str = ""
) -> list[Delivery]:
    """Return Deliveries the viewer may see, the newest first."""
    return _listed(session, delivery_ids(viewer, window, state, system))


def entries(session: Session, viewer: Viewer, window: Window, work: Work) -> list[Delivery]:
    """Return entries by hand the viewer may see, in the order to work them."""
    return _listed(session, entry_ids(viewer, window, work))


def _listed(session: Session, wanted: Found) -> list[Delivery]:
    ids = session.connection().scalars(wanted).all()
    query = select(Delivery).options(defer(Delivery.payload))  # type: ignore[arg-type]  # a mapped column
    found = {row.id: row for row in _in(session, query, Delivery.id, ids)}
    return [found[each] for each in ids]


def delivery(session: Session, viewer: Viewer, delivery_id: str) -> Delivery | None:
    """Return one Delivery with its payload; None when there is none the viewer may see."""
    return session.exec(select(Delivery).where(Delivery.id == delivery_id, delivery_is_visible(viewer))).first()


def attempts(session: Session, delivery_id: str) -> Sequence[Attempt]:
    """Return every try of a Delivery, the first one first."""
    return session.exec(select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(col(Attempt.id))).all()


def visible_among(session: Session, viewer: Viewer, delivery_ids: Iterable[str]) -> set[str]:
    """Return which of these Deliveries the viewer may see."""
    query = select(Delivery.id).where(col(Delivery.id).in_(set(delivery_ids)), delivery_is_visible(viewer))
    return set(session.exec(query).all())


def attachment(session: Session, scope: Scope, sha256: str) -> Attachment | None:
    """Return a photo the asker uploaded, or, for leaders, one that a Submission of their division names.

    Wherever its author works by now, and whether they still do.
    """
    named = (
        select(AttachmentUse.sha256)
        .join(Submission, col(Submission.id) == col(AttachmentUse.submission_id))
        .where(AttachmentUse.sha256 == Attachment.sha256, AttachmentUse.account_id == Attachment.account_id)
        .where(within(col(Submission.division), scope))
    )
    own = col(Attachment.account_id) == scope.account_id
    theirs = exists(named) if scope.role is Role.LEADER else false()
    return session.exec(select(Attachment).where(Attachment.sha256 == sha256, or_(own, theirs))).first()


def media_type(session: Session, sha256: str, now: datetime) -> str | None:
    """Return the type of a photo somebody answers for, or some System is still owed: for addresses the hub signed."""
    query = select(Attachment.media_type).where(Attachment.sha256 == sha256)
    uploader = select(Account.id).where(
        col(Account.id) == col(Attachment.account_id), col(Account.disabled_at).is_(None)
    )
    named = (
        select(Delivery.id)
        .join(Record, col(Record.key) == col(Delivery.record_key))
        .join(AttachmentUse, col(AttachmentUse.submission_id) == col(Record.submission_id))
        .where(AttachmentUse.sha256 == sha256)
        .where(or_(col(Delivery.state).not_in(ENDED), col(Delivery.settled_at) > now - FETCHED_WITHIN))
    )
    return session.exec(query.where(exists(uploader))).first() or session.exec(query.where(exists(named))).first()


def add_attachment(session: Session, row: Attachment) -> bool:
    """Keep that this account uploaded a photo; say whether that is new.

    Its file was written anew just now: what is kept of it is told by all rows that name it.
    """
    note_kept(session, row.sha256, row.kept_sha256, row.size_bytes)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = insert(Attachment).values(row.model_dump()).on_conflict_do_nothing().returning(col(Attachment.sha256))
    return session.connection().execute(added).first() is not None


def note_kept(session: Session, sha256: str, kept_sha256: str | None, size_bytes: int) -> None:
    """Note what is kept of a photo wherever something else was noted."""
    other = col(Attachment.kept_sha256).is_distinct_from(kept_sha256)
    noted = update(Attachment).where(col(Attachment.sha256) == sha256, other)
    session.connection().execute(noted.values(kept_sha256=kept_sha256, size_bytes=size_bytes))


def photos(session: Session) -> Sequence[tuple[str, str]]:
    """Return name and type of every photo there is a row for."""
    query = select(Attachment.sha256, Attachment.media_type).distinct().order_by(col(Attachment.sha256))
    return session.exec(query).all()


def _load(session: Session, viewer: Viewer, shown: Sequence[Submission]) -> list[Loaded]:
    """Load what became of these Submissions, one query a table however many they are."""
    roots = [row.root_id for row in shown]
    places = _in(session, select(Place), Place.id, {row.place_id for row in shown})
    place_of = {place.id: place for place in places}
    records = _records(session, roots)
    root_of = {name: root for root, found in records.items() for one in found for name in (one.key, one.id)}
    owed = _grouped(_deliveries(session, viewer, root_of), lambda row: root_of[row.record_key])
    opened = _in(session, select(Issue), Issue.id, root_of)
    issues = _grouped(opened, lambda row: root_of[row.id])
    acting = {issue.assignee_id for issue in opened if issue.assignee_id}
    took_back = {row.withdrawn_by for row in shown if row.withdrawn_by}
    names = people.names(session, {*(row.account_id for row in shown), *acting, *took_back})
    paused = systems.paused(session)
    skips = _grouped(_in(session, select(Skip), Skip.record_id, root_of), lambda row: root_of[row.record_id])
    disputed = discrepancies(session, roots)
    return [
        Loaded(
            submission=row,
            author=names.get(row.account_id, ""),
            withdrawer=names.get(row.withdrawn_by or "", ""),
            place=place_of.get(row.place_id or ""),
            records=records[row.root_id],
            deliveries=owed[row.root_id],
            skips=skips[row.root_id],
            issues=issues[row.root_id],
            discrepancies=disputed.get(row.root_id, ()),
            paused=paused,
            names=names,
        )
        for row in shown
    ]


def _in(session: Session, query: SelectOfScalar[Row], column: object, values: Iterable[object]) -> Sequence[Row]:
    """Return the rows whose column is one of the values."""
    return session.exec(query.where(col(column).in_(set(values)))).all()


def _records(session: Session, roots: Sequence[str]) -> dict[str, list[Record]]:
    """Return the newest revision of each Record, by the Submission it belongs to."""
    query = (
        select(Record, Submission.root_id)
        .join(Submission, col(Submission.id) == col(Record.submission_id))
        .where(col(Submission.root_id).in_(roots))
        .order_by(col(Record.revision), col(Record.id))
    )
    newest: dict[str, dict[str, Record]] = {root: {} for root in roots}
    for record, root in session.exec(query):
        newest[root][record.key] = record
    return {root: sorted(found.values(), key=lambda record: record.position) for root, found in newest.items()}


def _deliveries(session: Session, viewer: Viewer, record_keys: Iterable[str]) -> Iterable[Delivery]:
    query = select(Delivery).where(col(Delivery.record_key).in_(set(record_keys)), delivery_is_visible(viewer))
    query = query.options(defer(Delivery.payload))  # type: ignore[arg-type]  # a mapped column
    return session.exec(query.order_by(col(Delivery.revision), col(Delivery.id)))


def _grouped(rows: Iterable[Row], group: Callable[[Row], str]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[group(row)].append(row)
    return grouped
