"""Moves: what was filed at the wrong Place is taken back there and filed at another one, in one transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.intake.accept import Accepted, Intake, arrive, arrive_anew, same_form, settle_earlier, while_photos_stay
from hub.intake.arrival import Arrival
from hub.intake.filled import Moving, Seen
from hub.intake.plan import photo_rows, plan_first
from hub.intake.revise import demand_standing, own_latest
from hub.intake.withdraw import Withdrawal, write_withdrawal
from hub.intake.world import answers_at
from hub.model.people import Account, Proof
from hub.model.submission import Submission
from hub.store import Session
from hub.store.query import people, places, pull_rows, submissions


async def move(intake: Intake, author: Account, earlier_id: str, raw: bytes, proof: Proof | None = None) -> Accepted:
    """Take back the author's own Submission and file this one at another Place; raises Problem and keeps nothing."""
    arrival = await arrive(intake, author, raw, Moving)

    def write(session: Session) -> set[str] | None:
        if proof is not None:
            people.demand_standing(session, proof)
        pull_rows.hold_codes(session)
        latest = own_latest(session, author, earlier_id)
        if submissions.kept(session, [arrival.client_id]):
            return None
        demand_standing(latest)
        current = arrive_anew(session, arrival)
        _demand_elsewhere(session, current, latest)
        rung = _write_move(session, intake, current, latest)
        passing("move.written")
        return rung

    with while_photos_stay(photo_rows(arrival)):
        rung = None if arrival.world.earlier else await intake.store.write(write)
    if rung is None:
        return await _settle_move(intake, arrival, earlier_id)
    passing("move.committed")
    intake.outbox.ring(rung)
    return Accepted(arrival.submission_id, created=True)


def _write_move(session: Session, intake: Intake, arrival: Arrival, latest: Submission) -> set[str] | None:
    """Write both; None when somebody has filed something under this id at this very moment."""
    filed = plan_first(_without_own_tracks(session, arrival, latest), intake.rules)
    rows = [row | {"moved_from": latest.root_id} for row in filed.submissions]
    if not submissions.insert_new(session, rows):
        return None
    why = arrival.filled.why if isinstance(arrival.filled, Moving) else ""
    withdrawal = Withdrawal(arrival.author.id, why, arrival.received_at, arrival.submission_id)
    return write_withdrawal(session, latest, withdrawal, intake.rules.registry, replace(filed, submissions=[]))


def _without_own_tracks(session: Session, arrival: Arrival, latest: Submission) -> Arrival:
    """Return what arrives, compared with the tracks that stay: those of what is taken back are repeated by nobody."""
    if not arrival.world.tracks:
        return arrival
    own = submissions.latest_records(session, latest.root_id)
    stay = {
        digest: [one for one in equal if one.record_key not in own] for digest, equal in arrival.world.tracks.items()
    }
    return replace(arrival, world=replace(arrival.world, tracks=stay))


async def _settle_move(intake: Intake, arrival: Arrival, earlier_id: str) -> Accepted:
    """Answer a resend: the same receipt for the same move; what was filed under this id in another way is not moved."""
    accepted = await settle_earlier(intake, arrival)

    def is_moved(session: Session) -> bool:
        filed, earlier = session.get_one(Submission, accepted.submission_id), session.get(Submission, earlier_id)
        return earlier is not None and filed.moved_from == earlier.root_id

    if not await intake.store.read(is_moved):
        raise Problem("submission.conflict", 409, [FieldFault("/id", "id_taken")])
    return accepted


def _demand_elsewhere(session: Session, arrival: Arrival, latest: Submission) -> None:
    """Raise Problem unless this is the same form at another Place, without what was known of the first one."""
    same_form(arrival.filled, latest.form)
    here = arrival.world.at(arrival.filled.place)
    if (here.place.id if here else None) == places.current_id(session, latest.place_id):
        raise Problem("submission.invalid", 422, [FieldFault("/place", "place_same")])
    told = places.discrepancies(session, [latest.root_id])[latest.root_id]
    disputed = {(one.element, one.system) for one in told}
    if faults := list(_carried_over(arrival, orjson.loads(latest.body), disputed)):
        raise Problem("submission.invalid", 422, faults)


def _carried_over(arrival: Arrival, before: Mapping[str, Any], disputed: set[tuple[str, str]]) -> Iterator[FieldFault]:
    """Yield a fault for each answer that is only what a System said of the first Place.

    That it was shown then is not enough: Systems tell of many Places at one moment, and an answer the author gave
    against what was shown is the author's own.
    """
    here, old = arrival.world.at(arrival.filled.place), before.get("seen", {})
    for path, seen in arrival.filled.seen.items():
        first = Seen.model_validate(old[path]) if path in old else None
        if first is None or (first.system, first.as_of) != (seen.system, seen.as_of):
            continue
        element = arrival.form.elements.get(path, "")
        told = here.snapshot(element, seen.system) if here else None
        is_own = (element, seen.system) in disputed
        if told is None or told.as_of != seen.as_of or not (is_own or _differs(arrival, before, path, told.value)):
            yield FieldFault(f"/answers{path}", "value_elsewhere")


def _differs(arrival: Arrival, before: Mapping[str, Any], path: str, told: object) -> bool:
    """Say whether a question has another answer than at the first Place, or the one that is known of this Place."""
    answered = (arrival.filled.answers, before["answers"])
    ours, theirs = (next((value for _, value in answers_at(answers, path)), None) for answers in answered)
    return ours is None or ours != theirs or ours == told
