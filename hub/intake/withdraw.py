"""Withdrawals: a last revision without Records; what Systems have is taken back, what never left is cancelled."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.errors import Problem
from hub.failpoint import passing
from hub.intake.accept import Accepted, Intake
from hub.intake.changes import Changes, Occasion, Sent, withdraw_records, write_changes
from hub.intake.issues import Deed, withdraw_issues
from hub.intake.revise import demand_standing
from hub.model.column import new_id
from hub.model.delivery import Delivery, State
from hub.model.people import Proof, Scope
from hub.model.submission import Record, Submission
from hub.store import Session
from hub.store.query import deliveries, entries, people, places, submissions, views
from hub.store.query.journal import entry
from hub.store.query.lists import Viewer
from hub.store.query.submissions import Bundle
from hub.systems import Registry

Will = Literal["cancel", "send", "after", "check", "by_hand", "done"]
"""What a withdrawal does about a Delivery: never sends it; tells the System, at once or when it is known what became of
it; lets the person who has it end it first; leaves it to a person there; nothing, as it is taken back already."""
ENDED_BY_WITHDRAWAL = "withdrawn"
"""How a Discrepancy ended that nobody says any more."""


@dataclass(frozen=True)
class Withdrawal:
    """Who takes a Submission back, why and when; and what is filed in its stead, if anything is."""

    account_id: str
    why: str
    at: datetime
    moved_to: str | None = None


@dataclass(frozen=True)
class Planned:
    """What a withdrawal would do, and to what."""

    records: dict[str, Record]
    sent: Sent
    changes: Changes


@dataclass(frozen=True)
class Foreseen:
    """What would become of one Delivery."""

    delivery: Delivery
    will: Will


async def withdraw(intake: Intake, scope: Scope, submission_id: str, why: str, proof: Proof | None = None) -> Accepted:
    """Take a Submission back, as its author or a leader it lies in the division of; the same again changes nothing."""
    withdrawal = Withdrawal(scope.account_id, why, intake.clock.now())

    def write(session: Session) -> tuple[str, set[str] | None]:
        if proof is not None:
            people.demand_standing(session, proof)
        latest = _within_reach(session, scope, submission_id, lock=True)
        if (latest.withdrawn_by, latest.withdrawn_why) == (withdrawal.account_id, withdrawal.why):
            return latest.root_id, None
        demand_standing(latest)
        rung = write_withdrawal(session, latest, withdrawal, intake.rules.registry)
        passing("withdraw.written")
        return latest.root_id, rung

    root_id, rung = await intake.store.write(write)
    if rung is None:
        return Accepted(root_id, created=False)
    passing("withdraw.committed")
    intake.outbox.ring(rung)
    return Accepted(root_id, created=True)


def foresee(session: Session, registry: Registry, scope: Scope, submission_id: str, at: datetime) -> list[Foreseen]:
    """Return what a withdrawal at this moment would do, Delivery by Delivery; changes nothing."""
    latest = _within_reach(session, scope, submission_id, lock=False)
    demand_standing(latest)
    planned = plan_withdrawal(session, latest, Withdrawal(scope.account_id, "", at), registry, lock=False)
    return [Foreseen(previous, will) for previous, will in _outcomes(planned)]


def write_withdrawal(
    session: Session, latest: Submission, withdrawal: Withdrawal, registry: Registry, filed: Bundle | None = None
) -> set[str]:
    """Write a withdrawal, and what is filed in its stead; return the Systems that got something to do."""
    planned = plan_withdrawal(session, latest, withdrawal, registry, lock=True)
    planned.changes.bundle.add(filed or Bundle())
    rung = write_changes(session, planned.changes, withdrawal.at)
    standing = [key for key, record in planned.records.items() if not record.withdrawn]
    withdraw_issues(session, standing, Deed(withdrawal.account_id, withdrawal.at, withdrawal.why))
    revisions = submissions.revisions(session, latest.root_id)
    places.end_discrepancies(session, revisions, ENDED_BY_WITHDRAWAL, withdrawal.at)
    return rung


def plan_withdrawal(
    session: Session, latest: Submission, withdrawal: Withdrawal, registry: Registry, *, lock: bool
) -> Planned:
    """Return what taking back the newest revision of a Submission does; the reason stays out of the journal.

    The journal outlives an erasure, and the reason may name people.
    """
    row = latest.model_dump() | {
        "id": new_id(),
        "client_id": new_id(),
        "revision": latest.revision + 1,
        "received_at": withdrawal.at,
        "withdrawn_by": withdrawal.account_id,
        "withdrawn_why": withdrawal.why,
        "moved_to": withdrawal.moved_to,
    }
    records = submissions.latest_records(session, latest.root_id)
    sent = deliveries.latest_per_flow(session, sorted(records), lock=lock)
    held = entries.holders(session, [one.id for one in sent.values()], withdrawal.at)
    deed = entry(withdrawal.at, withdrawal.account_id, "submission.withdrawn", latest.root_id)
    changes = Changes(Bundle(submissions=[row], journal=[deed]))
    occasion = Occasion(row["id"], withdrawal.at, registry, withdrawal.why, held)
    withdraw_records(occasion, (record for record in records.values() if not record.withdrawn), sent, changes)
    return Planned(records, sent, changes)


def _outcomes(planned: Planned) -> Iterator[tuple[Delivery, Will]]:
    """Yield what becomes of each Delivery that stands for something at a System, or would."""
    cancelled = {previous.id for previous, successor in planned.changes.superseded if successor is None}
    doubted = {previous.id for previous in planned.changes.doubted}
    new = {(row["record_key"], row["system"], row["flow"]): row for row in planned.changes.bundle.deliveries}
    for key, previous in planned.sent.items():
        row = new.get(key)
        if previous.id in cancelled:
            yield previous, "cancel"
        elif row is None:
            yield previous, "done"
        elif previous.id in doubted:
            yield previous, "check"
        elif row["state"] is State.MANUAL:
            yield previous, "by_hand"
        else:
            yield previous, "after" if row["after_id"] else "send"


def _within_reach(session: Session, scope: Scope, submission_id: str, *, lock: bool) -> Submission:
    """Return the newest revision of a Submission the asker may read; any other does not exist for them."""
    found = session.get(Submission, submission_id)
    if found is None or not views.may_see_submission(session, Viewer(scope, ()), submission_id):
        raise Problem("submission.unknown", 404)
    return submissions.latest_revision(session, found.root_id, lock=lock)
