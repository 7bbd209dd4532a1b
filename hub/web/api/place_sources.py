"""What stands on a Place, who says so, and what was told before; a person links Places, parts them, places a code."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from hub.errors import Problem
from hub.model.known import Fate, PlaceHistory, PullRow
from hub.model.odd import Odd, known
from hub.model.people import Role, Scope
from hub.model.place import Alias
from hub.pulls import decide
from hub.store import Session
from hub.store.query import people, place_sources
from hub.store.query.open_items import Decision
from hub.store.query.places import is_reachable
from hub.text import comparable
from hub.web.api.systems import reaches_all
from hub.web.context import Hub, Parts
from hub.web.problems import documented
from hub.web.security import Caller, Keeper, demand_json
from hub.web.shapes import PLAIN, Asked, Reason, Uuid, View, Why, Word

router = APIRouter(prefix="/places", tags=["places"])
JSON = [Depends(demand_json)]
PlaceId = Annotated[Uuid, Path()]
Key = Annotated[str, Field(max_length=200, pattern=PLAIN)]


class RowView(View):
    """A row of a System that is about the Place."""

    system: str
    pull: str
    key: str
    since: datetime
    as_of: datetime
    decided_by: str | None = Field(description="the person who said that it is about this Place; null: its codes do")


class CodeView(View):
    """A code that stands on the Place."""

    issuer: str
    code: str
    is_key: bool = Field(description="the System's own id, which it wants to hear")
    told_by: str
    since: datetime
    decided_by: str | None


class EarlierView(View):
    """Something that was told of the Place and no longer holds; of values only which, not what."""

    at: datetime
    system: str
    element: str
    issuer: str
    code: str
    since: datetime
    fate: Fate | Odd
    moved_to: str | None
    by: str | None


class SourcesView(View):
    """What stands on a Place, and what did."""

    id: str
    name: str
    linked_to: str | None = Field(description="the Place this one turned out to be")
    ended_at: datetime | None
    rows: list[RowView]
    codes: list[CodeView]
    earlier: list[EarlierView] = Field(description="the newest first, a hundred at most")


class Link(Reason):
    """That two Places are one."""

    into: Uuid


class RowName(Asked):
    """Which row of which pull."""

    system: Word
    pull: Word
    key: Key


class Part(Reason):
    """Which rows are about another Place."""

    rows: list[RowName] = Field(min_length=1, max_length=100)
    into: Uuid | None = Field(default=None, description="the other Place; a new one if it is not given")


class Placed(Asked):
    """A code that stands on the Place."""

    issuer: Word
    code: Key
    why: Why


@router.get("/{place_id}/sources", responses=documented(404))
async def show_sources(place_id: PlaceId, caller: Keeper, hub: Hub) -> SourcesView:
    """Show which rows and codes stand on a Place, by id, and what did before."""

    def look(session: Session) -> SourcesView:
        _demand_theirs(session, hub, caller, {place_id})
        return _sources(session, place_id, None if reaches_all(hub, caller) else caller.scope)

    return await hub.store.read(look)


@router.post("/{place_id}/link", dependencies=JSON, responses=documented(403, 404, 409))
async def link(place_id: PlaceId, asked: Link, caller: Keeper, hub: Hub) -> SourcesView:
    """Say that a Place is another one: rows and codes go there, what was filed stays where it was filed."""

    def write(session: Session, said: Decision) -> tuple[str, frozenset[str]]:
        _demand_theirs(session, hub, caller, {place_id, asked.into})
        return asked.into, decide.link(session, place_id, asked.into, said)

    return await _decided(hub, caller, asked.why, write)


@router.post("/{place_id}/part", dependencies=JSON, responses=documented(403, 404, 409))
async def part(place_id: PlaceId, asked: Part, caller: Keeper, hub: Hub) -> SourcesView:
    """Say that some rows are about another Place, and answer that one; the codes they tell go along."""
    rows = {(row.system, row.pull, comparable(row.key)) for row in asked.rows}

    def write(session: Session, said: Decision) -> tuple[str, frozenset[str]]:
        _demand_theirs(session, hub, caller, {place_id, *([asked.into] if asked.into else [])})
        return decide.part(session, place_id, rows, asked.into, said)

    return await _decided(hub, caller, asked.why, write)


@router.post("/{place_id}/codes", dependencies=JSON, responses=documented(403, 404, 409))
async def place_code(place_id: PlaceId, asked: Placed, caller: Keeper, hub: Hub) -> SourcesView:
    """Say that a code stands on this Place, whatever rows tell of it."""

    def write(session: Session, said: Decision) -> tuple[str, frozenset[str]]:
        _demand_theirs(session, hub, caller, {place_id})
        return place_id, decide.place_code(session, place_id, (asked.issuer, asked.code), said)

    return await _decided(hub, caller, asked.why, write)


async def _decided(
    hub: Parts, caller: Caller, why: str, write: Callable[[Session, Decision], tuple[str, frozenset[str]]]
) -> SourcesView:
    """Write a decision and what it lets go on its way; answer the Place it is about now."""
    if not reaches_all(hub, caller):
        raise Problem("place.beyond_reach", 403)
    said = Decision(caller.account.id, why, hub.clock.now())

    def decided(session: Session) -> tuple[SourcesView, set[str]]:
        place_id, concerned = write(session, said)
        rung = hub.pulls.after.look_again(session, concerned, said.at)
        session.expire_all()
        return _sources(session, place_id), rung

    view, rung = await hub.write(caller.proof, decided)
    hub.ring(rung)
    return view


def _demand_theirs(session: Session, hub: Parts, caller: Caller, place_ids: Collection[str]) -> None:
    """Raise Problem for a department's admin where none of these Places is known to one of its Systems."""
    if caller.scope.role is Role.DEPARTMENT_ADMIN and not place_sources.tell_of(
        session, caller.owned(hub.registry), place_ids
    ):
        raise Problem("not_found", 404)


def _sources(session: Session, place_id: str, scope: Scope | None = None) -> SourcesView:
    """Return what stands on a Place; raises Problem for one that is not there, or out of a scope's reach."""
    found = place_sources.of(session, place_id)
    if found is None or (scope is not None and not is_reachable(scope, found.place)):
        raise Problem("not_found", 404)
    names = people.names(session, found.people())
    return SourcesView(
        id=found.place.id,
        name=found.place.name,
        linked_to=found.place.linked_to,
        ended_at=found.place.ended_at,
        rows=[_row(row, found.keys, names) for row in found.rows],
        codes=[_code(code, names) for code in found.codes],
        earlier=[_earlier(one, names) for one in found.history],
    )


def _row(row: PullRow, keys: Mapping[tuple[str, str], str], names: Mapping[str, str]) -> RowView:
    return RowView(
        system=row.system, pull=row.pull, key=keys.get((row.system, row.row_key), row.row_key), since=row.since,
        as_of=row.as_of, decided_by=names.get(row.decided_by),
    )  # fmt: skip


def _code(code: Alias, names: Mapping[str, str]) -> CodeView:
    return CodeView(
        issuer=code.issuer, code=code.code, is_key=code.is_key, told_by=code.told_by, since=code.since,
        decided_by=names.get(code.decided_by),
    )  # fmt: skip


def _earlier(one: PlaceHistory, names: Mapping[str, str]) -> EarlierView:
    return EarlierView(
        at=one.at, system=one.system, element=one.element, issuer=one.issuer,
        code=str(one.value) if one.issuer else "", since=one.since, fate=known(Fate, one.fate), moved_to=one.moved_to,
        by=names.get(one.account_id),
    )  # fmt: skip
