"""Corrections: a new revision goes as an amendment to the Systems whose fields changed; others are left alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from hub.erasure.erase import gone
from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.intake.accept import Accepted, Intake, arrive, queue_behind, same_form, settle_earlier, while_photos_stay
from hub.intake.plan import Arrival, Rules, discrepancy_rows, issue_rows, photo_rows, record_rows, submission_row
from hub.intake.route import Mapped, Row, delivery_row, map_record, parked_row, skip_row
from hub.model.column import new_id
from hub.model.delivery import LOST_THERE, Delivery, State, is_understood
from hub.model.people import Account
from hub.model.submission import Record, Submission
from hub.outbox.release import release
from hub.store import Session
from hub.store.query import deliveries, entries, submissions
from hub.store.query.journal import entry
from hub.store.query.submissions import Bundle
from hub.systems import Flow

UNTOUCHED = frozenset({State.WAITING, State.RETRY, State.PARKED})
"""States in which nothing of a Delivery reached the System, unless it is marked as a repeat."""


@dataclass
class _Changes:
    """What a correction does besides new rows: Deliveries it makes pointless."""

    bundle: Bundle = field(default_factory=Bundle)
    superseded: list[tuple[Delivery, Row | None]] = field(default_factory=list)
    """Each with what takes its place, if anything does."""


async def revise(intake: Intake, author: Account, earlier_id: str, raw: bytes) -> Accepted:
    """Accept a correction of the author's own Submission, in one transaction; raises Problem and keeps nothing else."""
    arrival = await arrive(intake, author, raw)
    if arrival.world.earlier is not None:
        return await settle_earlier(intake, arrival)

    def write(session: Session) -> set[str] | None:
        latest = _latest(session, arrival, earlier_id)
        if submissions.kept(session, [arrival.client_id]):
            return None
        return _write_revision(session, arrival, intake.rules, latest)

    with while_photos_stay(photo_rows(arrival)):
        rung = await intake.store.write(write)
    if rung is None:
        return await settle_earlier(intake, arrival)
    passing("revise.committed")
    intake.outbox.ring(rung)
    return Accepted(arrival.submission_id, created=True)


def _write_revision(session: Session, arrival: Arrival, rules: Rules, latest: Submission) -> set[str]:
    """Write the revision and return the Systems that got something to do."""
    changes = _plan(session, arrival, rules, latest)
    released: set[str] = set()
    for row, successor in changes.superseded:
        released |= _supersede(session, row, successor, arrival.received_at)
    successors = {row["id"] for _, row in changes.superseded if row is not None}
    queue_behind(session, [row for row in changes.bundle.deliveries if row["id"] not in successors])
    submissions.insert_bundle(session, changes.bundle)
    passing("revise.written")
    return released | {row["system"] for row in changes.bundle.deliveries if row["due_at"] is not None}


def _latest(session: Session, arrival: Arrival, earlier_id: str) -> Submission:
    """Return the newest revision of what is corrected, locked; another's does not exist for this author."""
    earlier = session.get(Submission, earlier_id)
    if earlier is None or earlier.account_id != arrival.author.id:
        raise Problem("submission.unknown", 404)
    latest = submissions.latest_revision(session, earlier.root_id)
    if latest.erased_at is not None:
        raise gone(latest.erased_at)
    same_form(arrival.filled, latest.form)
    here = arrival.world.at(arrival.filled.place)
    if (here.place.id if here else None) != latest.place_id:
        raise Problem("submission.invalid", 422, [FieldFault("/place", "place_differs")])
    return latest


def _plan(session: Session, arrival: Arrival, rules: Rules, latest: Submission) -> _Changes:
    revision, root_id = latest.revision + 1, latest.root_id
    old = submissions.latest_records(session, root_id)
    new = record_rows(arrival, root_id, revision)
    sent = deliveries.latest_per_flow(session, sorted({*old, *(row["key"] for row, _ in new)}))
    changes = _Changes(Bundle(submissions=[submission_row(arrival, root_id, revision)]))
    changes.bundle.discrepancies += discrepancy_rows(arrival)
    changes.bundle.photos += photo_rows(arrival)
    known_issues = submissions.existing_issues(session, [row["key"] for row, _ in new])
    for row, content in new:
        changes.bundle.records.append(row)
        if row["key"] not in known_issues:
            issues, steps = issue_rows(arrival, row, rules)
            changes.bundle.issues += issues
            changes.bundle.issue_steps += steps
        for flow in rules.registry.flows_for(row["record"]):
            previous = sent.get((row["key"], flow.system, flow.name))
            _step(_Turn(arrival, rules, row, flow, previous), map_record(flow, content), changes)
    _withdraw_gone(
        arrival, rules, {k: r for k, r in old.items() if k not in {row["key"] for row, _ in new}}, sent, changes
    )
    changes.bundle.journal.append(entry(arrival.received_at, arrival.author.id, "submission.revised", root_id))
    return changes


@dataclass(frozen=True)
class _Turn:
    """One flow's turn to hear of a changed Record."""

    arrival: Arrival
    rules: Rules
    row: Row
    flow: Flow
    previous: Delivery | None

    def delivery(self, payload: bytes) -> Row:
        """Return a fresh Delivery row of these bytes."""
        return delivery_row(self.row, self.flow, payload, self.arrival.author.id, self.arrival.received_at)


