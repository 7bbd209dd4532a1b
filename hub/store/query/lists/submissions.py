"""Lists of Submissions at their newest revision, the latest received first; of erased ones there is nothing to show."""

from sqlalchemy import ColumnElement, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from hub.model.delivery import Delivery
from hub.model.people import Role
from hub.model.submission import Record, Submission
from hub.store.query.lists.deliveries import delivery_is_visible
from hub.store.query.lists.window import Found, Viewer, Window, merged
from hub.store.query.places import within

_ORDER = (col(Submission.received_at), col(Submission.root_id))


def submission_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition that the viewer may know of a Submission."""
    scope = viewer.scope
    if scope.role is not Role.DEPARTMENT_ADMIN:
        own = col(Submission.account_id) == scope.account_id
        return own if scope.role is Role.STAFF else or_(own, within(col(Submission.division), scope))
    revision = aliased(Submission)
    sent = (
        select(col(Delivery.id))
        .join(Record, col(Record.key) == col(Delivery.record_key))
        .join(revision, col(revision.id) == col(Record.submission_id))
        .where(col(revision.root_id) == col(Submission.root_id), delivery_is_visible(viewer))
    )
    return exists(sent.correlate(Submission))


def _newest() -> ColumnElement[bool]:
    """Return the condition that a Submission has no newer revision."""
    newer = aliased(Submission)
    later = select(col(newer.id)).where(
        col(newer.root_id) == Submission.root_id, col(newer.revision) > Submission.revision
    )
    return ~exists(later.correlate(Submission))


def submission_ids(viewer: Viewer, window: Window, *, mine: bool) -> Found:
    """Return the ids of the page's Submissions."""
    found: Found = select(col(Submission.id), *_ORDER).where(_newest(), col(Submission.erased_at).is_(None))
    if window.after:
        # Only what the viewer may see is a place in the list: any other id is one nobody has.
        seen = (col(Submission.id) == window.after, submission_is_visible(viewer))
        last = select(*_ORDER).where(*seen).scalar_subquery()
        found = found.where(tuple_(*_ORDER) < last)
    newest_first = [column.desc() for column in _ORDER]
    walks = [walk.order_by(*newest_first).limit(window.limit) for walk in _walks(found, viewer, mine=mine)]
    return merged(walks, window.limit)


def _walks(found: Found, viewer: Viewer, *, mine: bool) -> list[Found]:
    """Return the ways to what may be seen: one's own, and what is of one's division."""
    scope = viewer.scope
    if scope.role is Role.DEPARTMENT_ADMIN:
        found = found.where(submission_is_visible(viewer))
        if not mine:
            return [found]
    own = found.where(col(Submission.account_id) == scope.account_id)
    if mine or scope.role is Role.STAFF:
        return [own]
    if viewer.is_narrow:
        return [own, found.where(col(Submission.division) == scope.division)]
    # A whole town or county: nearly every row met from the newest on is theirs. By an expression, so that no database
    # thinks of gathering them all by their divisions first.
    return [own, found.where(within(func.coalesce(col(Submission.division), ""), scope))]
