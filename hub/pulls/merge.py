"""Merges rows that changed into Places, codes and known values, many in one transaction, few statements for all.

Called again with the same rows it changes nothing: readers give rows twice rather than not at all.
"""

from base64 import urlsafe_b64encode
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from os import register_at_fork, urandom

from hub.model.column import new_id
from hub.model.natural_order import order_key
from hub.pulls.keep import keep_values
from hub.pulls.match import load_siblings, place_of, shared_with
from hub.pulls.move import TakenCode, end_rows, follow, merge_again, move_row, release_code, take_code, take_key
from hub.pulls.read import Fault, ReadRow, ToldCode
from hub.pulls.work import CodeKey, MergeUnitOfWork, PullProvenance, claims
from hub.store import Session
from hub.store.query import pull_rows
from hub.store.query.pull_rows import Code, NewPlace, PlaceData, Row
from hub.systems.system import ANY_ISSUER
from hub.text import comparable, comparable_name

TOKEN_BYTES = 12
TOKEN_LETTERS = TOKEN_BYTES * 4 // 3
TOKENS_DRAWN = 256
_tokens: list[str] = []
register_at_fork(after_in_child=_tokens.clear)
NOWHERE = ""
"""Division of a Place no System has located yet: in nobody's reach, since it may be anybody's home."""


@dataclass(frozen=True, slots=True)
class Tangle:
    """A row whose codes lead to different Places; it is left where it was."""

    key: str
    place_ids: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    """The kind of Place its codes lead to, where it is not the kind its rows are about."""


@dataclass
class Merged:
    """What some rows came to."""

    rows: int = 0
    changed: int = 0
    """Rows that were new or said something else than before."""
    faults: list[tuple[str, str | None, Fault]] = field(default_factory=list)
    """Key, Place (None if the row tangles), and what is not understood."""
    tangles: list[Tangle] = field(default_factory=list)
    taken: list[TakenCode] = field(default_factory=list)
    described: list[PlaceData] = field(default_factory=list)
    """Places that are new or named or located otherwise now."""
    settled: list[str] = field(default_factory=list)
    """Keys of the rows that stand on a Place."""
    places: frozenset[str] = frozenset()
    """Places that were there before, and of which more, less or something else is known now."""


def merge_rows(
    session: Session, rows: Sequence[ReadRow], told: PullProvenance, known: Container[str] | None = None
) -> Merged:
    """Store rows; one whose codes belong to different Places is left where it was and named, never guessed.

    `known` are the keys of those that may be there already; None is all of them.
    """
    pull_rows.take_turn(session)
    work, merged = MergeUnitOfWork(session, told), Merged()
    keys = [row.identity.row_key for row in rows if known is None or row.identity.row_key in known]
    codes = {(code.issuer, code.key) for row in rows for code in row.codes}
    codes.update((told.flow.system, row.identity.row_key) for row in rows)
    work.load(keys, codes)
    _look_around(work, [row for row in rows if not _is_unheard_of(work, row)])
    for row in rows:
        if _is_unheard_of(work, row):
            _merge_new(work, row, merged)
        else:
            _merge(work, row, merged)
    merged.places = work.changed_places()
    work.write()
    return merged


def _is_unheard_of(work: MergeUnitOfWork, row: ReadRow) -> bool:
    """Say whether neither the row nor any of its codes is known: of a first reading nearly all."""
    flow, key = work.told.flow, row.identity.row_key
    return (
        (flow.system, flow.name, key) not in work.rows
        and (flow.system, key) not in work.codes
        and not any((code.issuer, code.key) in work.codes for code in row.codes)
    )


def _merge_new(work: MergeUnitOfWork, row: ReadRow, merged: Merged) -> None:
    """Make the Place of a row nobody has heard of, as `_merge` would."""
    place, identity = _new_place(work), row.identity
    place.division, place.name = row.division or NOWHERE, row.name or ""
    place.name_key, place.order_key = comparable_name(place.name), order_key(place.name)
    place.location = dict(row.location) if row.location else None
    if row.name or row.division:
        merged.described.append(place)
    told = work.told
    system, pull, since = told.flow.system, told.flow.name, told.as_of
    _new_row(work, row, place.id, list(dict.fromkeys(row.codes)))
    work.add_code(Code(
        identity.row_key, system, identity.key, place.id, True, system, pull, identity.row_key, since
    ))  # fmt: skip
    for issuer, code, key in row.codes:
        if (issuer, key) not in work.codes:
            work.add_code(Code(key, issuer, code, place.id, False, system, pull, identity.row_key, since))
    merged.changed += 1
    _count(row, place.id, merged)


def _count(row: ReadRow, place_id: str, merged: Merged) -> None:
    merged.rows += 1
    merged.settled.append(row.identity.key)
    _note_faults(row, place_id, merged)


def _note_faults(row: ReadRow, place_id: str | None, merged: Merged) -> None:
    if row.faults:
        merged.faults += ((row.identity.key, place_id, fault) for fault in row.faults)


def _codes_of(row: ReadRow, own: str) -> list[CodeKey]:
    return [(own, row.identity.row_key), *((code.issuer, code.key) for code in row.codes)]


