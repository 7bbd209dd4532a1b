"""Corrections: a new revision goes as an amendment to the Systems whose fields changed; others are left alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.errors import FieldFault, Problem
from hub.intake.accept import Accepted, Intake, arrive, same_form, settle_earlier
from hub.intake.plan import Arrival, Rules, discrepancy_rows, issue_rows, record_rows, submission_row
from hub.intake.route import Mapped, Row, delivery_row, map_record, parked_row, skip_row
from hub.model.column import new_id
from hub.model.delivery import Delivery, State
from hub.model.people import Account
from hub.model.submission import Record, Submission
from hub.store import Session
from hub.store.query import deliveries, submissions
from hub.store.query.journal import entry
from hub.store.query.submissions import Bundle
from hub.systems import Flow

UNSENT = frozenset({State.PARKED, State.MANUAL})
"""States a correction simply takes the place of: the System has nothing of it."""


@dataclass
class _Changes:
    """What a correction does besides new rows: Deliveries it makes pointless."""

    bundle: Bundle = field(default_factory=Bundle)
    superseded: list[Delivery] = field(default_factory=list)


async def revise(intake: Intake, author: Account, earlier_id: str, raw: bytes) -> Accepted:
    """Accept a correction of the author's own Submission, in one transaction; raises Problem and keeps nothing else."""
    arrival = await arrive(intake, author, raw)
    if arrival.world.earlier_digest is not None:
        return await settle_earlier(intake, arrival)

    def write(session: Session) -> set[str] | None:
        if submissions.digests(session, [arrival.submission_id]):
            return None
        return _write_revision(session, arrival, intake.rules, earlier_id)

    rung = await intake.store.write(write)
    if rung is None:
        return await settle_earlier(intake, arrival)
    intake.ring(rung)
    return Accepted(arrival.submission_id, created=True)


def _write_revision(session: Session, arrival: Arrival, rules: Rules, earlier_id: str) -> set[str]:
    """Write the revision and return the Systems that got something to do."""
    latest = _latest(session, arrival, earlier_id)
    changes = _plan(session, arrival, rules, latest)
    for row in changes.superseded:
        _supersede(session, row, latest.revision + 1, arrival)
    submissions.insert_bundle(session, changes.bundle)
    return {row["system"] for row in changes.bundle.deliveries if row["due_at"] is not None}


def _latest(session: Session, arrival: Arrival, earlier_id: str) -> Submission:
    """Return the newest revision of what is corrected; another's Submission does not exist for this author."""
    earlier = session.get(Submission, earlier_id)
    if earlier is None or earlier.account_id != arrival.author.id:
        raise Problem("submission.unknown", 404)
    same_form(arrival.filled, earlier.form)
    here = arrival.world.at(arrival.filled.place)
    if (here.place.id if here else None) != earlier.place_id:
        raise Problem("submission.invalid", 422, [FieldFault("/place", "place_differs")])
    latest = submissions.latest_revision(session, earlier.root_id)
    return latest or earlier


def _plan(session: Session, arrival: Arrival, rules: Rules, latest: Submission) -> _Changes:
    revision, root_id = latest.revision + 1, latest.root_id
    old = submissions.latest_records(session, root_id)
    new = record_rows(arrival, root_id, revision)
    sent = deliveries.latest_per_flow(session, sorted({*old, *(row["key"] for row, _ in new)}))
    changes = _Changes(Bundle(submissions=[submission_row(arrival, root_id, revision)]))
    changes.bundle.discrepancies += discrepancy_rows(arrival)
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
        bundle.deliveries.append(parked_row(turn.row, turn.flow, mapped.reason["en"], author, now))
    elif not mapped.payload:
        bundle.skips.append(skip_row(turn.row, turn.flow, mapped.skip_code, mapped.reason))
        if previous is not None:
            _withdraw(turn, previous, changes)
    elif previous is None:
        bundle.deliveries.append(turn.delivery(mapped.payload))
    elif previous.payload == mapped.payload and previous.intent != "withdraw":
        bundle.skips.append(skip_row(turn.row, turn.flow, "unchanged", {}))
    else:
        _amend(turn, previous, mapped.payload, changes)


def _is_unsent(previous: Delivery) -> bool:
    """Say whether the System certainly has nothing of a Delivery, so that a newer one can take its place."""
    state = State(previous.state)
    return state in UNSENT or (state in (State.WAITING, State.RETRY) and not previous.repeat)


def _amend(turn: _Turn, previous: Delivery, payload: bytes, changes: _Changes) -> None:
    """Replace what was not sent yet; amend what was, after it if it is still under way."""
    row = turn.delivery(payload)
    if _is_unsent(previous):
        changes.superseded.append(previous)
        row.update(intent=previous.intent if previous.intent != "withdraw" else "create", amends=previous.amends)
        row.update(_hold(previous.after_id))
    elif previous.intent == "withdraw" and State(previous.state) is State.DELIVERED:
        """It was taken back there, so it is made anew."""
    elif turn.flow.amend == "never":
        row.update(intent="amend", amends=previous.remote_id, **_by_hand((turn.flow.amend_reason or {}).get("zh", "")))
    elif State(previous.state) is State.DELIVERED:
        row.update(intent="amend", amends=previous.remote_id)
    else:
        row.update(intent="amend", **_hold(previous.id))
    changes.bundle.deliveries.append(row)


def _withdraw(turn: _Turn, previous: Delivery, changes: _Changes) -> None:
    """Take back what a System has, if it can; what it never got is simply cancelled."""
    if previous.intent == "withdraw":
        return
    if _is_unsent(previous) and previous.intent == "create":
        changes.superseded.append(previous)
        return
    row = turn.delivery(previous.payload)
    row.update(intent="withdraw", amends=previous.remote_id or previous.amends)
    can = turn.rules.registry.systems[turn.flow.system].capabilities
    if not can.withdraws:
        row.update(_by_hand(""))
    elif State(previous.state) is not State.DELIVERED:
        row.update(_hold(previous.id))
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


def _supersede(session: Session, row: Delivery, revision: int, arrival: Arrival) -> None:
    """Cancel a Delivery a correction took the place of; if it was claimed this instant, everything is planned again."""
    values = {"state": State.CANCELLED, "due_at": None, "settled_at": arrival.received_at}
    moved = deliveries.move(session, row.id, State(row.state), **values, reason=f"superseded by revision {revision}")
    if not moved:
        raise Problem("store.busy", 503, retry_after=1)
