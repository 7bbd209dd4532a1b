"""Accepts a Submission: read, judge, plan, then write everything it becomes in one flushed transaction (D1, D2)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub.catalog.contents import Form
from hub.clock import Clock, civil_day
from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.intake.filled import Filled, read_filled
from hub.intake.plan import Arrival, Rules, plan_first
from hub.intake.route import Row
from hub.intake.wire import canonical, digest, read_json
from hub.intake.world import look
from hub.model.people import Account, Scope
from hub.model.place import Place
from hub.store import Session, Store
from hub.store.query import deliveries, submissions
from hub.store.query.submissions import Bundle


@dataclass(frozen=True)
class Intake:
    """All that accepting needs; `ring` wakes the outbox after the commit."""

    store: Store
    clock: Clock
    rules: Rules
    ring: Callable[[Iterable[str]], None]


@dataclass(frozen=True)
class Made:
    """A new Submission's rows, and where it was filled."""

    bundle: Bundle
    place: Place | None


@dataclass(frozen=True)
class Accepted:
    """What became of a Submission: created now, or known already with the same content."""

    submission_id: str
    created: bool
    made: Made | None = None
    """The rows as they were written just now, so that the answer need not read them back."""


@dataclass(frozen=True)
class _Offer:
    """A planned Submission as the writer gets it."""

    submission_id: str
    body: bytes
    digest: str
    bundle: Bundle
    received_at: datetime


async def accept(intake: Intake, author: Account, raw: bytes) -> Accepted:
    """Accept a body as it came; return once it and all it owes are on disk, or raise Problem and keep nothing."""
    arrival = await arrive(intake, author, raw)
    submission_id = arrival.submission_id
    if arrival.world.earlier_digest is not None:
        return await settle_earlier(intake, arrival)
    bundle = plan_first(arrival, intake.rules)
    offer = _Offer(submission_id, arrival.body, digest(arrival.body), bundle, arrival.received_at)
    passing("intake.begin")
    if not await intake.store.writer.write_item(_write_offers, offer):
        return await settle_earlier(intake, arrival)
    passing("intake.committed")
    intake.ring({row["system"] for row in bundle.deliveries if row["due_at"] is not None})
    here = arrival.world.at(arrival.filled.place)
    return Accepted(submission_id, created=True, made=Made(bundle, here.place if here else None))


async def arrive(intake: Intake, author: Account, raw: bytes) -> Arrival:
    """Read and judge a body against its form and the world; raises Problem naming every fault."""
    value = read_json(raw)
    filled = read_filled(value)
    form = intake.rules.catalog.form(filled.form, filled.version)
    if form is None:
        faults = [FieldFault("/form", "form_unknown", {"form": filled.form, "version": filled.version})]
        raise Problem("submission.invalid", 422, faults)
    verdict = intake.rules.catalog.validator(form.form, form.version)
    now = intake.clock.now()
    faults = _licence_faults(form, filled, now)
    if not verdict.is_valid(filled.answers):
        faults += verdict.explain(filled.answers)
    if faults:
        raise Problem("submission.invalid", 422, faults)
    scope = Scope(author.id, author.role, author.division, author.department)
    world = await intake.store.read(lambda session: look(session, scope, form, filled))
    return Arrival(author, form, filled, canonical(_content(value)), world, now)


def _licence_faults(form: Form, filled: Filled, now: datetime) -> list[FieldFault]:
    """Say that nobody had to fill this then; what happened while it was licensed may arrive later (phones queue)."""
    moments = [filled.occurred_at, now] if filled.clock_suspect(now) else [filled.occurred_at]
    # A phone whose clock is wrong must not cost its owner the work: today's licence will do then.
    if any(form.licensed_on(civil_day(moment)) for moment in moments):
        return []
    first, last = form.licence["valid"]
    params = {"number": form.licence["number"], "first": first, "last": last}
    return [FieldFault("/occurred_at", "form_not_licensed", params)]


def _content(value: dict[str, object]) -> dict[str, object]:
    """Return what makes two Submissions the same: all but the id they came under."""
    return {key: child for key, child in value.items() if key != "id"}


def _write_offers(session: Session, offers: Sequence[_Offer]) -> list[bool]:
    """Write the offers whose id is new, all in one go; answer for each whether it was."""
    first = {offer.submission_id: offer for offer in reversed(offers)}
    fresh = submissions.insert_new(session, [row for offer in first.values() for row in offer.bundle.submissions])
    passing("intake.row")
    everything = Bundle()
    for offer in offers:
        if offer.submission_id in fresh and first[offer.submission_id] is offer:
            everything.add(replace(offer.bundle, submissions=[]))
    queue_behind(session, everything.deliveries)
    submissions.insert_bundle(session, everything)
    passing("intake.fanout")
    return [offer.submission_id in fresh and first[offer.submission_id] is offer for offer in offers]


def queue_behind(session: Session, rows: Iterable[Row]) -> None:
    """Hold new Deliveries of ordered flows behind the last one of their order that has not ended (D9)."""
    ordered = [row for row in rows if row["order_key"] is not None and row["due_at"] is not None]
    if not ordered:
        return
    last = deliveries.last_in_order(session, sorted({row["order_key"] for row in ordered}))
    for row in ordered:
        before = last.get(row["order_key"])
        if before is not None:
            row.update(after_id=before, due_at=None)
        last[row["order_key"]] = row["id"]


async def settle_earlier(intake: Intake, arrival: Arrival) -> Accepted:
    """Answer a resend: the same receipt for the same content, 409 for other content, which is kept for review."""
    submission_id, body, mine = arrival.submission_id, arrival.body, digest(arrival.body)
    if arrival.world.earlier_digest == mine:
        return Accepted(submission_id, created=False)

    def judge(session: Session) -> bool:
        same = submissions.digests(session, [submission_id]).get(submission_id) == mine
        if not same:
            submissions.contest(session, submission_id, body, mine, arrival.received_at)
        passing("intake.compared")
        return same

    if not await intake.store.write(judge):
        raise Problem("submission.conflict", 409, [FieldFault("/id", "id_taken")])
    return Accepted(submission_id, created=False)


def same_form(filled: Filled, form: str) -> None:
    """Raise Problem when a correction comes on another form than what it corrects."""
    if filled.form != form:
        raise Problem("submission.invalid", 422, [FieldFault("/form", "form_differs", {"form": form})])
