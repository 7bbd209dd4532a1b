"""Places by any code on their door; one out of reach is as unknown as one that does not exist."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from hub.clock import civil_day
from hub.errors import Problem
from hub.model import Alias, Place
from hub.model.people import Scope
from hub.store import Session
from hub.store.query import places
from hub.store.query.places import PlaceSearch
from hub.systems import Registry
from hub.web.context import Hub, Parts
from hub.web.paging import PAGED, say_more
from hub.web.problems import documented
from hub.web.security import Filler
from hub.web.shapes import Reference, Text, View, Word

router = APIRouter(prefix="/places", tags=["places"])
MOST_TOLD = 5
"""Places that share a code and are named."""


class DivisionView(View):
    """An administrative division."""

    code: str = Field(examples=["330783005004"])
    name: str


class PlaceLine(View):
    """A Place in a list."""

    id: str
    kind: str = Field(examples=["household"])
    name: str
    division: DivisionView


class AliasView(View):
    """A code by which somebody knows the Place."""

    issuer: str
    title: Text | None
    """What people call the issuer, where it is a System of this hub."""
    code: str


class FormMark(View):
    """A form that can be filled here today."""

    form: str
    version: int
    title: Text


class PlaceView(PlaceLine):
    """A Place with every code it is known by and what can be filled here."""

    aliases: list[AliasView]
    forms: list[FormMark]


def searched(
    kind: Annotated[Word, Query()] = "",
    q: Annotated[Word, Query(description="a piece of the name or code; case, width and blanks do not matter")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Word, Query(description="id of the last one of the page before")] = "",
) -> PlaceSearch:
    """Return what is asked for."""
    return PlaceSearch(kind, q, limit, after)


@router.get("", responses=PAGED)
async def list_places(
    wanted: Annotated[PlaceSearch, Depends(searched)], caller: Filler, hub: Hub, request: Request, response: Response
) -> list[PlaceLine]:
    """List Places within reach by division, and there in the order people count: 段1, 段2, 段10."""
    today = civil_day(hub.clock.now())

    def look(session: Session) -> tuple[list[PlaceLine], int]:
        found = places.search(session, caller.scope, wanted)
        names = places.division_names(session, {place.division for place in found}, today)
        return [_line(place, names) for place in found], places.count(session, caller.scope, wanted)

    lines, total = await hub.store.read(look)
    say_more(request, response, total, lines[-1].id if len(lines) == wanted.limit else "")
    return lines


@router.get("/{code:path}", responses=documented(404, 409))
async def show_place(code: Annotated[Reference, Path()], caller: Filler, hub: Hub) -> PlaceView:
    """Show the Place a code stands on: its id, the hub's own token or any System's old code, percent-encoded."""
    return await found_place(hub, caller.scope, code)


async def found_place(hub: Parts, scope: Scope, reference: str) -> PlaceView:
    """Return the Place within reach that a code means; raises Problem when there is none."""

    def look(session: Session) -> PlaceView:
        named = places.named(session, [reference])
        place = named.find(scope, reference)
        if place is None:
            raise _unfound(session, hub, named.coded(scope, reference))
        return _view(session, hub, place)

    return await hub.store.read(look)


def _unfound(session: Session, hub: Parts, coded: Sequence[Place]) -> Problem:
    """Return why a reference opens nothing: nobody within reach has it, or several have."""
    if not coded:
        return Problem("not_found", 404)
    names = places.division_names(session, {place.division for place in coded}, civil_day(hub.clock.now()))
    told = sorted(f"{names.get(place.division, place.division)} {place.name}" for place in coded)
    return Problem("place.ambiguous", 409, count=len(told), places="、".join(told[:MOST_TOLD]))


def _view(session: Session, hub: Parts, place: Place) -> PlaceView:
    today = civil_day(hub.clock.now())
    names = places.division_names(session, [place.division], today)
    aliases = places.aliases(session, [place.id])[place.id]
    forms = [form for form in hub.catalog.offered_forms(today) if form.at == place.kind]
    return PlaceView(
        **dict(_line(place, names)),
        aliases=[_alias(alias, hub.registry) for alias in aliases],
        forms=[FormMark(form=form.form, version=form.version, title=Text(**form.title)) for form in forms],
    )


def _alias(alias: Alias, registry: Registry) -> AliasView:
    system = registry.systems.get(alias.issuer)
    return AliasView(issuer=alias.issuer, title=Text(**system.title) if system else None, code=alias.code)


def _line(place: Place, names: dict[str, str]) -> PlaceLine:
    division = DivisionView(code=place.division, name=names.get(place.division, place.division))
    return PlaceLine(id=place.id, kind=place.kind, name=place.name, division=division)
