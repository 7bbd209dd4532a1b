"""What a person decides about Places: two are one, one is two, a code stands here. Later pulls follow.

Each is one transaction with its journal entry. What a person placed carries their id (`decided_by`): no pull moves it.
"""

from collections.abc import Collection
from datetime import datetime

from hub.errors import FieldFault, Problem
from hub.model.column import new_id
from hub.model.known import Fate
from hub.model.open_item import ItemState, OpenItem
from hub.pulls.merge import new_token
from hub.pulls.move import follow, move_row
from hub.pulls.where import RowId, row_id
from hub.pulls.work import PlaceContents, Provenance, UnitOfWork
from hub.store import Session
from hub.store.query import open_items, pull_rows
from hub.store.query.journal import add_entries, entry
from hub.store.query.open_items import Decision
from hub.store.query.pull_rows import NewPlace, PlaceData
from hub.text import comparable


def _provenance(decision: Decision, moves: Fate) -> Provenance:
    return Provenance(decision.at, decision.at, account_id=decision.account_id, moves=moves)


def link(session: Session, place_id: str, into_id: str, decision: Decision) -> frozenset[str]:
    """Let everything of one Place stand on another, which both are from now on; return the Places concerned.

    What was filed at either stays where it was filed. Raises Problem for Places that cannot be one.
    """
    pull_rows.take_turn(session)
    work = UnitOfWork(session, _provenance(decision, Fate.LINKED))
    left, into = _places(work, place_id, into_id)
    if left.kind != into.kind:
        raise Problem("place.other_kind", 409)
    _pin(work.contents(into.id), work, decision)
    contents = work.contents(left.id)
    _pin(contents, work, decision)
    for row in contents.rows:
        move_row(work, row, into.id)
    for code in work.contents(left.id).codes:
        work.remember_code(code, Fate.LINKED, into.id)
        work.put(code, into.id)
    left.linked_to = into.id
    work.touch(left)
    work.revive(into.id)
    return _settle(session, work, decision, ("place.linked", left.id), {left.id, into.id})


def part(
    session: Session, place_id: str, rows: Collection[RowId], into_id: str | None, decision: Decision
) -> tuple[str, frozenset[str]]:
    """Let some rows that stand on a Place, with the codes they tell, stand on another one, a new one if none is given.

    Return that Place, and the Places concerned. Raises Problem unless rows stay and rows go.
    """
    pull_rows.take_turn(session)
    work = UnitOfWork(session, _provenance(decision, Fate.PARTED))
    (place, *others) = _places(work, place_id, *([into_id] if into_id else []))
    contents = work.contents(place.id)
    going = [row for row in contents.rows if row_id(row) in rows]
    if len(going) < len(rows):
        raise Problem("request.invalid", 422, [FieldFault("/rows", "row_elsewhere")])
    if len(going) == len(contents.rows):
        raise Problem("request.invalid", 422, [FieldFault("/rows", "all_rows")])
    into = others[0] if others else _new_like(work, place, decision.at)
    if into.kind != place.kind:
        raise Problem("place.other_kind", 409)
    _pin(contents, work, decision)
    for row in going:
        move_row(work, row, into.id)
    work.revive(into.id)
    return into.id, _settle(session, work, decision, ("place.parted", place.id), {place.id, into.id})


def place_code(session: Session, place_id: str, code: tuple[str, str], decision: Decision) -> frozenset[str]:
    """Let a code, told as (issuer, code), stand on a Place; return the Places concerned.

    Raises Problem for one nobody has told of, or that belongs to another kind of Place.
    """
    pull_rows.take_turn(session)
    work = UnitOfWork(session, _provenance(decision, Fate.MOVED))
    (place,) = _places(work, place_id)
    key = (code[0], comparable(code[1]))
    work.load_codes([key])
    known = work.codes.get(key)
    if known is None:
        raise Problem("request.invalid", 422, [FieldFault("/code", "code_unknown")])
    before = known.place_id
    work.load_places([before])
    if work.places[before].kind != place.kind:
        raise Problem("place.other_kind", 409)
    work.revive(place.id)
    if before != place.id or known.ended_at is not None:
        work.remember_code(known, Fate.MOVED, place.id)
        known.since, known.ended_at = decision.at, None
        work.put(known, place.id)
    known.decided_by = decision.account_id
    work.touch(known)
    follow(work)
    for row in work.contents(place.id).rows + work.contents(before).rows:
        row.digest = ""  # what its codes lead to may be another Place now
        work.touch(row)
    return _settle(session, work, decision, ("place.code_placed", place.id), {place.id, before})


def _places(work: UnitOfWork, *place_ids: str) -> list[PlaceData]:
    """Return Places that still stand for themselves; raises Problem for one that does not, or named twice."""
    work.load_places(place_ids)
    found = [work.places.get(each) for each in place_ids]
    if any(place is None for place in found):
        raise Problem("not_found", 404)
    places = [place for place in found if place is not None]
    if any(place.linked_to is not None for place in places):
        raise Problem("place.linked", 409)
    if len({place.id for place in places}) < len(places):
        raise Problem("request.invalid", 422, [FieldFault("/into", "same_place")])
    return places


def _pin(contents: PlaceContents, work: UnitOfWork, decision: Decision) -> None:
    """Let no code move these rows again; they are described anew when they are read the next time."""
    for row in contents.rows:
        row.decided_by, row.digest = decision.account_id, ""
        work.touch(row)


def _new_like(work: UnitOfWork, place: PlaceData, now: datetime) -> NewPlace:
    """Make a Place that is called and lies as the one it is parted from, until a row says otherwise."""
    made = NewPlace(
        new_id(), place.kind, place.name, place.name_key, place.order_key, place.division, place.location,
        token=new_token(), created_at=now,
    )  # fmt: skip
    work.add_place(made)
    return made


def _settle(
    session: Session, work: UnitOfWork, decision: Decision, deed: tuple[str, str], concerned: set[str]
) -> frozenset[str]:
    """Write it, with what it solves and the journal entry."""
    work.write()
    action, subject = deed
    open_items.decided(session, concerned, decision, are_parted=action == "place.parted")
    add_entries(session, [entry(decision.at, decision.account_id, action, subject, decision.why)])
    return frozenset(concerned)


def end_item(session: Session, item: OpenItem, state: ItemState, decision: Decision) -> None:
    """End an open item with a reason, as solved or dismissed; raises Problem if it has ended."""
    if not open_items.end(session, item, state, decision):
        raise Problem("open_item.ended", 409)
    add_entries(session, [entry(decision.at, decision.account_id, f"open_item.{state}", item.id, decision.why)])
