"""What a person does to Deliveries: replay with the original bytes, confirm by hand, cancel with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.model.delivery import ENDED, Delivery, State, may_move
from hub.model.odd import Odd, known
from hub.model.people import Account
from hub.outbox.entry.take import demand_free, demand_its_turn, not_for_hand
from hub.outbox.release import release
from hub.store import Session
from hub.store.query import deliveries, entries
from hub.store.query.journal import add_entries, entry

MOST_REPLAYED = 1_000
REPLAYABLE = frozenset({State.PARKED, State.UNKNOWN, State.DELIVERED, State.RETRY})
SETTLED_BY_HAND = frozenset(State) - ENDED - {State.LEASED}
"""A leased one is a worker's: whoever settles it under its hands would lose the System's answer."""


@dataclass(frozen=True)
class Deed:
    """Who does something to a Delivery, why and when."""

    who: Account
    why: str
    at: datetime


def replay(session: Session, delivery_ids: Sequence[str], deed: Deed) -> list[str]:
    """Make Deliveries due again with their original bytes and key; return the ids that moved (D11).

    Idempotent and resumable: one already waiting is left as it is, so pressing twice or after a crash sends each once.
    One that somebody else enters by hand at this moment is left to them: sent as well it would be there twice. One that
    was withdrawn since is left alone: sent again it would be there for good.
    """
    _demand_reason(deed.why)
    if len(delivery_ids) > MOST_REPLAYED:
        raise Problem("replay.too_many", 422, most=MOST_REPLAYED)
    rows = deliveries.by_ids(session, delivery_ids)
    held = entries.holders(session, [row.id for row in rows], deed.at)
    free = [row for row in rows if row.id not in held or held[row.id].account_id == deed.who.id]
    withdrawn = deliveries.taken_back(session, [row.id for row in free])
    moved = [row.id for row in free if row.id not in withdrawn and _requeue(session, row, deed.at)]
    passing("replay.moved")
    entries.let_go(session, moved)
    add_entries(
        session, [entry(deed.at, deed.who.id, "delivery.replayed", delivery_id, deed.why) for delivery_id in moved]
    )
    return moved


def _requeue(session: Session, row: Delivery, now: datetime) -> bool:
    """Put one Delivery back in the queue; the key may have been seen there before, so it is marked a repeat."""
    passing("replay.row")
    state = known(State, row.state)
    if isinstance(state, Odd) or state not in REPLAYABLE or not row.payload:
        return False
    values: dict[str, object] = {"due_at": now, "replayed_at": now}
    if state is State.RETRY:
        due = row.due_at is not None and row.due_at <= now
        return not due and deliveries.move(session, row.id, state, **values)
    values |= {"state": State.WAITING, "settled_at": None, "transported_at": None, "repeat": row.attempts > 0}
    return deliveries.move(session, row.id, state, **values)


def confirm(session: Session, delivery_id: str, deed: Deed, number: str) -> list[str]:
    """Record that a named person found or entered it in the System, with its number there (D12)."""
    if not number.strip():
        raise Problem("delivery.number_needed", 422, [FieldFault("/number", "required")])
    return _end(session, delivery_id, State.DELIVERED, deed, number.strip())


def cancel(session: Session, delivery_id: str, deed: Deed) -> list[str]:
    """End a Delivery for good, with the reason people will be told."""
    _demand_reason(deed.why)
    return _end(session, delivery_id, State.CANCELLED, deed)


def _end(session: Session, delivery_id: str, state: State, deed: Deed, number: str = "") -> list[str]:
    """End one Delivery and return the Systems whose waiting Deliveries that released."""
    rows = deliveries.by_ids(session, [delivery_id])
    if not rows:
        raise Problem("delivery.unknown", 404)
    row = rows[0]
    demand_free(session, [row.id], deed.who, deed.at)
    old = known(State, row.state)
    if state is State.DELIVERED:
        demand_its_turn(session, row)
    values = {"state": state, "settled_at": deed.at, "due_at": None, "reason": deed.why}
    if number:
        values["remote_id"] = number
    may = not isinstance(old, Odd) and old in SETTLED_BY_HAND and may_move(old, state)
    if not may or not deliveries.move(session, row.id, State(old), **values):
        raise not_for_hand(session, row)
    entries.let_go(session, [row.id])
    entries.close_reminders(session, [row.id], deed.at)
    action = "delivery.confirmed" if state is State.DELIVERED else "delivery.cancelled"
    add_entries(session, [entry(deed.at, deed.who.id, action, row.id, deed.why)])
    released = release(session, {row.id: state}, deed.at)
    return sorted({system for systems in released.values() for system in systems})


def _demand_reason(why: str) -> None:
    if not why.strip():
        raise Problem("reason.needed", 422, [FieldFault("/why", "required")])
