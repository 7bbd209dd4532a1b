"""What was erased, over HTTP: 410 with the day and what to do, to whoever might have seen it; in no list (F31)."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from hub.clock import Clock
from hub.erasure.erase import Deed, erase
from hub.model import Account, Delivery, Issue, JournalEntry
from hub.model.people import Role
from hub.store import Session
from tests.faults.conftest import PLAIN
from tests.web.conftest import HEAD, Site, account, visit

URL = "/api/v1/submissions"
WHY = {"why": "填错对象，本人要求删除"}
pytestmark = pytest.mark.fault("F31")


async def erased(site: Site, clock: Clock, submission_id: str) -> None:
    """Let all of it end, and erase it."""
    await let_end(site)
    await site.store.write(lambda session: erase(session, submission_id, Deed("", "asked for", clock.now())))


async def let_end(site: Site) -> None:
    """Let all Deliveries and Issues end."""

    def write(session: Session) -> None:
        session.connection().execute(update(Delivery).values(state="delivered", due_at=None, lease_token=None))
        session.connection().execute(update(Issue).values(state="closed"))

    await site.store.write(write)


async def test_an_operator_erases_it_while_the_hub_runs(site: Site, submitted: dict[str, Any]) -> None:
    opal, address = await site.client("opal"), f"{URL}/{submitted['id']}/erasure"
    refused = await opal.post(address, json=WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "submission.open")
    said = refused.json()
    assert "garbage-scoring 有 1 份“等待送达”" in said["detail"]
    assert "有 2 个问题“已上报”" in said["detail"]
    assert "garbage-scoring: 1 “waiting”; " in said["en"]["detail"]
    assert "2 issue(s) “reported”" in said["en"]["detail"]
    assert (await opal.get(f"{URL}/{submitted['id']}")).status_code == 200
    await let_end(site)
    issues, owed = [(await opal.get(f"/api/v1/{name}")).json() for name in ("issues", "deliveries")]
    answer = await opal.post(address, json=WHY)
    assert answer.status_code == 200
    rows = answer.json()["rows"]
    assert issues
    assert owed
    assert (rows["submission"], rows["issue"], rows["delivery"]) == (1, len(issues), len(owed))
    for again in (await opal.post(address, json=WHY), await opal.get(f"{URL}/{submitted['id']}")):
        assert (again.status_code, again.json()["code"]) == (410, "submission.erased")
    (proof,) = await site.store.read(
        lambda s: s.exec(select(JournalEntry).where(JournalEntry.action == "submission.erased")).all()
    )
    told = (proof.subject, proof.why.partition(" [")[0], proof.account_id)
    assert told == (submitted["id"], WHY["why"], (await account(site, "opal")).id)


async def test_only_an_operator_of_the_place_erases_and_says_why(site: Site, submitted: dict[str, Any]) -> None:
    await let_end(site)
    address = f"{URL}/{submitted['id']}/erasure"
    for login in ("ada", "lea", "dan", "bea"):
        answer = await (await site.client(login)).post(address, json=WHY)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    await site.store.write(
        lambda s: s.connection().execute(update(Account).where(col(Account.login) == "bo").values(role=Role.OPERATOR))
    )
    elsewhere, opal = await site.client("bo"), await site.client("opal")
    assert (await elsewhere.post(address, json=WHY)).status_code == 404
    assert (await opal.post(f"{URL}/{uuid4()}/erasure", json=WHY)).status_code == 404
    unreasoned = await opal.post(address, json={"why": " "})
    assert (unreasoned.status_code, unreasoned.json()["faults"][0]["path"]) == (422, "/why")
    assert (await opal.get(f"{URL}/{submitted['id']}")).status_code == 200


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
