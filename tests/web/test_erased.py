"""What was erased, over HTTP: 410 with the day and what to do, to whoever might have seen it; in no list (F31)."""

from typing import Any

import pytest
from sqlalchemy import update

from hub.clock import Clock
from hub.erasure.erase import Deed, erase
from hub.model import Delivery, Issue
from hub.store import Session
from tests.faults.conftest import PLAIN
from tests.web.conftest import HEAD, Site, visit

URL = "/api/v1/submissions"
pytestmark = pytest.mark.fault("F31")


async def erased(site: Site, clock: Clock, submission_id: str) -> None:
    """Let all of it end, and erase it."""

    def write(session: Session) -> None:
        session.connection().execute(update(Delivery).values(state="delivered", due_at=None, lease_token=None))
        session.connection().execute(update(Issue).values(state="closed"))
        erase(session, submission_id, Deed("", "asked for", clock.now()))

    await site.store.write(write)


async def test_it_is_gone_and_says_so(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    view = (await ada.post(URL, json=body)).json()
    corrected = (await ada.post(f"{URL}/{view['id']}/revisions", json=visit(clock, place="HV-1"))).json()
    (await ada.post(URL, json=visit(clock))).raise_for_status()
    rung = list(site.rung)
    await erased(site, clock, view["id"])
    other = body | {"answers": body["answers"] | {"visit.purpose": "care"}}
    for answer in (
        await ada.post(URL, json=body),
        await ada.post(URL, json=other),
        await ada.post(f"{URL}/{view['id']}/revisions", json=visit(clock)),
        await ada.get(f"{URL}/{view['id']}"),
        await (await site.client("lea")).get(f"{URL}/{view['id']}"),
        await (await site.client("opal")).get(f"{URL}/{view['id']}"),
    ):
        told = answer.json()
        assert (answer.status_code, told["status"], told["code"]) == (410, 410, "submission.erased")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "2026-11-23" in told["title"]
        assert "2026-11-23" in told["en"]["title"]
        assert told["detail"]
        assert told["en"]["detail"]
        assert HEAD not in answer.text
    assert corrected["id"] == view["id"]
    assert site.rung == rung


async def test_to_others_it_is_as_unknown_as_ever(site: Site, clock: Clock, submitted: dict[str, Any]) -> None:
    await erased(site, clock, submitted["id"])
    for login in ("cy", "bo", "dan"):
        assert (await (await site.client(login)).get(f"{URL}/{submitted['id']}")).status_code == 404
    body = visit(clock, place="HV-2", answers=PLAIN)
    correction = await (await site.client("bo")).post(f"{URL}/{submitted['id']}/revisions", json=body)
    assert (correction.status_code, correction.json()["code"]) == (404, "submission.unknown")


async def test_no_list_shows_it_nor_anything_of_it(site: Site, clock: Clock, submitted: dict[str, Any]) -> None:
    lists = (URL, "/api/v1/deliveries", "/api/v1/deliveries/by-hand", "/api/v1/issues")
    dan, ada, lea = [await site.client(login) for login in ("dan", "ada", "lea")]
    owed = [one["id"] for one in (await dan.get("/api/v1/deliveries")).json()]
    issues = [one["id"] for one in (await lea.get("/api/v1/issues")).json()]
    assert owed
    assert issues
    await erased(site, clock, submitted["id"])
    for client in (dan, ada, lea, await site.client("opal")):
        for path in lists:
            answer = await client.get(path)
            assert answer.status_code in {200, 403}
            assert answer.status_code == 403 or answer.json() == []
    assert [(await dan.get(f"/api/v1/deliveries/{one}")).status_code for one in owed] == [404] * len(owed)
    assert [(await lea.get(f"/api/v1/issues/{one}")).status_code for one in issues] == [404] * len(issues)
