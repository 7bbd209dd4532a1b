"""What a page shows of entries by hand beside the Deliveries themselves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from hub.model.delivery import MAY_WAIT, Delivery, Reminder
from hub.store.query.entries.takes import Holder, holders


@dataclass(frozen=True)
class Aside:
    """Who has an entry, since when its owner is reminded of it, and whether what it says was withdrawn meanwhile."""

    holder: Holder | None = None
    reminded_at: datetime | None = None
    withdrawn: bool = False


def asides(session: Session, delivery_ids: Collection[str], now: datetime) -> dict[str, Aside]:
    """Return what there is beside each of these Deliveries."""
    held = holders(session, delivery_ids, now)
    still_open = select(Reminder.delivery_id, Reminder.opened_at).where(
        col(Reminder.delivery_id).in_(delivery_ids), col(Reminder.closed_at).is_(None)
    )
    reminded = dict(session.exec(still_open).all())
    behind = select(Delivery.after_id).where(
        col(Delivery.after_id).in_(delivery_ids), Delivery.intent == "withdraw", col(Delivery.state).in_(MAY_WAIT)
    )
    withdrawn = set(session.exec(behind).all())
    return {one: Aside(held.get(one), reminded.get(one), one in withdrawn) for one in delivery_ids}
