"""The list of entries by hand, in the order to work them; and which of them are late."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, or_, select, text, tuple_
from sqlmodel import col

from hub.model.delivery import Delivery
from hub.store.query.lists.deliveries import delivery_is_visible
from hub.store.query.lists.window import Found, Viewer, Window

_BY_HAND = text("delivery.state = 'manual'")
"""Written out, for the partial index of what stands open."""


@dataclass(frozen=True)
class LateBefore:
    """The moment before which an entry that is still open must have been made to be late.

    One made after `ahead` was made while the clock was: nobody knows since when it waits, so it is late, too.
    """

    usual: datetime
    ahead: datetime
    others: Mapping[datetime, Collection[str]] = field(default_factory=dict)
    """Systems for which it is another one."""


def is_late(late: LateBefore) -> ColumnElement[bool]:
    """Return the condition that a Delivery is an entry by hand somebody should have confirmed by now."""
    system, made_at = col(Delivery.system), col(Delivery.created_at)
    named = [name for names in late.others.values() for name in names]
    early = or_(and_(system.not_in(named), made_at < late.usual), made_at > late.ahead)
    return and_(_BY_HAND, or_(early, *(and_(system.in_(names), made_at < at) for at, names in late.others.items())))


@dataclass(frozen=True)
class Work:
    """Which entries by hand a list is about."""

    late: LateBefore
    system: str = ""
    late_only: bool = False


def entry_ids(viewer: Viewer, window: Window, work: Work) -> Found:
    """Return the ids of the page's entries: late ones first, and of both the longest waiting."""
    order = (case((is_late(work.late), 0), else_=1), col(Delivery.id))
    found: Found = select(col(Delivery.id)).where(_BY_HAND, delivery_is_visible(viewer))
    if work.system:
        found = found.where(col(Delivery.system) == work.system)
    if work.late_only:
        found = found.where(is_late(work.late))
    if window.after:
        seen = (col(Delivery.id) == window.after, delivery_is_visible(viewer))
        found = found.where(tuple_(*order) > select(*order).where(*seen).scalar_subquery())
    return found.order_by(*order).limit(window.limit)
