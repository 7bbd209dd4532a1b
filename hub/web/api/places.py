"""Places by any code on their door; one out of reach is as unknown as one that does not exist."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
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
from hub.web.problems import documented
from hub.web.security import Filler
from hub.web.shapes import Reference, Text, View, Word

router = APIRouter(prefix="/places", tags=["places"])


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


@router.get("")
async def list_places(
    caller: Filler,
    hub: Hub,
    kind: Annotated[Word, Query()] = "",
    q: Annotated[Word, Query(description="a piece of the name or code")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[PlaceLine]:
    """List Places within reach."""
    wanted, today = PlaceSearch(kind, q, limit), civil_day(hub.clock.now())

    def look(session: Session) -> list[PlaceLine]:
        found = places.search(session, caller.scope, wanted)
        names = places.division_names(session, {place.division for place in found}, today)
        return [_line(place, names) for place in found]

    return await hub.store.read(look)


@router.get("/{code:path}", responses=documented(404))
async def show_place(code: Annotated[Reference, Path()], caller: Filler, hub: Hub) -> PlaceView:
    """Show the Place a code stands on: its id, the hub's own token or any System's old code, percent-encoded."""
    return await found_place(hub, caller.scope, code)


async def found_place(hub: Parts, scope: Scope, reference: str) -> PlaceView:
    """Return the Place within reach that a code means; raises Problem when there is none."""

    def look(session: Session) -> PlaceView | None:
        place = places.find(session, scope, [reference]).get(reference)
        return None if place is None else _view(session, hub, place)

    found = await hub.store.read(look)
    if found is None:
        raise Problem("not_found", 404)
    return found


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
