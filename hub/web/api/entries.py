"""Entries by hand: what there is to enter, and who enters which. Settling one is a Delivery's own business."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from hub.errors import Problem
from hub.model import Account
from hub.outbox.entry.press import late_before
from hub.outbox.entry.take import give_back, take
from hub.store import Session
from hub.store.query import views as rows
from hub.store.query.lists import Work
from hub.web.api.deliveries import Id, eyes_of, lines, show
from hub.web.api.submissions import Windowed, viewer_of
from hub.web.context import Hub, Parts
from hub.web.problems import documented
from hub.web.security import Caller, Settler, SignedIn
from hub.web.shapes import DeliveryLine, DeliveryPage, Word

router = APIRouter(prefix="/deliveries", tags=["deliveries"])


@router.get("/by-hand")
async def list_entries(
    caller: SignedIn,
    hub: Hub,
    window: Windowed,
    system: Annotated[Word, Query()] = "",
    *,
    late: Annotated[bool, Query(description="only what should have been confirmed by now")] = False,
) -> list[DeliveryLine]:
    """List what people enter by hand, in the order to work it: late ones first, and of both the longest waiting."""
    viewer, eyes = viewer_of(hub, caller), eyes_of(hub, caller)
    work = Work(late_before(hub.registry, eyes.now), system, late)
    return await hub.store.read(lambda session: lines(session, rows.entries(session, viewer, window, work), eyes))


@router.post("/{delivery_id}/take", responses=documented(404, 409))
async def take_entry(delivery_id: Id, caller: Settler, hub: Hub) -> DeliveryPage:
    """Have it for half an hour to enter it by hand; nobody else may settle it meanwhile. Again, to have it longer."""
    return await _act(hub, caller, delivery_id, take)


@router.delete("/{delivery_id}/take", responses=documented(404, 409))
async def give_entry_back(delivery_id: Id, caller: Settler, hub: Hub) -> DeliveryPage:
    """Let others have it at once; harmless when it was free already."""
    return await _act(hub, caller, delivery_id, give_back)


async def _act(
    hub: Parts, caller: Caller, delivery_id: str, act: Callable[[Session, str, Account, datetime], None]
) -> DeliveryPage:
    viewer, now = viewer_of(hub, caller), hub.clock.now()

    def write(session: Session) -> None:
        if not rows.visible_among(session, viewer, [delivery_id]):
            raise Problem("not_found", 404)
        act(session, delivery_id, caller.account, now)

    await hub.write(caller.proof, write)
    return await show(hub, caller, delivery_id)
