"""What readings could not settle by themselves: listed for those who can have it mended, ended with a reason."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from hub.errors import Problem
from hub.masks import masked
from hub.model.odd import Odd, known
from hub.model.open_item import ItemKind, ItemState, OpenItem
from hub.pulls.decide import end_item
from hub.store import Session
from hub.store.query import open_items, people
from hub.store.query.open_items import Decision, ItemSearch
from hub.web.api.systems import demand_mine, mine
from hub.web.context import Hub, Parts
from hub.web.lens import BLANK
from hub.web.paging import PAGED, say_more
from hub.web.problems import documented
from hub.web.security import Caller, Keeper, Settler, demand_json
from hub.web.shapes import Reason, Text, Uuid, View, Word

router = APIRouter(prefix="/open-items", tags=["systems"])
JSON = [Depends(demand_json)]


class EndView(View):
    """How an open item ended."""

    at: datetime
    by: str | None = Field(description="the person; null where a later reading no longer met it")
    why: str


class OpenItemView(View):
    """One thing a reading could not settle by itself."""

    id: str
    system: str
    title: Text = Field(description="the System's name")
    pull: str
    kind: ItemKind | Odd
    what: Text = Field(examples=[{"zh": "有一个值看不懂", "en": "A value was not understood"}])
    reason: Text
    remedy: Text
    row_key: str = Field(description="the row's own id at its System; empty for the reading as a whole")
    field: str = Field(description="data element, issuer of a code, or part of the wiring; empty: the whole row")
    field_title: Text | None
    value: str = Field(description="what was there, masked by how sensitive the data element is")
    place: str | None
    other_place: str | None
    first_at: datetime
    last_at: datetime
    times: int = Field(description="readings that met it")
    state: ItemState | Odd
    ended: EndView | None


def searched(
    system: Annotated[Word, Query()] = "",
    kind: Annotated[ItemKind | None, Query()] = None,
    state: Annotated[ItemState, Query()] = ItemState.OPEN,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Word, Query(description="id of the last one of the page before")] = "",
) -> ItemSearch:
    """Return what is asked for."""
    return ItemSearch([system] if system else [], kind or "", state, limit, after)


@router.get("", responses=PAGED)
async def list_open_items(
    wanted: Annotated[ItemSearch, Depends(searched)], caller: Keeper, hub: Hub, request: Request, response: Response
) -> list[OpenItemView]:
    """List what is open, or was settled, the newest first: of a department's own Systems, or of all."""
    theirs = mine(hub, caller)
    asked = replace(wanted, systems=theirs.keys() & (set(wanted.systems) or theirs.keys()))

    def look(session: Session) -> tuple[list[OpenItemView], int]:
        found = open_items.search(session, asked)
        names = people.names(session, {item.settled_by for item in found if item.settled_by})
        return [_view(item, hub, names) for item in found], open_items.count(session, asked)

    views, total = await hub.store.read(look)
    say_more(request, response, total, views[-1].id if len(views) == wanted.limit else "")
    return views


@router.post("/{item_id}/dismiss", dependencies=JSON, responses=documented(404, 409))
async def dismiss(item_id: Annotated[Uuid, Path()], asked: Reason, caller: Settler, hub: Hub) -> OpenItemView:
    """Say why something may stay as it is: it opens again only when what it is about changes."""
    return await _end(item_id, ItemState.DISMISSED, asked.why, caller, hub)


@router.post("/{item_id}/solve", dependencies=JSON, responses=documented(404, 409))
async def solve(item_id: Annotated[Uuid, Path()], asked: Reason, caller: Settler, hub: Hub) -> OpenItemView:
    """Say how something was mended; a later reading that meets it again opens it anew."""
    return await _end(item_id, ItemState.SOLVED, asked.why, caller, hub)


async def _end(item_id: str, state: ItemState, why: str, caller: Caller, hub: Parts) -> OpenItemView:
    decision = Decision(caller.account.id, why, hub.clock.now())

    def write(session: Session) -> OpenItemView:
        item = session.get(OpenItem, item_id)
        if item is None or item.system not in mine(hub, caller):
            raise Problem("not_found", 404)
        demand_mine(hub, caller, item.system)
        end_item(session, item, state, decision)
        session.refresh(item)
        return _view(item, hub, {caller.account.id: caller.account.name})

    return await hub.write(caller.proof, write)


def _view(item: OpenItem, hub: Parts, names: Mapping[str, str]) -> OpenItemView:
    messages, element = hub.catalog.messages, hub.catalog.elements.get(item.field.rpartition("].")[2])
    kind, system = f"open_item.kind.{item.kind}", hub.registry.systems.get(item.system)
    title = system.title if system else {"zh": item.system, "en": item.system}
    return OpenItemView(
        id=item.id,
        system=item.system,
        title=Text(**title),
        pull=item.pull,
        kind=known(ItemKind, item.kind),
        what=Text(**messages.both(kind)),
        reason=Text(**messages.both(item.reason, **_shown(item.params))),
        remedy=Text(**messages.both(f"{kind}.remedy")),
        row_key=masked(item.row_key, BLANK),
        field=item.field,
        field_title=Text(**element.title) if element else None,
        value=item.value,
        place=item.place_id,
        other_place=item.other_place_id,
        first_at=item.first_at,
        last_at=item.last_at,
        times=item.times,
        state=known(ItemState, item.state),
        ended=_ended(item, names),
    )


def _shown(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fills a reason: row keys and codes among it may be numbers of people."""
    return {name: masked(value, BLANK) if isinstance(value, str) else value for name, value in params.items()}


def _ended(item: OpenItem, names: Mapping[str, str]) -> EndView | None:
    if item.settled_at is None:
        return None
    return EndView(at=item.settled_at, by=names.get(item.settled_by) if item.settled_by else None, why=item.why)