def _step(turn: _Turn, mapped: Mapped, changes: _Changes) -> None:
    """Decide what one System hears: a creation, an amendment, a withdrawal, or nothing."""
    previous, bundle = turn.previous, changes.bundle
    if mapped.skip_code == "unmapped":
        now, author = turn.arrival.received_at, turn.arrival.author.id
        row = parked_row(turn.row, turn.flow, mapped.reason["en"], author, now)
        values = _succeed(row, previous, changes)
        row.update(values | {"due_at": None})
        bundle.deliveries.append(row)
    elif not mapped.payload:
        bundle.skips.append(skip_row(turn.row, turn.flow, mapped.skip_code, mapped.reason))
        if previous is not None:
            _withdraw(turn, previous, changes)
    elif previous is not None and _stays(previous, mapped.payload):
        bundle.skips.append(skip_row(turn.row, turn.flow, "unchanged", {}))
        if previous.intent == "withdraw":
            changes.superseded.append((previous, None))
    else:
        _amend(turn, mapped.payload, changes)


def _stays(previous: Delivery, payload: bytes) -> bool:
    """Say whether a System has these very bytes, or will; a withdrawal that never left took nothing back."""
    return previous.payload == payload and (previous.intent != "withdraw" or _is_unsent(previous))


def _is_unsent(previous: Delivery) -> bool:
    """Say whether the System certainly has nothing of a Delivery, so that a newer one can take its place."""
    if not is_understood(previous.state, previous.intent):
        return False  # whatever it is, somebody else has to know
    state = State(previous.state)
    return state is State.MANUAL or (state in UNTOUCHED and not previous.repeat)


def _amend(turn: _Turn, payload: bytes, changes: _Changes) -> None:
    """Replace what was not sent yet; amend what was, after it if it is still under way."""
    row = turn.delivery(payload)
    row.update(_succeed(row, turn.previous, changes))
    if row["intent"] == "amend" and turn.flow.amend == "never":
        row.update(_by_hand((turn.flow.amend_reason or {}).get("zh", "")))
    changes.bundle.deliveries.append(row)


def _succeed(row: Row, previous: Delivery | None, changes: _Changes) -> dict[str, Any]:
    """Return what a Delivery is that comes after `previous`: its intent, whose number it amends, what it waits for.

    A withdrawal that never left leaves the System with what was to be withdrawn, so that is amended; one that was
    delivered leaves it with nothing, so the Record is made anew.
    """
    if previous is None:
        return {}
    if _is_unsent(previous):
        changes.superseded.append((previous, row))
        if previous.intent == "create" or previous.reason == LOST_THERE:  # nothing is there that could be amended
            return {"intent": "create", **_hold(previous.after_id)}
        return {"intent": "amend", "amends": previous.amends, **_hold(previous.after_id)}
    is_delivered = previous.state == State.DELIVERED
    if previous.intent == "withdraw":
        return {} if is_delivered else _hold(previous.id)
    if is_delivered:
        return {"intent": "amend", "amends": previous.remote_id or previous.amends}
    return {"intent": "amend", **_hold(previous.id)}


def _withdraw(turn: _Turn, previous: Delivery, changes: _Changes) -> None:
    """Take back what a System has, if it can; what it never got is simply cancelled."""
    if previous.intent == "withdraw":
        return
    if _is_unsent(previous) and (previous.intent == "create" or previous.reason == LOST_THERE):
        changes.superseded.append((previous, None))
        return
    row = turn.delivery(previous.payload)
    row.update(_succeed(row, previous, changes) | {"intent": "withdraw"})
    # What could not be mapped has no bytes: a person entered it there, and takes it back there.
    if not previous.payload or not turn.rules.registry.systems[turn.flow.system].capabilities.withdraws:
        row.update(_by_hand(""))
    changes.bundle.deliveries.append(row)


def _withdraw_gone(
    arrival: Arrival,
    rules: Rules,
    gone: Mapping[str, Record],
    sent: Mapping[tuple[str, str, str], Delivery],
    changes: _Changes,
) -> None:
    """Mark Records the correction no longer contains as withdrawn, and take them back everywhere."""
    for record in gone.values():
        if record.withdrawn:
            continue
        row: dict[str, Any] = record.model_dump()
        row.update(id=new_id(), revision=record.revision + 1, submission_id=arrival.submission_id, withdrawn=True)
        row["content"] = orjson.dumps(
            {**orjson.loads(record.content), "revision": row["revision"]}, option=orjson.OPT_SORT_KEYS
        )
        changes.bundle.records.append(row)
        for flow in rules.registry.flows_for(record.record):
            previous = sent.get((record.key, flow.system, flow.name))
            if previous is not None:
                _withdraw(_Turn(arrival, rules, row, flow, previous), previous, changes)


def _hold(after_id: str | None) -> dict[str, Any]:
    """Return the values of a Delivery that waits behind another, or nothing when there is none to wait for."""
    return {"after_id": after_id, "due_at": None} if after_id else {}


def _by_hand(reason: str) -> dict[str, Any]:
    return {"state": State.MANUAL, "due_at": None, "reason": reason}


def _supersede(session: Session, row: Delivery, successor: Row | None, now: datetime) -> set[str]:
    """Cancel a Delivery a correction took the place of; return the Systems whose waiting Deliveries that let go.

    What waited behind it waits behind its successor. If it was claimed this instant, everything is planned again.
    Whoever had taken it, to enter it by hand, is told at their next step.
    """
    values = {"state": State.CANCELLED, "due_at": None, "settled_at": now}
    reason = "superseded by a correction" if successor is None else f"superseded by revision {successor['revision']}"
    if not deliveries.move(session, row.id, State(row.state), **values, reason=reason):
        raise Problem("store.busy", 503, retry_after=1)
    entries.let_go(session, [row.id])
    entries.close_reminders(session, [row.id], now)
    if successor is None:
        session.expire_all()
        return {system for systems in release(session, {row.id: State.CANCELLED}, now).values() for system in systems}
    for follower in deliveries.waiting_for(session, [row.id]):
        deliveries.move(session, follower.id, State(follower.state), after_id=successor["id"])
    return set()
