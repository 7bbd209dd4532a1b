"""Merges one page of rows into Places, aliases and Snapshots, in the transaction that moves the cursor."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.model.natural_order import order_key
from hub.model.place import Alias, Place
from hub.store import Session
from hub.store.query import places
from hub.systems import PulledRow, PullFlow
from hub.text import comparable_name

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
    places.take_turn(session)
    known = places.known_as(session, (pair for row in rows for pair in _codes(row, told.flow.system)))
    merged = Merged()
    values: list[Mapping[str, Any]] = []
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
        values += _snapshots(place, row, told)
        merged.rows += 1
    session.flush()
    places.upsert_snapshots(session, values)
    return merged


def _codes(row: PulledRow, system: str) -> list[tuple[str, str]]:
    return [(system, row.code), *row.aliases]


def _described(session: Session, place: Place | None, row: PulledRow, told: Told) -> Place:
    """Return the row's Place, made if new; a System whose wiring says where and what it is called may change that."""
    if place is None:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        place = Place(kind=told.flow.into, division=NOWHERE, token=token, created_at=told.now)
    place.division = row.division or place.division
    place.name = row.name or place.name
    place.name_key, place.order_key = comparable_name(place.name), order_key(place.name)
    if row.location is not None and place.location is None:
        place.location = dict(row.location)
    session.add(place)
    session.flush()
    return place


def _name_codes(
    session: Session, place: Place, row: PulledRow, told: Told, known: dict[tuple[str, str], Alias]
) -> None:
    """Keep every code of the row as an alias of its Place; the System's own one is what it wants to hear."""
    for issuer, code in _codes(row, told.flow.system):
        is_key = (issuer, code) == (told.flow.system, row.code)
        alias = known.get((issuer, code))
        if alias is None:
            alias = Alias(issuer=issuer, code=code, place_id=place.id, told_by=told.flow.system, as_of=told.as_of)
            known[issuer, code] = alias
        alias.is_key = alias.is_key or is_key
        alias.as_of = max(alias.as_of, told.as_of)
        session.add(alias)


def _snapshots(place: Place, row: PulledRow, told: Told) -> list[Mapping[str, Any]]:
    return [
        {
            "place_id": place.id,
            "element": element,
            "system": told.flow.system,
            "value": value,
            "as_of": told.as_of,
            "pull_id": told.pull_id,
        }
        for element, value in row.values.items()
    ]
