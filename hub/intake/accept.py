"""Accepts a Submission: read, judge, plan, then write everything it becomes in one flushed transaction (D1, D2)."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from hub.catalog.checks import When, check_answers, check_occurred
from hub.catalog.contents import Form
from hub.clock import Clock, civil_day
from hub.erasure.erase import gone
from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.intake.arrival import Arrival
from hub.intake.filled import Filled, read_filled
from hub.intake.order import queue_behind
from hub.intake.plan import Rules, plan_first
from hub.intake.route import Row
from hub.intake.skipped import look_again_at_new
from hub.intake.wire import canonical, digest, read_json
from hub.intake.world import Before, Known, Question, World, look, look_around
from hub.model.people import Account, Proof, Scope
from hub.model.place import Place
from hub.outbox.decide.settle import Claim
from hub.outbox.handover import Outbox, Seats, attempt_rows, lease_fresh
from hub.store import Session, Store, Taken
from hub.store.clock import instant
from hub.store.query import people, pull_rows, submissions
from hub.store.query.submissions import Bundle, Kept
from hub.store.trouble import RETRY_AFTER_SECONDS


@dataclass(frozen=True)
class Intake:
    """All that accepting needs."""

    store: Store
    clock: Clock
    rules: Rules
    outbox: Outbox
    """Gets what is committed: in memory where it has a free place, else by being rung."""


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


@dataclass(frozen=True, eq=False)
class _Offer:
    """A planned Submission as the writer gets it."""

    intake: Intake
    submission_id: str
    bundle: Bundle
    seats: Seats
    proof: Proof | None
    waits_at: Sequence[Known]
    """The Places of which too little was known for some flow, as they were read."""

    def hand_over(self, written: "asyncio.Future[_Written | None]") -> None:
        """Tell the outbox what came of it; runs even when the asker has gone."""
        seated = [row for row in self.bundle.deliveries if row["id"] in self.seats]
        done = None if written.cancelled() or written.exception() else written.result()
        self.intake.outbox.hand_over(seated, done.claims if done else ())
        if done is None:
            return
        waiting = {row["system"] for row in (*done.deliveries, *done.added) if row["due_at"] is not None}
        if waiting:
            self.intake.outbox.ring(waiting)


@dataclass(frozen=True)
class _Written:
    """What the database got: the Deliveries as they stand, and the claims of those already leased."""

    deliveries: list[Row]
    claims: list[Claim]
    added: list[Row] = field(default_factory=list)
    """Deliveries that took the place of Skips, since more became known of a Place; of the whole group."""


async def accept(intake: Intake, author: Account, raw: bytes, proof: Proof | None = None) -> Accepted:
    """Accept a body as it came; return once it and all it owes are on disk, or raise Problem and keep nothing.

    `proof` is what the author showed when they began to send it; it must hold still when it is written.
    """
    arrival = replace(await arrive(intake, author, raw), proof=proof)
    if arrival.world.earlier is not None:
        return await settle_earlier(intake, arrival)
    bundle = plan_first(arrival, intake.rules)
    passing("intake.begin")
    seats = intake.outbox.seat(bundle.deliveries)
    written = await _write(_Offer(intake, arrival.submission_id, bundle, seats, proof, _waits_at(arrival, bundle)))
    if written is None:
        return await settle_earlier(intake, arrival)
    passing("intake.committed")
    if written.added:  # its Skips are not what was planned, so it is read back
        return Accepted(arrival.submission_id, created=True)
    here = arrival.world.at(arrival.filled.place)
    made = Made(replace(bundle, deliveries=written.deliveries), here.place if here else None)
    return Accepted(arrival.submission_id, created=True, made=made)


def _waits_at(arrival: Arrival, bundle: Bundle) -> list[Known]:
    """Return the Places that Skips wait at, as they were read."""
    wanted = {row["waits_at"] for row in bundle.skips}
    return [known for known in arrival.world.places.values() if known.place.id in wanted]


async def _write(offer: _Offer) -> _Written | None:
    """Write an offer; None when its id is taken. Whoever asked may go away meanwhile: the outbox still hears of it."""
    writing = offer.intake.store.writer.write_item(_write_offers, offer)
    writing.add_done_callback(offer.hand_over)
    with while_photos_stay(offer.bundle.photos):
        return await asyncio.shield(writing)


@contextmanager
def while_photos_stay(named: Sequence[Row]) -> Iterator[None]:
    """Ask to come again when a photo was erased, with all else that named it, since it was looked for.

    Whoever sends it again uploads it again before.
    """
    try:
        yield
    except Taken as error:
        if not named:
            raise
        raise Problem("store.busy", 503, retry_after=RETRY_AFTER_SECONDS) from error


async def arrive(
    intake: Intake, author: Account, raw: bytes, shape: type[Filled] = Filled, before: Before | None = None
) -> Arrival:
    """Read and judge a body against its form and the world, and what it corrects; raises Problem naming every fault."""
    value = read_json(raw)
    filled = read_filled(value, shape)
    form = intake.rules.catalog.form(filled.form, filled.version)
    if form is None:
        faults = [FieldFault("/form", "form_unknown", {"form": filled.form, "version": filled.version})]
        raise Problem("submission.invalid", 422, faults)
    verdict = intake.rules.catalog.validator(form.form, form.version)
    now = intake.clock.now()
    faults = _time_faults(form, filled, now)
    if not verdict.is_valid(filled.answers):
        faults += verdict.explain(filled.answers)
    if faults:
        raise Problem("submission.invalid", 422, faults)
    question = _question(author, form, filled, before)
    world = await intake.store.look(look, question) if question.is_open else World({}, None)
    return Arrival(author, form, filled, canonical(_content(value)), world, now, before=before)


def _question(author: Account, form: Form, filled: Filled, before: Before | None) -> Question:
    return Question(Scope(author.id, author.role, author.division, author.department), form, filled, before)


def arrive_anew(session: Session, arrival: Arrival) -> Arrival:
    """Return what arrives in the world as it is now; raises Problem when a Place or photo has gone meanwhile.

    Whoever writes what it becomes has called `pull_rows.hold_codes` first, so that no reading changes it meanwhile.
    """
    question = _question(arrival.author, arrival.form, arrival.filled, arrival.before)
    (world,) = look_around(session, [question])
    if isinstance(world, Problem):
        raise world
    return replace(arrival, world=world)


def _time_faults(form: Form, filled: Filled, now: datetime) -> list[FieldFault]:
    """Say what does not fit in time; what happened while the form was licensed may arrive later (phones queue)."""
    when = When(filled.occurred_at, max(now, filled.reported_at))
    today = civil_day(now) if filled.clock_suspect(now) else None
    return check_occurred(form, when, today) + check_answers(form, filled.answers, when)


def _content(value: dict[str, object]) -> dict[str, object]:
    """Return what makes two Submissions the same: all but the id they came under, and why one was moved."""
    return {key: child for key, child in value.items() if key not in {"id", "why"}}


def _write_offers(session: Session, offers: Sequence[_Offer]) -> list[_Written | Problem | None]:
    """Write what is offered by those who may still; answer the others why not."""
    proofs = {offer.proof.digest: offer.proof for offer in offers if offer.proof}
    ended = dict(zip(proofs, people.no_longer(session, [*proofs.values()]), strict=True)) if proofs else {}
    refused = {offer: ended.get(offer.proof.digest) if offer.proof else None for offer in offers}
    standing = [offer for offer in offers if refused[offer] is None]
    written = dict(zip(standing, _write_new(session, standing), strict=True))
    return [refused[offer] or written[offer] for offer in offers]


def _write_new(session: Session, offers: Sequence[_Offer]) -> list[_Written | None]:
    """Write the offers whose id is new, all in one go; answer for each what was written, or None."""
    if any(offer.waits_at for offer in offers):
        pull_rows.hold_codes(session)
    first = {offer.submission_id: offer for offer in reversed(offers)}
    fresh = submissions.insert_new(session, [row for offer in first.values() for row in offer.bundle.submissions])
    passing("intake.row")
    kept = [offer for key, offer in reversed(first.items()) if key in fresh]
    # Copies: what fails here is tried once more, and must then be as it was planned.
    rows = {offer.submission_id: [{**row} for row in offer.bundle.deliveries] for offer in kept}
    everything = Bundle(deliveries=[row for owed in rows.values() for row in owed])
    for offer in kept:
        everything.add(replace(offer.bundle, submissions=[], deliveries=[]))
    queue_behind(session, everything.deliveries)
    claims = _lease(session, kept, everything)
    submissions.insert_bundle(session, everything)
    added = _look_again(session, kept)
    passing("intake.fanout")
    written = {
        key: _Written(owed, [claims[row["id"]] for row in owed if row["id"] in claims], added)
        for key, owed in rows.items()
    }
    return [written.get(offer.submission_id) if first[offer.submission_id] is offer else None for offer in offers]


def _look_again(session: Session, offers: Sequence[_Offer]) -> list[Row]:
    read = [known for offer in offers for known in offer.waits_at]
    if not read:
        return []
    intake, roots = offers[0].intake, {offer.submission_id for offer in offers}
    return look_again_at_new(intake.rules, session, roots, read, instant(session, intake.clock))


def _lease(session: Session, offers: Sequence[_Offer], bundle: Bundle) -> dict[str, Claim]:
    """Lease what has a seat, and open its attempts."""
    if not offers:
        return {}
    now = instant(session, offers[0].intake.clock)
    seats = {delivery_id: within for offer in offers for delivery_id, within in offer.seats.items()}
    claims = lease_fresh(session, bundle.deliveries, seats, now)
    bundle.attempts += attempt_rows(claims, now)
    return {claim.delivery_id: claim for claim in claims}


async def settle_earlier(intake: Intake, arrival: Arrival) -> Accepted:
    """Answer a resend: the same receipt for the same content, 409 for other content, which is kept for review.

    Of what was erased neither is known any more: 410 whatever comes, and nothing of it is kept (F31).
    """
    body, mine = arrival.body, digest(arrival.body)
    if arrival.world.earlier is not None and arrival.world.earlier.digest == mine:
        return Accepted(arrival.world.earlier.id, created=False)

    def judge(session: Session) -> Kept:
        if arrival.proof is not None:
            people.demand_standing(session, arrival.proof)
        there = submissions.kept(session, [arrival.client_id])[arrival.client_id]
        if there.digest != mine and there.erased_at is None:
            # From here on it is not erased until this is written; it may have been since it was read.
            submissions.hold(session, there.id)
            there = submissions.kept(session, [arrival.client_id])[arrival.client_id]
        if there.digest != mine and there.erased_at is None:
            submissions.contest(session, there.id, body, mine, arrival.received_at)
        passing("intake.compared")
        return there

    there = await intake.store.write(judge)
    if there.erased_at is not None:
        raise gone(there.erased_at)
    if there.digest != mine:
        raise Problem("submission.conflict", 409, [FieldFault("/id", "id_taken")], submission=there.id)
    return Accepted(there.id, created=False)


def same_form(filled: Filled, form: str) -> None:
    """Raise Problem when a correction comes on another form than what it corrects."""
    if filled.form != form:
        raise Problem("submission.invalid", 422, [FieldFault("/form", "form_differs", {"form": form})])
