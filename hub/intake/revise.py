"""Corrections: a new revision goes as an amendment to the Systems whose fields changed; others are left alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from hub.catalog.messages import Messages
from hub.clock import civil_day
from hub.erasure.erase import gone
from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.intake.accept import Accepted, Intake, arrive, arrive_anew, same_form, settle_earlier, while_photos_stay
from hub.intake.arrival import Arrival
from hub.intake.changes import (
    Changes,
    Occasion,
    by_hand,
    is_unsent,
    succeed,
    withdraw_delivery,
    withdraw_records,
    write_changes,
)
from hub.intake.discrepancies import changed_answers, discrepancy_rows
from hub.intake.issues import Deed, bring_back_issues, withdraw_issues
from hub.intake.plan import Rules, issue_rows, photo_rows, record_rows, submission_row, track_rows
from hub.intake.route import Mapped, Row, delivery_row, map_record, parked_row, skip_row, unchanged_row, unmapped_reason
from hub.intake.world import look_before
from hub.model.delivery import Delivery
from hub.model.people import Account, Proof
from hub.model.submission import Submission
from hub.store import Session
from hub.store.query import deliveries, entries, people, places, pull_rows, submissions
from hub.store.query.journal import entry
from hub.store.query.submissions import Bundle
from hub.systems import Flow


async def revise(intake: Intake, author: Account, earlier_id: str, raw: bytes, proof: Proof | None = None) -> Accepted:
    """Accept a correction of the author's own Submission, in one transaction; raises Problem and keeps nothing else."""
    before = await intake.store.read(
        partial(look_before, catalog=intake.rules.catalog, author_id=author.id, earlier_id=earlier_id)
    )
    arrival = replace(await arrive(intake, author, raw, before=before), proof=proof)
    if arrival.world.earlier is not None:
        return await settle_earlier(intake, arrival)

    def write(session: Session) -> set[str] | None:
        if proof is not None:
            people.demand_standing(session, proof)
        pull_rows.hold_codes(session)
        latest = own_latest(session, arrival.author, earlier_id)
        if submissions.kept(session, [arrival.client_id]):
            return None
        demand_standing(latest)
        current = arrive_anew(session, arrival)
        _demand_correctable(session, current, latest)
        row = submission_row(current, latest.root_id, latest.revision + 1, latest.moved_from)
        if not submissions.insert_new(session, [row]):
            return None
        return _write_revision(session, current, intake.rules, latest)

    with while_photos_stay(photo_rows(arrival)):
        rung = await intake.store.write(write)
    if rung is None:
        return await settle_earlier(intake, arrival)
    passing("revise.committed")
    intake.outbox.ring(rung)
    return Accepted(arrival.submission_id, created=True)


def _write_revision(session: Session, arrival: Arrival, rules: Rules, latest: Submission) -> set[str]:
    """Write what the revision becomes, and return the Systems that got something to do."""
    changes = _plan(session, arrival, rules, latest)
    _dispute(session, arrival, latest, changes.bundle)
    rung = write_changes(session, changes, arrival.received_at)
    passing("revise.written")
    return rung


def _dispute(session: Session, arrival: Arrival, latest: Submission, bundle: Bundle) -> None:
    """Say anew where changed answers contradict a source; what was said of them before counts no more."""
    before = orjson.loads(latest.body)["answers"]
    elements = set(changed_answers(arrival, before).values())
    submissions.settle_discrepancies(session, latest.root_id, elements, arrival.received_at)
    bundle.discrepancies += discrepancy_rows(arrival, before)


def own_latest(session: Session, author: Account, submission_id: str) -> Submission:
    """Return the newest revision of the author's own Submission, locked; another's does not exist for them."""
    earlier = session.get(Submission, submission_id)
    if earlier is None or earlier.account_id != author.id:
        raise Problem("submission.unknown", 404)
    return submissions.latest_revision(session, earlier.root_id)


def _demand_correctable(session: Session, arrival: Arrival, latest: Submission) -> None:
    """Raise Problem unless this may be a correction of that: on the same form, at the same Place."""
    same_form(arrival.filled, latest.form)
    here = arrival.world.at(arrival.filled.place)
    if (here.place.id if here else None) != places.current_id(session, latest.place_id):
        raise Problem("submission.invalid", 422, [FieldFault("/place", "place_differs")])


