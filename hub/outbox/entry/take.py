"""Takes: one named person has an entry by hand for a while, and nobody else settles it meanwhile (D12, F66)."""

from collections.abc import Collection
from datetime import datetime

from hub.clock import BEIJING
from hub.errors import Problem
from hub.model.delivery import BY_HAND, HELD_FOR, Delivery, State
from hub.model.odd import known
from hub.model.people import Account, are_colleagues
from hub.store import Session
from hub.store.query import deliveries, entries
from hub.store.query.entries import Holder
from hub.store.query.journal import add_entries, entry


def take(session: Session, delivery_id: str, who: Account, now: datetime) -> None:
    """Give an entry to this person for a while, or renew it; raises Problem when another has it or nobody may."""
    row = locked(session, delivery_id)
    if known(State, row.state) not in BY_HAND:
        raise not_for_hand(session, row)
    demand_its_turn(session, row)
    before = entries.holders(session, [row.id], now)
    if not entries.take(session, row.id, who.id, now, now + HELD_FOR):
        raise _taken(before[row.id], who)
    if not before:
        add_entries(session, [entry(now, who.id, "delivery.taken", row.id)])


def give_back(session: Session, delivery_id: str, who: Account, now: datetime) -> None:
    """Let others have an entry at once; does nothing when nobody has it, raises Problem when another has."""
    row = locked(session, delivery_id)
    demand_free(session, [row.id], who, now)
    if entries.give_back(session, row.id, who.id):
        add_entries(session, [entry(now, who.id, "delivery.given_back", row.id)])
    elif known(State, row.state) is State.CANCELLED:
        raise not_for_hand(session, row)


def demand_free(session: Session, delivery_ids: Collection[str], who: Account, now: datetime) -> None:
    """Raise Problem when somebody else has one of these; their name is told to colleagues only."""
    for holder in entries.holders(session, delivery_ids, now).values():
        if holder.account_id != who.id:
            raise _taken(holder, who)


def demand_its_turn(session: Session, row: Delivery) -> None:
    """Raise Problem while an earlier revision is on its way: nobody can amend there what has not arrived.

    Entered by hand all the same, it would be overtaken by the earlier one.
    """
    if not row.attempts and (before := deliveries.under_way_before(session, row)):
        raise Problem("delivery.not_its_turn", 409, state=before.words)


def not_for_hand(session: Session, row: Delivery) -> Problem:
    """Return why a Delivery is not for a person: how it stands, or that a correction took its place."""
    if known(State, row.state) is State.CANCELLED and entries.is_corrected(session, row):
        return Problem("delivery.outdated", 409)
    return Problem("delivery.not_for_hand", 409, state=known(State, row.state).words)


def locked(session: Session, delivery_id: str) -> Delivery:
    """Return a Delivery, locked; raises Problem when there is none."""
    rows = deliveries.by_ids(session, [delivery_id])
    if not rows:
        raise Problem("delivery.unknown", 404)
    return rows[0]


def _taken(holder: Holder, who: Account) -> Problem:
    until = f"{holder.until.astimezone(BEIJING):%Y-%m-%d %H:%M}"
    if are_colleagues(holder, who):
        return Problem("delivery.taken", 409, name=holder.name, until=until)
    return Problem("delivery.taken_elsewhere", 409, until=until)
