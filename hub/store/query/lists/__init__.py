"""Which rows a page of a list shows, however many are stored: each list walks an index and stops when full."""

from hub.store.query.lists.deliveries import delivery_ids, delivery_is_visible
from hub.store.query.lists.entries import LateBefore, Work, entry_ids, is_late
from hub.store.query.lists.submissions import submission_ids, submission_is_visible
from hub.store.query.lists.window import Viewer, Window

__all__ = [
    "LateBefore",
    "Viewer",
    "Window",
    "Work",
    "delivery_ids",
    "delivery_is_visible",
    "entry_ids",
    "is_late",
    "submission_ids",
    "submission_is_visible",
]
