"""Lets go what waited behind a Delivery: the next revision of its Record, or its successor in an ordered flow."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.failpoint import passing
from hub.model.delivery import ENDED, NOTHING_THERE, Delivery, State
from hub.store import Session
from hub.store.query import deliveries


def release(session: Session, ends: Mapping[str, State], now: datetime) -> dict[str, tuple[str, ...]]:
    """Let go what waited behind Deliveries that ended; return per Delivery the Systems that got something to do."""
    done = [delivery_id for delivery_id, state in ends.items() if state in ENDED or state is State.PARKED]
    behind: dict[str, list[Delivery]] = {}
    for follower in deliveries.waiting_for(session, done) if done else ():
        behind.setdefault(follower.after_id or "", []).append(follower)
    if not behind:
        return {}
    # Looked at again under their locks: one that was sent again since has not ended.
    firsts = [row for row in deliveries.by_ids(session, sorted(behind)) if row.state in ENDED | {State.PARKED}]
    released = {first.id: tuple(sorted(_release_behind(session, first, behind[first.id], now))) for first in firsts}
    passing("release.written")
    return released


def release_stranded(session: Session, now: datetime) -> list[str]:
    """Let go what waits behind something that ended unseen: by a correction, or while another process queued it."""
    released = release(session, deliveries.stranded(session), now)
    return sorted({system for systems in released.values() for system in systems})


def _release_behind(session: Session, first: Delivery, followers: Sequence[Delivery], now: datetime) -> set[str]:
    """Let go what waited behind one; a refused one makes way for its own correction only, which takes its place."""
    if State(first.state) is State.CANCELLED and first.after_id is not None:
        return _move_behind(session, followers, first.after_id)
    heirs = [row for row in followers if row.record_key == first.record_key]
    others = [row for row in followers if row.record_key != first.record_key]
    if State(first.state) is not State.PARKED:
        return _let_go(session, first, followers, now)
    if first.repeat or not heirs:
        return set()  # bytes may have arrived, or there is nothing to take its place: a person decides
    gone = {"state": State.CANCELLED, "settled_at": now, "reason": f"superseded: {first.reason}"}
    deliveries.move(session, first.id, State.PARKED, **gone)
    released = _let_go(session, first, heirs, now)
    return released | (_move_behind(session, others, heirs[0].id) if released else _let_go(session, first, others, now))


def _move_behind(session: Session, followers: Sequence[Delivery], delivery_id: str) -> set[str]:
    """Keep the order: what waited behind one that leaves the queue waits behind another."""
    for follower in followers:
        deliveries.move_behind(session, follower, after_id=delivery_id)
    return set()


def _let_go(session: Session, first: Delivery, followers: Sequence[Delivery], now: datetime) -> set[str]:
    """Make followers due; one that would take back what never arrived is cancelled, and what waited behind it goes.

    A successor and a correction may both wait behind one of an ordered flow: the second then waits behind the first.
    One for a person learns only what it is to amend there.
    """
    released: set[str] = set()
    for follower in followers:
        state = State(follower.state)
        own = follower.record_key == first.record_key
        asks = _asks(first, follower) if own else {}
        if asks is None:
            values = {"state": State.CANCELLED, "settled_at": now, "reason": NOTHING_THERE, "after_id": None}
            if deliveries.move_behind(session, follower, **values):
                further = release(session, {follower.id: State.CANCELLED}, now)
                released.update(system for systems in further.values() for system in systems)
        elif state is not State.WAITING:
            deliveries.move_behind(session, follower, after_id=None, **asks)
        else:
            ahead = deliveries.ahead_in_order(session, follower) if follower.order_key else None
            turn = {"due_at": None, "after_id": ahead} if ahead else {"due_at": now, "after_id": None}
            moved = deliveries.move_behind(session, follower, **turn, **asks)
            released |= {follower.system} if moved and not ahead else set()
    return released


def _asks(first: Delivery, follower: Delivery) -> dict[str, str] | None:
    """Return what the next revision asks for, now that it is known what the System has; None: nothing to take back."""
    delivered, took_back = State(first.state) is State.DELIVERED, first.intent == "withdraw"
    known = "" if delivered and took_back else (first.remote_id if delivered else "") or first.amends
    exists = delivered != took_back or first.intent == "amend"
    if follower.intent == "withdraw":
        return {"amends": known} if exists else None
    return {"intent": "amend" if exists else "create", "amends": known}
