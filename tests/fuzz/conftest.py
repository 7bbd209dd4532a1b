"""The web edge of tests/web with something of everything in it, on a loop that Hypothesis drives step by step."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session, col, select, update

from hub.catalog import Catalog
from hub.erasure.erase import Deed, erase
from hub.model import Alias, Delivery, OpenItem, Place, Record
from hub.model.delivery import State
from hub.model.open_item import ItemKind
from hub.pulls.run import Pulls
from hub.settings import Settings
from hub.store import open_store
from hub.systems import Registry
from tests.conftest import HandClock
from tests.faults.conftest import PLAIN
from tests.pictures import jpeg
from tests.web.conftest import HOUSE, VILLAGE, Empty, Site, files, open_site, password_hash, settings, visit

__all__ = ["files", "password_hash", "settings"]
PHOTO = jpeg()
FILLED = ("/submissions", "/revisions", "/move", "/preview")
"""Operations that take a filled form."""
NEXT_DOOR, ITEM = (f"0198c1de-0000-7000-8000-0000000003{n}0" for n in (1, 2))
Bodies = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Stage:
    """A hub to ask, the loop it lives on, and what can be named in a path."""

    site: Site
    loop: asyncio.AbstractEventLoop
    known: dict[str, list[str]]
    bodies: Bodies
    """Filled forms that are good as they are."""


@pytest.fixture
def stage(
    database_url: str, clock: HandClock, settings: Settings, files: tuple[Catalog, Registry], password_hash: str
) -> Iterator[Stage]:
    """A hub with three visits, everything they became, one that was erased, and a photo."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def opened() -> Site:
            store = open_store(database_url)
            stack.push_async_callback(store.close)
            return await stack.enter_async_context(open_site(store, clock, settings, files, password_hash))

        try:
            site = runner.run(opened())
            let_all_pull(site.parts.pulls, files[1])
            known = runner.run(settle(site, clock))
            yield Stage(site, runner.get_loop(), known, tuple(visit(clock) for _ in range(3)))
        finally:
            runner.run(stack.aclose())


def let_all_pull(pulls: Pulls, registry: Registry) -> None:
    """Let every System answer a pull, not only the one the other tests read."""
    assert isinstance(pulls.connectors, dict)
    pulls.connectors.update({name: Empty() for name in registry.systems})


def erase_ended(session: Session, submission_id: str, clock: HandClock) -> None:
    """Let all of a Submission end, and erase it."""
    theirs = select(col(Record.id)).where(col(Record.submission_id) == submission_id)
    over = update(Delivery).where(col(Delivery.record_id).in_(theirs)).values(state=State.DELIVERED, due_at=None)
    session.connection().execute(over)
    erase(session, submission_id, Deed("", "asked for", clock.now()))


def settle_next_door(session: Session, clock: HandClock) -> None:
    """Let there be a second household in the village, and an open item."""
    now = clock.now()
    session.add(Place(id=NEXT_DOOR, kind="household", name="13号", division=VILLAGE, token="tok-n", created_at=now))
    session.flush()
    alias = {"issuer": "household-visit", "told_by": "household-visit", "place_id": NEXT_DOOR, "since": now}
    session.add(Alias(code="HV-13", is_key=True, **alias))
    session.add(OpenItem(
        id=ITEM, system="household-visit", pull="households", kind=ItemKind.PLACES_TO_LINK, row_key="HV-13",
        reason="open_item.places_to_link", params={"other": "garbage-scoring"}, place_id=HOUSE,
        other_place_id=NEXT_DOOR, first_at=now, last_at=now,
    ))  # fmt: skip


async def settle(site: Site, clock: HandClock) -> dict[str, list[str]]:
    """Put something of everything into the hub; return path parameters that mean something."""
    await site.store.write(lambda session: settle_next_door(session, clock))
    ada = await site.client("ada")
    views = [(await ada.post("/api/v1/submissions", json=visit(clock))).json() for _ in range(3)]
    photo = hashlib.sha256(PHOTO).hexdigest()
    assert (await ada.put(f"/api/v1/attachments/{photo}", content=PHOTO)).status_code == 201
    issues = (await ada.get("/api/v1/issues")).json()
    assert issues
    owed = [[one["id"] for record in view["records"] for one in record["deliveries"]] for view in views]
    by_hand = update(Delivery).where(col(Delivery.id).in_(owed[0])).values(state=State.MANUAL, due_at=None)
    await site.store.write(lambda session: session.connection().execute(by_hand) and None)
    gone = (await ada.post("/api/v1/submissions", json=visit(clock, answers=PLAIN))).json()["id"]
    await site.store.write(lambda session: erase_ended(session, gone, clock))
    return {
        "submission_id": [views[0]["id"], gone, *(view["id"] for view in views[1:])],
        "delivery_id": [one for ids in owed for one in ids],
        "issue_id": [issue["id"] for issue in issues],
        "system": sorted(site.parts.registry.systems),
        "form": sorted({form for form, _ in site.parts.catalog.forms}),
        "code": ["HV-1", "BIN/1", "SEG-1"],
        "place_id": [HOUSE],
        "item_id": [ITEM],
        "login": ["bo", "cy", "lou", "wes"],
        "sha256": [photo],
    }
