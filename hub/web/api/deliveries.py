"""Deliveries: how they stand, and what a person does about one that needs a person. The outbox does it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from pydantic import Field, StringConstraints, model_validator

from hub.errors import Problem
from hub.failpoint import passing
from hub.model.delivery import Delivery, State
from hub.outbox import hand
from hub.outbox.decide.replay import Became, Fate
from hub.outbox.entry.take import demand_free
from hub.outbox.hand import MOST_REPLAYED, Deed
from hub.store import Session
from hub.store.query import deliveries as systems_of
from hub.store.query import systems
from hub.store.query import views as rows
from hub.store.query.entries import asides
from hub.store.query.lists import Viewer, Window
from hub.web.api.submissions import Windowed, lens_of, viewer_of
from hub.web.context import Hub, Parts
from hub.web.lens import Lens
from hub.web.problems import documented
from hub.web.security import Caller, Settler, SignedIn, demand_json
from hub.web.shapes import PLAIN, Asked, DeliveryLine, DeliveryPage, Reason, Text, Uuid, View, Word
from hub.web.views import Eyes, delivery_line, delivery_page

router = APIRouter(prefix="/deliveries", tags=["deliveries"])
Id = Annotated[Uuid, Path()]
Number = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PLAIN, strip_whitespace=True)]
JSON = [Depends(demand_json)]
OVERTAKEN = {Became.OUTDATED: "delivery.overtaken", Became.WITHDRAWN: "delivery.withdrawn"}
"""Why one Delivery is not sent again, where a later revision is the one to send."""


class Confirmation(Reason):
    """A person entered or found it in the System."""

    number: Number = Field(examples=["S-20260105-7"])


class Which(Asked):
    """Deliveries by how they stand."""

    state: State
    system: Word = ""


class Batch(Reason):
    """Many Deliveries, by id or by how they stand."""

    ids: Annotated[list[Uuid], Field(min_length=1, max_length=MOST_REPLAYED)] | None = None
    filter: Which | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Batch":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give ids or filter, one of both")
        return self


class Outcome(View):
    """What a replay came to for one Delivery."""

    id: str
    became: Became
    revision: int | None = Field(
        description="the later revision that changed or withdrew this one: send that one again"
    )
    says: Text


class Replayed(View):
    """What will be sent again, with the same bytes and key, and what became of each Delivery asked for."""

    ids: list[str]
    each: list[Outcome]


@router.get("")
async def list_deliveries(
    caller: SignedIn,
    hub: Hub,
    window: Windowed,
    state: Annotated[State | None, Query()] = None,
    system: Annotated[Word, Query()] = "",
) -> list[DeliveryLine]:
    """List Deliveries within my scope, the newest first."""
    viewer, eyes = viewer_of(hub, caller), eyes_of(hub, caller)

    def look(session: Session) -> list[DeliveryLine]:
        return lines(session, rows.deliveries(session, viewer, window, state=state, system=system), eyes)

    return await hub.store.read(look)


def lines(session: Session, found: Sequence[Delivery], eyes: Eyes) -> list[DeliveryLine]:
    """Return the entries of a list of Deliveries."""
    beside, eyes = asides(session, [row.id for row in found], eyes.now), replace(eyes, paused=systems.paused(session))
    return [delivery_line(row, beside[row.id], eyes) for row in found]


def eyes_of(hub: Parts, caller: Caller) -> Eyes:
    """Return what the caller's Deliveries are looked at with."""
    return Eyes(lens_of(hub, caller), caller.scope, hub.clock.now())


