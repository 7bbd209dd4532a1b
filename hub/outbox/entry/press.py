"""Presses for late entries by hand: one reminder each for the System's owner, until the entry ends."""

from datetime import datetime

from hub.model.delivery import State
from hub.model.odd import Odd
from hub.store import Session
from hub.store.query import entries
from hub.store.query.entries import Late
from hub.store.query.journal import add_entries, entry
from hub.store.query.lists import LateBefore
from hub.systems import BY_HAND_WITHIN, Registry

AT_ONCE = 500
"""Reminders opened in one transaction."""


def late_before(registry: Registry, now: datetime) -> LateBefore:
    """Return before which moment an entry must have been made to be late, by what each System allows."""
    others: dict[datetime, list[str]] = {}
    for name, system in registry.systems.items():
        if system.limits.by_hand_within != BY_HAND_WITHIN:
            others.setdefault(now - system.limits.by_hand_within, []).append(name)
    return LateBefore(now - BY_HAND_WITHIN, others)


def enter_by(registry: Registry, system: str, state: State | Odd, made_at: datetime) -> datetime | None:
    """Return when somebody should have confirmed an entry by hand; None for what is none."""
    return made_at + registry.by_hand_within(system) if state is State.MANUAL else None


def press(session: Session, registry: Registry, now: datetime) -> list[Late]:
    """Open a reminder for each late entry that has none; return those that got one now, the same ones never again.

    Closes the reminders of entries that ended meanwhile, and forgets takes that ran out: neither is waited for.
    """
    late = entries.unreminded(session, late_before(registry, now), AT_ONCE)
    owners = {one.delivery_id: registry.owner(one.system) for one in late}
    opened = entries.add_reminders(session, owners, now)
    add_entries(session, [entry(now, "", "delivery.reminded", one, owners[one]) for one in sorted(opened)])
    entries.close_reminders(session, entries.unended_reminders(session), now)
    entries.forget_takes(session, now)
    return [one for one in late if one.delivery_id in opened]
