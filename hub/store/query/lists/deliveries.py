"""Lists of Deliveries, newest id first."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select, text
from sqlmodel import col

from hub.model.delivery import STANDING, Delivery, State
from hub.model.people import Role
from hub.model.submission import Record, Submission
from hub.store.query.lists.window import Found, Viewer, Window, merged
from hub.store.query.places import within

MOST_WALKS = 50
"""Systems walked one by one; more are met soon enough on a walk over all."""
_IN_LINE = {State.WAITING: (col(Delivery.due_at), col(Delivery.after_id)), State.LEASED: (col(Delivery.leased_until),)}
"""Columns that are set in these states and have a partial index."""


def delivery_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition that the viewer may know of a Delivery."""
    scope = viewer.scope
    if scope.role is Role.DEPARTMENT_ADMIN:
        return and_(within(col(Delivery.division), scope), col(Delivery.system).in_(viewer.systems))
    own = col(Delivery.account_id) == scope.account_id
    return own if scope.role is Role.STAFF else or_(own, within(col(Delivery.division), scope))


def delivery_ids(viewer: Viewer, window: Window, state: State | None, system: str) -> Found:
    """Return the ids of the page's Deliveries."""
    found: Found = select(col(Delivery.id), col(Delivery.id).label("place")).where(delivery_is_visible(viewer))
    if system:
        found = found.where(col(Delivery.system) == system)
    if window.after:
        found = found.where(col(Delivery.id) < window.after)
    if state is not None:
        # Written out: a partial index is used only for a state that is known when the query is planned.
        found = found.where(text(f"delivery.state = '{state.value}'"))
    walks = _walks(found, viewer, state, _systems(viewer, system))
    return merged([walk.order_by(col(Delivery.id).desc()).limit(window.limit) for walk in walks], window.limit)


def _systems(viewer: Viewer, system: str) -> Sequence[str]:
    """Return the Systems a list is about; none when it is about all of them."""
    if system:
        return [system]
    return sorted(viewer.systems) if viewer.scope.role is Role.DEPARTMENT_ADMIN else ()


def _walks(found: Found, viewer: Viewer, state: State | None, systems: Sequence[str]) -> list[Found]:
    """Return the ways to what is looked for, each cheap: by what stands open, by System, or by whose it is."""
    if state in _IN_LINE:
        return [found.where(set_then.is_not(None)) for set_then in _IN_LINE[state]]
    if 0 < len(systems) <= MOST_WALKS:
        return [found.where(col(Delivery.system) == one) for one in systems]
    return [_theirs(found, viewer)] if viewer.is_narrow and state not in STANDING else [found]


def _theirs(found: Found, viewer: Viewer) -> Found:
    """Come from the Submissions of a person or village: those have an index, and are few."""
    mine = col(Submission.account_id) == viewer.scope.account_id
    here = mine if viewer.scope.role is Role.STAFF else or_(mine, col(Submission.division) == viewer.scope.division)
    keys = select(col(Record.key)).join(Submission, col(Submission.id) == col(Record.submission_id)).where(here)
    return found.where(col(Delivery.record_key).in_(keys))
