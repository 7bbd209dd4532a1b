"""Merges one page of rows into Places, aliases and Snapshots, in the transaction that moves the cursor."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.model.known import PullRow
from hub.model.place import Alias, Place
from hub.store import Session
from hub.store.query.pull_rows import known_as, take_turn
from hub.systems import PulledRow, PullFlow
from hub.text import comparable, comparable_name, kept

TOKEN_BYTES = 12
NOWHERE = ""
"""Division of a Place no System has located yet: in nobody's reach, since it may be anybody's home."""


@dataclass(frozen=True)
class Told:
    """Who said it, when, and in which run."""

    flow: PullFlow
    as_of: datetime
    pull_id: str
    now: datetime


@dataclass
class Merged:
    """What a page came to."""

    rows: int = 0
    left_out: list[str] = field(default_factory=list)


def merge_page(session: Session, rows: Sequence[PulledRow], told: Told) -> Merged:
    """Store a page; rows whose codes belong to two different Places are left out and named, never guessed."""
    take_turn(session)
    known = known_as(session, (pair for row in rows for pair in _codes(row, told.flow.system)))
    merged = Merged()
    for row in rows:
        found = {known[pair].place_id for pair in _codes(row, told.flow.system) if pair in known}
        if len(found) > 1:
            merged.left_out.append(f"{row.code}: its codes belong to {len(found)} different places")
            continue
        place = session.get(Place, found.pop()) if found else None
        if place is not None and place.kind != told.flow.into:
            merged.left_out.append(f"{row.code}: its codes belong to a {place.kind}")
            continue
        place = _described(session, place, row, told)
        _name_codes(session, place, row, told, known)
        _keep(session, place, row, told)
        merged.rows += 1
    session.flush()
    return merged


def _codes(row: PulledRow, system: str) -> list[tuple[str, str]]:
    return [(issuer, comparable(code)) for issuer, code in _spelled(row, system)]


def _spelled(row: PulledRow, system: str) -> list[tuple[str, str]]:
    return [(system, kept(row.code)), *((issuer, kept(code)) for issuer, code in row.aliases)]


def _described(session: Session, place: Place | None, row: PulledRow, told: Told) -> Place:
    """Return the row's Place, made if new; a System whose wiring says where and what it is called may change that."""
    if place is None:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        place = Place(kind=told.flow.into, division=NOWHERE, token=token, created_at=told.now)
    place.division = row.division or place.division
    place.name = row.name or place.name
    place.name_key = comparable_name(place.name)
    if row.location is not None and place.location is None:
        place.location = dict(row.location)
    session.add(place)
    session.flush()
    return place


def _name_codes(
    session: Session, place: Place, row: PulledRow, told: Told, known: dict[tuple[str, str], Alias]
) -> None:
    """Keep every code of the row as an alias of its Place; the System's own one is what it wants to hear."""
    for issuer, code in _spelled(row, told.flow.system):
        key = (issuer, comparable(code))
        is_key = key == (told.flow.system, comparable(row.code))
        alias = known.get(key)
        if alias is None:
            alias = Alias(issuer=issuer, code=code, code_key=key[1], place_id=place.id, told_by=told.flow.system,
                          pull=told.flow.name, row_key=comparable(row.code), since=told.as_of)  # fmt: skip
            known[key] = alias
        alias.is_key = alias.is_key or is_key
        session.add(alias)


def _keep(session: Session, place: Place, row: PulledRow, told: Told) -> None:
    key = (told.flow.system, told.flow.name, comparable(row.code))
    there = session.get(PullRow, key)
    known = {**(there.known if there else {}), **row.values}
    session.merge(PullRow(
        system=key[0], pull=key[1], row_key=key[2], place_id=place.id, known=known, changed={},
        codes=[list(pair) for pair in _spelled(row, told.flow.system)[1:]], since=told.as_of, as_of=told.as_of,
        pull_id=told.pull_id,
    ))  # fmt: skip
