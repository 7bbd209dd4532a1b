"""Presses for late entries by hand: one reminder each for the System's owner, until the entry ends."""

from collections.abc import Callable
from datetime import datetime, timedelta

from hub.model.delivery import State
from hub.store import Session
from hub.store.query import entries
from hub.store.query.entries import Late
from hub.store.query.journal import add_entries, entry
from hub.store.query.lists import LateBefore
from hub.systems import BY_HAND_WITHIN, Registry

AT_ONCE = 500
"""Reminders opened in one transaction."""
A_DAY = timedelta(days=1)
Ago = Callable[[datetime, timedelta], datetime]


def _by_the_clock(now: datetime, span: timedelta) -> datetime:
    return now - span


def late_before(registry: Registry, now: datetime, ago: Ago = _by_the_clock) -> LateBefore:
    """Return before which moment an entry must have been made to be late, by what each System allows.

    `ago` says since when a span of time was lived through, where the clock alone may be wrong.
    """
    others: dict[datetime, list[str]] = {}
    for name, system in registry.systems.items():
        if system.limits.by_hand_within != BY_HAND_WITHIN:
            others.setdefault(ago(now, system.limits.by_hand_within), []).append(name)
    return LateBefore(ago(now, BY_HAND_WITHIN), now + A_DAY, others)


def enter_by(registry: Registry, system: str, state: str, made_at: datetime) -> datetime | None:
    """Return when somebody should have confirmed an entry by hand; None for what is none."""
    return made_at + registry.by_hand_within(system) if state == State.MANUAL else None


def press(session: Session, registry: Registry, now: datetime, ago: Ago = _by_the_clock) -> list[Late]:
    """Open a reminder for each late entry that has none; return those that got one now, the same ones never again.

    Closes the reminders of entries that ended meanwhile, and forgets takes that ran out: neither is waited for.
    """
    late = entries.unreminded(session, late_before(registry, now, ago), AT_ONCE)
    owners = {one.delivery_id: registry.owner(one.system) for one in late}
    opened = entries.add_reminders(session, owners, now)
    add_entries(session, [entry(now, "", "delivery.reminded", one, owners[one]) for one in sorted(opened)])
    entries.close_reminders(session, entries.unended_reminders(session), now)
    entries.forget_takes(session, now)
    return [one for one in late if one.delivery_id in opened]
