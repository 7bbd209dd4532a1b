"""Which rows a page of a list shows, however many are stored: each list walks an index and stops when full."""

from hub.store.query.lists.deliveries import delivery_ids, delivery_is_visible
from hub.store.query.lists.submissions import submission_ids, submission_is_visible
from hub.store.query.lists.window import Viewer, Window

__all__ = [
    "Viewer",
    "Window",
    "delivery_ids",
    "delivery_is_visible",
    "submission_ids",
    "submission_is_visible",
]
