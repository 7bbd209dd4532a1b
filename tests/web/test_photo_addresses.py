"""Addresses of photos given to Systems: they last as long as somebody answers for the photo or a System is owed it."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from hub.clock import Clock
from hub.model import Delivery
from hub.model.delivery import State
from hub.store.blobs import attachment_url
from hub.store.query import people
from hub.store.query.people import Change
from hub.store.query.views import FETCHED_WITHIN
from tests.web.conftest import Site, visit
from tests.web.test_attachments import JPEG, sha, url

pytestmark = [pytest.mark.fault("F102"), pytest.mark.case("C80")]


def address(site: Site) -> str:
    parts = site.parts
    return attachment_url(parts.attachment_key, "", sha(JPEG))


async def fetched(site: Site) -> int:
    return (await (await site.client()).get(address(site))).status_code


async def disable(site: Site, clock: Clock, login: str = "ada", *, disabled: bool = True) -> None:
    change = Change(disabled=disabled)
    await site.store.write(lambda session: people.change_account(session, login, change, None, clock.now()))


async def stand(site: Site, state: State, settled_at: datetime | None = None) -> None:
    """Let every Delivery of the visit stand like this."""

    def write(session: Session) -> None:
        for row in session.exec(select(Delivery)):
            row.sqlmodel_update({"state": state, "due_at": None, "settled_at": settled_at})
            session.add(row)

    await site.store.write(write)


async def test_without_a_submission_it_ends_with_its_author(site: Site, clock: Clock) -> None:
    assert (await (await site.client("ada")).put(url(JPEG), content=JPEG)).status_code == 201
    assert await fetched(site) == 200
    await disable(site, clock)
    assert await fetched(site) == 404
    await disable(site, clock, disabled=False)
    assert await fetched(site) == 200


async def test_a_second_author_answers_for_it_too(site: Site, clock: Clock) -> None:
    for login in ("ada", "bo"):
        assert (await (await site.client(login)).put(url(JPEG), content=JPEG)).status_code == 201
    await disable(site, clock)
    assert await fetched(site) == 200
    await disable(site, clock, "bo")
    assert await fetched(site) == 404


async def test_what_a_system_is_owed_it_may_fetch_and_for_a_week_after(site: Site, clock: Clock) -> None:
    ada = await site.client("ada")
    await ada.put(url(JPEG), content=JPEG)
    body = visit(clock)
    body["answers"]["visit.photos"] = [sha(JPEG)]
    assert (await ada.post("/api/v1/submissions", json=body)).status_code == 201
    await disable(site, clock)
    for state in (State.WAITING, State.PARKED, State.UNKNOWN, State.MANUAL):
        await stand(site, state)
        assert await fetched(site) == 200
    await stand(site, State.CANCELLED, settled_at=clock.now() - FETCHED_WITHIN - timedelta(hours=1))
    assert await fetched(site) == 404
    await stand(site, State.DELIVERED, settled_at=clock.now())
    assert await fetched(site) == 200
    clock.tick(days=7, hours=1)
    assert await fetched(site) == 404
