"""What a later revision does to Deliveries of earlier ones: takes their place, waits behind them, takes things back.

Planning decides, `write_changes` writes. Who may change what is decided where they ask: revise, withdraw, move.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from hub.errors import Problem
from hub.intake.order import queue_behind
from hub.intake.route import Row, withdrawal_row
from hub.model.column import new_id
from hub.model.delivery import LOST_THERE, NEVER_SENT, Delivery, State, is_recognised
from hub.model.submission import Record
from hub.outbox.release import release
from hub.store import Session
from hub.store.query import deliveries, entries, submissions
from hub.store.query.submissions import Bundle
from hub.systems import Registry

UNTOUCHED = frozenset({State.WAITING, State.RETRY, State.PARKED})
"""States in which nothing of a Delivery reached the System, unless it is marked as a repeat."""
Sent = Mapping[tuple[str, str, str], Delivery]
"""The newest Delivery of each (record key, System, flow) that was not cancelled."""


@dataclass
class Changes:
    """What a revision does besides new rows: Deliveries it makes pointless."""

    bundle: Bundle = field(default_factory=Bundle)
    superseded: list[tuple[Delivery, Row | None]] = field(default_factory=list)
    """Each with what takes its place, if anything does."""
    doubted: list[Delivery] = field(default_factory=list)
    """Those a person may have entered there, though no machine sent them."""


@dataclass(frozen=True)
class Occasion:
    """In which revision something is taken back, when and why, and by which wiring."""

    submission_id: str
    at: datetime
    registry: Registry
    why: str = ""
    """Told to whoever takes it back there by hand."""
    held: Collection[str] = ()
    """Deliveries somebody is entering by hand at this moment."""


def is_unsent(previous: Delivery) -> bool:
    """Say whether the System certainly has nothing of a Delivery, so that a newer one can take its place."""
    if not is_recognised(previous.state, previous.intent):
        return False  # somebody has to look what it is
    state = State(previous.state)
    return state is State.MANUAL or (state in UNTOUCHED and not previous.repeat)


def _is_new(previous: Delivery) -> bool:
    """Say whether the System has no earlier revision either, so that nothing is there to be amended or taken back."""
    return previous.intent == "create" or previous.reason == LOST_THERE


def succeed(row: Row, previous: Delivery | None, changes: Changes) -> dict[str, Any]:
    """Return what a Delivery is that comes after `previous`: its intent, whose number it amends, what it waits for.

    A withdrawal that never left leaves the System with what was to be withdrawn, so that is amended; one that was
    delivered leaves it with nothing, so the Record is made anew.
    """
    if previous is None:
        return {}
    if is_unsent(previous):
        changes.superseded.append((previous, row))
        if _is_new(previous):
            return {"intent": "create", **_hold(previous.after_id)}
        return {"intent": "amend", "amends": previous.amends, **_hold(previous.after_id)}
    is_delivered = previous.state == State.DELIVERED
    if previous.intent == "withdraw":
        return {} if is_delivered else _hold(previous.id)
    if is_delivered:
        return {"intent": "amend", "amends": previous.remote_id or previous.amends}
    return {"intent": "amend", **_hold(previous.id)}


def withdraw_records(occasion: Occasion, taken_out: Iterable[Record], sent: Sent, changes: Changes) -> None:
    """Mark Records as withdrawn by a revision of their own, and take them back wherever they went."""
    for record in taken_out:
        row: dict[str, Any] = record.model_dump()
        row.update(id=new_id(), revision=record.revision + 1, submission_id=occasion.submission_id, withdrawn=True)
        content = {**orjson.loads(record.content), "revision": row["revision"]}
        row["content"] = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        changes.bundle.records.append(row)
        # Not by the wiring of today: what went to a System that is no longer wired has to be taken back as well.
        for (key, _, _), previous in sent.items():
            if key == record.key:
                withdraw_delivery(occasion, row, previous, changes)


def withdraw_delivery(occasion: Occasion, record: Row, previous: Delivery, changes: Changes) -> None:
    """Take back what a System has, if it can; what it never got is simply cancelled."""
    if previous.intent == "withdraw":
        return
    row = withdrawal_row(record, previous, occasion.at)
    if not (is_unsent(previous) and _is_new(previous)):
        row |= succeed(row, previous, changes) | {"intent": "withdraw"}
    elif previous.id in occasion.held or previous.repeat:
        changes.doubted.append(previous)
        row |= _hold(previous.id)
    else:
        changes.superseded.append((previous, None))
        return
    if not _takes_back(occasion.registry, previous):
        row |= by_hand(occasion.why)
    changes.bundle.deliveries.append(row)


def _takes_back(registry: Registry, previous: Delivery) -> bool:
    """Say whether a System can be told to take something back; what no map could express, a person entered there."""
    system = registry.systems.get(previous.system)
    if system is None or not previous.payload:
        return False
    return system.capabilities.withdraws and any(flow.name == previous.flow for flow in system.sends)


def _hold(after_id: str | None) -> dict[str, Any]:
    """Return the values of a Delivery that waits behind another, or nothing when there is none to wait for."""
    return {"after_id": after_id, "due_at": None} if after_id else {}


def by_hand(reason: str) -> dict[str, Any]:
    """Return the values of a Delivery that a person enters there."""
    return {"state": State.MANUAL, "due_at": None, "reason": reason}


def write_changes(session: Session, changes: Changes, now: datetime) -> set[str]:
    """Write what a revision changes and return the Systems that got something to do."""
    released: set[str] = set()
    for row in changes.doubted:
        # So that whoever had it still ends it, and nobody's next step cancels what may be there.
        _demand(deliveries.move(session, row.id, State(row.state), repeat=True))
    for row, successor in changes.superseded:
        released |= _supersede(session, row, successor, now)
    successors = {row["id"] for _, row in changes.superseded if row is not None}
    queue_behind(session, [row for row in changes.bundle.deliveries if row["id"] not in successors])
    submissions.insert_bundle(session, changes.bundle)
    return released | {row["system"] for row in changes.bundle.deliveries if row["due_at"] is not None}


def _supersede(session: Session, row: Delivery, successor: Row | None, now: datetime) -> set[str]:
    """Cancel a Delivery a later revision took the place of; return the Systems whose waiting Deliveries that let go.

    What waited behind it waits behind its successor. Whoever had taken it, to enter it by hand, is told at their next
    step.
    """
    values = {"state": State.CANCELLED, "due_at": None, "settled_at": now, "reason": _why_superseded(row, successor)}
    _demand(deliveries.move(session, row.id, State(row.state), **values))
    entries.let_go(session, [row.id])
    entries.close_reminders(session, [row.id], now)
    if successor is None:
        session.expire_all()
        return {system for systems in release(session, {row.id: State.CANCELLED}, now).values() for system in systems}
    for follower in deliveries.waiting_for(session, [row.id]):
        deliveries.move(session, follower.id, State(follower.state), after_id=successor["id"])
    return set()


def _demand(moved: bool) -> None:
    """Ask to come again when a Delivery was claimed this instant: everything is planned anew."""
    if not moved:
        raise Problem("store.busy", 503, retry_after=1)


def _why_superseded(row: Delivery, successor: Row | None) -> str:
    if successor is not None:
        return f"superseded by revision {successor['revision']}"
    return "superseded by a correction" if row.intent == "withdraw" else NEVER_SENT