def _look_around(work: MergeUnitOfWork, rows: Sequence[ReadRow]) -> None:
    """Read the Places that rows stand on or name, and all that stands on those a row may leave."""
    flow, leaving, places = work.told.flow, set(), set()
    for row in rows:
        known = work.rows.get((flow.system, flow.name, row.identity.row_key))
        named = [work.codes[key].place_id for key in _codes_of(row, flow.system) if key in work.codes]
        places.update(named)
        if len({*named}) > 1:
            leaving.update(named)
        if known is not None:
            places.add(known.place_id)
            if claims(known) != {*_codes_of(row, flow.system)} or {*named} != {known.place_id}:
                leaving.add(known.place_id)
                work.load_codes(claims(known))
    load_siblings(work, rows)
    work.load_contents(leaving)
    work.load_places(places)


def _merge(work: MergeUnitOfWork, row: ReadRow, merged: Merged) -> None:
    flow = work.told.flow
    known = work.rows.get((flow.system, flow.name, row.identity.row_key))
    codes = _codes_now(work, row, known)
    where = place_of(work, row, known, codes)
    place = _place(work, where.place_id)
    if where.tangled or (place is not None and place.kind != flow.into):
        kinds = (place.kind,) if place else ()
        merged.tangles.append(Tangle(row.identity.key, tuple(sorted(where.tangled)), kinds))
        _note_faults(row, None, merged)
        if known is not None:
            merge_again(work, known)  # so that its item can end when it says again what it said before
        return
    place = place or _new_place(work)
    is_changed = _describe(work, place, row, merged)
    merged.taken += shared_with(work, row, place.id, codes)
    if known is None:
        known = _new_row(work, row, place.id, codes)
        is_changed = True
    else:
        is_changed = keep_values(work, known, row) or is_changed
    is_changed = _put_row(work, known, (row.identity.key, place.id, codes), merged) or is_changed
    merged.changed += is_changed
    _count(row, place.id, merged)


def _codes_now(work: MergeUnitOfWork, row: ReadRow, known: Row | None) -> list[ToldCode]:
    """Return the codes the row gives its Place now: those it tells, and earlier ones it says nothing about."""
    if known is None:
        return list(dict.fromkeys(row.codes))
    named = work.told.flow.issuers
    kept = [
        ToldCode(issuer, code, comparable(code))
        for issuer, code in known.codes
        if (issuer if issuer in named else ANY_ISSUER) not in row.told
    ]
    return list(dict.fromkeys((*row.codes, *kept)))


def _place(work: MergeUnitOfWork, place_id: str | None) -> PlaceData | None:
    if place_id is None:
        return None
    work.load_places([place_id])
    return work.places[place_id]


def _new_place(work: MergeUnitOfWork) -> NewPlace:
    place = NewPlace(
        new_id(), work.told.flow.into, "", "", "", NOWHERE, None, token=new_token(), created_at=work.told.now
    )
    work.add_place(place)
    return place


def new_token() -> str:
    """Return what a code sheet of ours says; many are drawn at once, since each draw lets go of the interpreter."""
    if not _tokens:
        drawn = urlsafe_b64encode(urandom(TOKEN_BYTES * TOKENS_DRAWN)).decode()
        _tokens.extend(drawn[place : place + TOKEN_LETTERS] for place in range(0, len(drawn), TOKEN_LETTERS))
    return _tokens.pop()


def _new_row(work: MergeUnitOfWork, row: ReadRow, place_id: str, codes: list[ToldCode]) -> Row:
    told = work.told
    known = Row(
        told.flow.system, told.flow.name, row.identity.row_key, place_id, row.identity.digest,
        [[code.issuer, code.code] for code in codes], row.values, {}, told.as_of, told.as_of, told.pull_id,
    )  # fmt: skip
    work.add_row(known)
    return known


def _describe(work: MergeUnitOfWork, place: PlaceData, row: ReadRow, merged: Merged) -> bool:
    """Let a System whose wiring says where a Place is and what it is called change that; say whether it did."""
    before = (place.division, place.name, place.location)
    place.division = row.division or place.division
    if row.name is not None and row.name != place.name:
        place.name = row.name
        place.name_key, place.order_key = comparable_name(row.name), order_key(row.name)
    if row.location is not None:
        place.location = dict(row.location)
    if place.ended_at is not None:
        place.ended_at = None
        work.touch(place)
    if before == (place.division, place.name, place.location):
        return False
    work.touch(place)
    merged.described.append(place)
    return True


def _put_row(work: MergeUnitOfWork, known: Row, at: tuple[str, str, list[ToldCode]], merged: Merged) -> bool:
    """Put the row and its codes on the Place; say whether anything of that is new."""
    key, place_id, codes = at
    before, told = claims(known), [[code.issuer, code.code] for code in codes]
    is_new = known.place_id != place_id or told != known.codes
    if told != known.codes:
        known.codes = told
        work.touch(known)
        # Before it moves: codes it no longer gives stay with the other rows that give them.
        for gone in sorted(before - claims(known)):
            release_code(work, known, gone)
    if known.place_id != place_id:
        move_row(work, known, place_id)
    is_new = take_key(work, known, key) or is_new
    for code in codes:
        is_new = take_code(work, known, code.issuer, code.code) or is_new
    merged.taken += follow(work, (known.system, known.pull))
    return is_new


def end(session: Session, keys: Sequence[str], told: PullProvenance) -> int:
    """End rows the System no longer has, by their keys as compared; return how many were there."""
    pull_rows.take_turn(session)
    work = MergeUnitOfWork(session, told)
    work.load(keys, ())
    ended = end_rows(work, keys)
    work.write()
    return ended
