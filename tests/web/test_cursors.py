"""Lists continued after something: what one may not know of is no different from what nobody has."""

from typing import Any

import httpx
import pytest
from sqlmodel import Session, select

from hub.clock import Clock
from hub.model import Delivery, Issue
from hub.model.delivery import State
from tests.web.conftest import Site, visit

pytestmark = [pytest.mark.fault("F99"), pytest.mark.case("C77")]
NOBODYS = "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c99"
PLAIN = ("household.head_name", "household.phone", "household.member_count", "visit.purpose")


@pytest.fixture
async def theirs(site: Site, clock: Clock) -> dict[str, str]:
    """Ada and Bo each have two visits, an hour apart; return Bo's newest of everything, between Ada's two in time."""

    async def fill(login: str, changed: dict[str, Any]) -> dict[str, Any]:
        answer = await (await site.client(login)).post("/api/v1/submissions", json=visit(clock) | changed)
        assert answer.status_code == 201, answer.text
        clock.tick(hours=1)
        view: dict[str, Any] = answer.json()
        return view

    await fill("ada", {})
    far = visit(clock)["answers"]
    finding = {"findings": [visit(clock)["answers"]["findings"][0]]}
    bos = await fill("bo", {"place": "HV-2", "answers": {name: far[name] for name in PLAIN} | finding})
    await fill("ada", {})

    def look(session: Session) -> dict[str, str]:
        delivery = session.exec(select(Delivery).where(Delivery.division != "330783005004")).first()
        issue = session.exec(select(Issue).where(Issue.division != "330783005004")).first()
        assert delivery is not None
        assert issue is not None
        return {
            "submissions": bos["id"],
            "deliveries": delivery.id,
            "issues": issue.id,
            "deliveries/by-hand": delivery.id,
        }

    def by_hand(session: Session) -> None:
        for row in session.exec(select(Delivery)):
            row.state, row.due_at = State.MANUAL, None
            session.add(row)

    await site.store.write(by_hand)
    return await site.store.read(look)


async def page(client: httpx.AsyncClient, path: str, after: str) -> list[str]:
    answer = await client.get(f"/api/v1/{path}", params={"after": after} if after else {})
    assert answer.status_code == 200
    return [one["id"] for one in answer.json()]


@pytest.mark.parametrize("path", ["submissions", "issues", "deliveries/by-hand"])
@pytest.mark.parametrize("login", ["ada", "lea"])
async def test_after_what_is_not_ones_own_there_is_nothing_as_after_what_nobody_has(
    site: Site, theirs: dict[str, str], path: str, login: str
) -> None:
    client = await site.client(login)
    assert await page(client, path, "") != []
    assert await page(client, path, theirs[path]) == await page(client, path, NOBODYS) == []


async def test_after_ones_own_the_list_goes_on(site: Site, theirs: dict[str, str]) -> None:
    for path in theirs:
        client = await site.client("ada")
        whole = await page(client, path, "")
        assert len(whole) > 1
        assert await page(client, path, whole[0]) == whole[1:]


async def test_a_delivery_is_placed_by_its_id_alone(site: Site, theirs: dict[str, str]) -> None:
    """Nothing is looked up: an id one made up tells as much."""
    client, foreign = await site.client("ada"), theirs["deliveries"]
    made_up = foreign[:-1] + ("0" if foreign[-1] != "0" else "1")
    assert await page(client, "deliveries", foreign) == await page(client, "deliveries", made_up)


async def test_accounts_go_on_after_any_login(site: Site) -> None:
    client = await site.client("opal")

    async def logins(after: str) -> list[str]:
        answer = await client.get("/api/v1/accounts", params={"after": after})
        return [one["login"] for one in answer.json()]

    assert await logins("cy") == await logins("cyxx")