@router.get("/replay", include_in_schema=False)
async def refuse_to_read_replays() -> None:
    """Say that replays are asked for, not read; the address would be taken for that of a Delivery."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


@router.get("/{delivery_id}", responses=documented(404))
async def show_delivery(delivery_id: Id, caller: SignedIn, hub: Hub) -> DeliveryPage:
    """Show a Delivery with its tries; its content only to the department whose System gets it."""
    return await show(hub, caller, delivery_id)


@router.post("/replay", dependencies=JSON, responses=documented(404, 409))
async def replay_many(asked: Batch, caller: Settler, hub: Hub) -> Replayed:
    """Send up to a thousand Deliveries again, in the order they were made; say of each what became of it."""
    viewer, lens = viewer_of(hub, caller), lens_of(hub, caller)
    deed = Deed(caller.account, asked.why, hub.clock.now())

    def replay(session: Session) -> tuple[dict[str, Fate], set[str]]:
        found = hand.replay_each(session, _chosen(session, viewer, asked), deed)
        return found, {row.system for row in systems_of.by_ids(session, _sent(found))}

    found, woken = await hub.write(caller.proof, replay)
    passing("replay.committed")
    hub.ring(woken)
    return Replayed(ids=_sent(found), each=[_outcome(one, fate, lens) for one, fate in found.items()])


def _sent(found: Mapping[str, Fate]) -> list[str]:
    return sorted(one for one, fate in found.items() if fate.became is Became.SENT)


def _outcome(delivery_id: str, fate: Fate, lens: Lens) -> Outcome:
    says = lens.says(fate.words.key, **fate.words.params)
    return Outcome(id=delivery_id, became=fate.became, revision=fate.revision or None, says=says)


def _chosen(session: Session, viewer: Viewer, asked: Batch) -> list[str]:
    """Return the ids meant; one the viewer may not see makes all of them unknown."""
    if asked.filter is not None:
        window = Window(MOST_REPLAYED)
        found = rows.deliveries(session, viewer, window, state=asked.filter.state, system=asked.filter.system)
        return [row.id for row in found]
    ids = asked.ids or []
    if not set(ids) <= rows.visible_among(session, viewer, ids):
        raise Problem("not_found", 404)
    return ids


@router.post("/{delivery_id}/replay", dependencies=JSON, responses=documented(404, 409))
async def replay_one(delivery_id: Id, asked: Reason, caller: Settler, hub: Hub) -> DeliveryPage:
    """Send one Delivery again with the same bytes and key; refused when a later revision changed it or took it back."""

    def replay(session: Session, deed: Deed) -> list[str]:
        demand_free(session, [delivery_id], deed.who, deed.at)
        fate = hand.replay_each(session, [delivery_id], deed)[delivery_id]
        if fate.became in OVERTAKEN:
            raise Problem(OVERTAKEN[fate.became], 409, revision=fate.revision)
        return [row.system for row in systems_of.by_ids(session, [delivery_id])]

    return await _settle(hub, caller, delivery_id, asked.why, replay)


@router.post("/{delivery_id}/confirm", dependencies=JSON, responses=documented(404, 409))
async def confirm(delivery_id: Id, asked: Confirmation, caller: Settler, hub: Hub) -> DeliveryPage:
    """Say that it is in the System, under that System's number."""
    return await _settle(
        hub, caller, delivery_id, asked.why, lambda s, deed: hand.confirm(s, delivery_id, deed, asked.number)
    )


@router.post("/{delivery_id}/cancel", dependencies=JSON, responses=documented(404, 409))
async def cancel(delivery_id: Id, asked: Reason, caller: Settler, hub: Hub) -> DeliveryPage:
    """End a Delivery for good."""
    return await _settle(hub, caller, delivery_id, asked.why, lambda s, deed: hand.cancel(s, delivery_id, deed))


async def _settle(
    hub: Parts, caller: Caller, delivery_id: str, why: str, act: Callable[[Session, Deed], list[str]]
) -> DeliveryPage:
    """Do something to one Delivery the caller may see, and wake the Systems that have something to do by it."""
    viewer = viewer_of(hub, caller)
    deed = Deed(caller.account, why, hub.clock.now())

    def write(session: Session) -> list[str]:
        if not rows.visible_among(session, viewer, [delivery_id]):
            raise Problem("not_found", 404)
        return act(session, deed)

    hub.ring(await hub.write(caller.proof, write))
    return await show(hub, caller, delivery_id)


async def show(hub: Parts, caller: Caller, delivery_id: str) -> DeliveryPage:
    """Return the page of a Delivery the caller may see; raises Problem for any other."""
    viewer, eyes = viewer_of(hub, caller), eyes_of(hub, caller)

    def look(session: Session) -> DeliveryPage | None:
        row = rows.delivery(session, viewer, delivery_id)
        if row is None:
            return None
        beside, seen = asides(session, [row.id], eyes.now)[row.id], replace(eyes, paused=systems.paused(session))
        return delivery_page(row, beside, rows.attempts(session, row.id), seen)

    page = await hub.store.read(look)
    if page is None:
        raise Problem("not_found", 404)
    return page
