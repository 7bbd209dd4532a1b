"""Keeps the order of ordered flows: what is new waits behind the last one of its order."""

from collections.abc import Iterable

from hub.intake.route import Row
from hub.store import Session
from hub.store.query import deliveries


def queue_behind(session: Session, rows: Iterable[Row]) -> None:
    """Hold new Deliveries of ordered flows behind the last one of their order that has not ended (D9)."""
    ordered = [row for row in rows if row["order_key"] is not None and row["due_at"] is not None]
    if not ordered:
        return
    last = deliveries.last_in_order(session, sorted({row["order_key"] for row in ordered}))
    for row in ordered:
        before = last.get(row["order_key"])
        if before is not None:
            row.update(after_id=before, due_at=None)
        last[row["order_key"]] = row["id"]