def demand_standing(latest: Submission) -> None:
    """Raise Problem when a Submission was erased or withdrawn: what is to be changed of it is there no more."""
    if latest.erased_at is not None:
        raise gone(latest.erased_at)
    if latest.withdrawn_by is not None:
        raise Problem("submission.withdrawn", 409, day=civil_day(latest.received_at).isoformat())


def _plan(session: Session, arrival: Arrival, rules: Rules, latest: Submission) -> Changes:
    revision, root_id = latest.revision + 1, latest.root_id
    old = submissions.latest_records(session, root_id)
    new = record_rows(arrival, root_id, revision, rules)
    sent = deliveries.latest_per_flow(session, sorted({*old, *(row["key"] for row, _ in new)}))
    changes = Changes()
    changes.bundle.photos += photo_rows(arrival)
    held = entries.holders(session, [row.id for row in sent.values()], arrival.received_at)
    occasion = Occasion(arrival.submission_id, arrival.received_at, rules.registry, held=held)
    changes.bundle.tracks += track_rows(arrival, new)
    known_issues = submissions.existing_issues(session, [row["key"] for row, _ in new])
    for row, content in new:
        changes.bundle.records.append(row)
        if row["key"] not in known_issues:
            issues, steps = issue_rows(arrival, row, rules)
            changes.bundle.issues += issues
            changes.bundle.issue_steps += steps
        for flow in rules.registry.flows_for(row["record"]):
            previous = sent.get((row["key"], flow.system, flow.name))
            _step(
                _Turn(arrival, occasion, rules.catalog.messages, row, content, flow, previous),
                map_record(flow, content),
                changes,
            )
    kept = {row["key"] for row, _ in new}
    taken_out = {key: record for key, record in old.items() if key not in kept and not record.withdrawn}
    withdraw_records(occasion, taken_out.values(), sent, changes)
    deed = Deed(arrival.author.id, arrival.received_at)
    withdraw_issues(session, taken_out, deed)
    bring_back_issues(session, [key for key in kept if key in old and old[key].withdrawn], deed)
    changes.bundle.journal.append(entry(arrival.received_at, arrival.author.id, "submission.revised", root_id))
    return changes


@dataclass(frozen=True)
class _Turn:
    """One flow's turn to hear of a changed Record."""

    arrival: Arrival
    occasion: Occasion
    messages: Messages
    row: Row
    content: Mapping[str, Any]
    flow: Flow
    previous: Delivery | None

    def delivery(self, payload: bytes) -> Row:
        """Return a fresh Delivery row of these bytes."""
        return delivery_row(self.row, self.flow, payload, self.arrival.author.id, self.arrival.received_at)


def _step(turn: _Turn, mapped: Mapped, changes: Changes) -> None:
    """Decide what one System hears: a creation, an amendment, a withdrawal, or nothing."""
    previous, bundle = turn.previous, changes.bundle
    if mapped.unmapped is not None:
        now, author = turn.arrival.received_at, turn.arrival.author.id
        reason = unmapped_reason(mapped.unmapped, turn.messages)
        row = parked_row(turn.row, turn.flow, reason, author, now)
        values = succeed(row, previous, changes)
        row.update(values | {"due_at": None})
        bundle.deliveries.append(row)
    elif not mapped.payload:
        bundle.skips.append(skip_row(turn.row, turn.flow, mapped, turn.content))
        if previous is not None:
            withdraw_delivery(turn.occasion, turn.row, previous, changes)
    elif previous is not None and _stays(previous, mapped.payload):
        bundle.skips.append(unchanged_row(turn.row, turn.flow))
        if previous.intent == "withdraw":
            changes.superseded.append((previous, None))
    else:
        _amend(turn, mapped.payload, changes)


def _stays(previous: Delivery, payload: bytes) -> bool:
    """Say whether a System has these very bytes, or will; a withdrawal that never left took nothing back."""
    return previous.payload == payload and (previous.intent != "withdraw" or is_unsent(previous))


def _amend(turn: _Turn, payload: bytes, changes: Changes) -> None:
    """Replace what was not sent yet; amend what was, after it if it is still under way."""
    row = turn.delivery(payload)
    row.update(succeed(row, turn.previous, changes))
    if row["intent"] == "amend" and turn.flow.amend == "never":
        row.update(by_hand((turn.flow.amend_reason or {}).get("zh", "")))
    changes.bundle.deliveries.append(row)
