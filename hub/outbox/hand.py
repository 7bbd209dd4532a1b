"""What a person does to Deliveries: replay with the original bytes, confirm by hand, cancel with a reason."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.model.delivery import ENDED, LOST_THERE, Delivery, State, may_move
from hub.model.odd import Odd, known
from hub.model.people import Account
from hub.outbox.decide.replay import Became, Fate, Wish, fates
from hub.outbox.entry.take import demand_free, demand_its_turn, locked, not_for_hand
from hub.outbox.release import release
from hub.store import Session
from hub.store.query import deliveries, entries
from hub.store.query.journal import add_entries, entry

MOST_REPLAYED = 1_000
SETTLED_BY_HAND = frozenset(State) - ENDED - {State.LEASED}
"""A leased one is a worker's: whoever settles it under its hands would lose the System's answer."""


@dataclass(frozen=True)
class Deed:
    """Who does something to a Delivery, why and when."""

    who: Account
    why: str
    at: datetime


def replay(session: Session, delivery_ids: Sequence[str], deed: Deed) -> list[str]:
    """Make Deliveries due again with their original bytes and key; return the ids that moved (D11)."""
    found = replay_each(session, delivery_ids, deed)
    return sorted(one for one, fate in found.items() if fate.became is Became.SENT)


def replay_each(session: Session, delivery_ids: Sequence[str], deed: Deed) -> dict[str, Fate]:
    """Make Deliveries due again with their original bytes and key; return what became of each (D11).

    Idempotent and resumable: one already waiting is left as it is, so pressing twice or after a crash sends each once.
    One that somebody else enters by hand at this moment is left to them: sent as well it would be there twice. One that
    was withdrawn since is left alone: sent again it would be there for good.
    """
    _demand_reason(deed.why)
    if len(delivery_ids) > MOST_REPLAYED:
        raise Problem("replay.too_many", 422, most=MOST_REPLAYED)
    chains = deliveries.chains(session, delivery_ids)
    found = {one: Fate(Became.CANCELLED) for one in delivery_ids}
    found |= _fates(session, chains, found, deed)
    rows = {row.id: row for chain in chains for row in chain.rows}
    sent = sorted(one for one, fate in found.items() if fate.became is Became.SENT)
    turns = _turns(session, [rows[one] for one in sent], found)
    for one in sent:
        _requeue(session, rows[one], turns[one], deed.at)
    passing("replay.moved")
    entries.let_go(session, sent)
    add_entries(session, [entry(deed.at, deed.who.id, "delivery.replayed", one, deed.why) for one in sent])
    return found


def _fates(
    session: Session, chains: Sequence[deliveries.Chain], chosen: Collection[str], deed: Deed
) -> dict[str, Fate]:
    """Decide for the revisions of each Record together; one due already need not be hurried."""
    held = entries.holders(session, chosen, deed.at)
    taken = {one for one, holder in held.items() if holder.account_id != deed.who.id}
    found: dict[str, Fate] = {}
    for chain in chains:
        found |= fates(chain.rows, Wish(chosen, taken, chain.confirmed))
        for row in chain.rows:
            goes = row.id in found and found[row.id].became is Became.SENT
            if goes and row.state == State.RETRY and row.due_at and row.due_at <= deed.at:
                found[row.id] = Fate(Became.UNDER_WAY)
    return found


def _turns(session: Session, rows: Sequence[Delivery], found: Mapping[str, Fate]) -> dict[str, str | None]:
    """Return what each has to wait for: an earlier revision, or the one before it in its ordered flow (D9).

    One that is tried again anyway keeps the turn it has.
    """
    lining_up = [row for row in rows if row.state != State.RETRY]
    keys = {row.order_key for row in lining_up if row.order_key is not None}
    deliveries.hold_orders(session, keys)
    last: dict[str, str] = deliveries.heads_in_order(session, keys, [row.id for row in lining_up])
    turns: dict[str, str | None] = {row.id: None for row in rows}
    for row in lining_up:
        turns[row.id] = found[row.id].after_id or last.get(row.order_key or "")
        if row.order_key is not None:
            last[row.order_key] = row.id
    return turns


def _requeue(session: Session, row: Delivery, after_id: str | None, now: datetime) -> None:
    """Put one Delivery back in the queue; the key may have been seen there before, so it is marked a repeat.

    What the System had and has lost cannot be changed there: it goes as new.
    """
    passing("replay.row")
    values: dict[str, object] = {"due_at": None if after_id else now, "replayed_at": now}
    if row.state != State.RETRY:
        values |= {"state": State.WAITING, "after_id": after_id, "settled_at": None, "transported_at": None}
        values |= {"repeat": row.attempts > 0, "refusal": None, "lost": 0}
    if row.reason == LOST_THERE and row.intent == "amend":
        values |= {"intent": "create", "amends": ""}
    deliveries.move(session, row.id, State(row.state), **values)


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
    row = locked(session, delivery_id)
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
