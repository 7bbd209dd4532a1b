"""Entries by hand over HTTP: what there is to enter, who has which, and what the others are told (F66)."""

from datetime import timedelta

import httpx
import pytest
from sqlmodel import Session

from hub.model import Session as SignedIn
from hub.model.delivery import State
from hub.model.people import Role
from hub.outbox.entry.press import press
from hub.store.credentials import digest
from hub.store.query.people import NewAccount, create_account
from tests.conftest import HandClock
from tests.web.conftest import COUNTY, HEAD, Site
from tests.web.test_deliveries import BIN, RIVER, URL, WHY, post, put

pytestmark = pytest.mark.usefixtures("submitted")
WORK = f"{URL}/by-hand"
TWO_DAYS = timedelta(days=2)


@pytest.fixture
async def kim(site: Site, clock: HandClock) -> httpx.AsyncClient:
    """A second administrator in the office of dan."""

    def write(session: Session) -> None:
        new = NewAccount("kim", "名kim", Role.DEPARTMENT_ADMIN, COUNTY, "x", "agriculture-office")
        made = create_account(session, new, clock.now())
        session.add(SignedIn(token_digest=digest("session-of-kim"), account_id=made.id, created_at=clock.now(),
                             expires_at=clock.now() + timedelta(days=9)))  # fmt: skip

    await site.store.write(write)
    return await site.client("kim")


async def taken(client: httpx.AsyncClient, one: str) -> dict[str, object]:
    """What this person reads of who has it, the same in the list and on the page."""
    page = (await client.get(f"{URL}/{one}")).json()["taken"]
    (line,) = (each["taken"] for each in (await client.get(URL)).json() if each["id"] == one)
    assert line == page
    assert page is not None
    return page


@pytest.mark.fault("F66")
async def test_one_takes_it_and_the_others_are_told(site: Site, clock: HandClock, kim: httpx.AsyncClient) -> None:
    one, dan = await put(site, BIN, State.MANUAL), await site.client("dan")
    assert (await dan.get(f"{URL}/{one}")).json()["taken"] is None
    answer = await dan.post(f"{URL}/{one}/take")
    assert answer.status_code == 200
    until = (clock.now() + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    assert answer.json()["taken"] == {"mine": True, "name": "名dan", "until": until}
    assert await taken(kim, one) == {"mine": False, "name": "名dan", "until": until}
    for login in ("opal", "ada", "lea", "bea"):
        assert (await taken(await site.client(login), one))["name"] is None
    refusals = {"take": {}, "confirm": WHY | {"number": "S-1"}, "cancel": WHY, "replay": WHY}
    for act, body in refusals.items():
        refused = await kim.post(f"{URL}/{one}/{act}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "delivery.taken"), act
        assert refused.json()["title"] == "名dan正在录入这一份"
        assert "2026-11-23 09:30" in refused.json()["en"]["detail"]
    assert (await kim.delete(f"{URL}/{one}/take")).json()["code"] == "delivery.taken"
    elsewhere = (await (await site.client("opal")).post(f"{URL}/{one}/take")).json()
    assert elsewhere["code"] == "delivery.taken_elsewhere"
    assert "名dan" not in str(elsewhere)
    confirmed = await post(dan, one, "confirm", number="S-1")
    assert (confirmed.json()["state"], confirmed.json()["taken"]) == ("delivered", None)


@pytest.mark.fault("F66")
async def test_it_comes_back_by_hand_or_by_itself(site: Site, clock: HandClock, kim: httpx.AsyncClient) -> None:
    one, dan = await put(site, BIN, State.MANUAL), await site.client("dan")
    await dan.post(f"{URL}/{one}/take")
    back = await dan.delete(f"{URL}/{one}/take")
    assert (back.status_code, back.json()["taken"]) == (200, None)
    assert (await kim.post(f"{URL}/{one}/take")).json()["taken"]["mine"]
    clock.tick(minutes=31)
    assert (await dan.get(f"{URL}/{one}")).json()["taken"] is None
    assert (await dan.post(f"{URL}/{one}/take")).json()["taken"]["mine"]
    assert (await post(kim, one, "confirm", number="S-1")).status_code == 409


async def test_a_confirmation_needs_no_take_where_nobody_has_it(site: Site) -> None:
    one = await put(site, BIN, State.MANUAL)
    assert (await post(await site.client("dan"), one, "confirm", number="S-1")).status_code == 200


async def test_taking_is_for_the_systems_own_department(site: Site) -> None:
    one = await put(site, BIN, State.MANUAL)
    for verb in ("POST", "DELETE"):
        for login, status in {"ada": 403, "lea": 403, "bea": 403, "wes": 404, "opal": 200, "dan": 200}.items():
            answer = await (await site.client(login)).request(verb, f"{URL}/{one}/take")
            assert answer.status_code == (409 if login == "dan" and verb == "POST" else status), login
            if login == "opal" and verb == "POST":
                assert answer.json()["payload"] is None
                assert HEAD not in answer.text
    assert (await (await site.client("")).post(f"{URL}/{one}/take")).status_code == 401


@pytest.mark.fault("F66")
async def test_what_is_late_is_shown_counted_and_first(site: Site, clock: HandClock) -> None:
    bins = await put(site, BIN, State.MANUAL)
    rivers = await put(
        site, RIVER, State.MANUAL, created_at=clock.now() - TWO_DAYS - timedelta(seconds=1), amends="SX-7"
    )
    opal = await site.client("opal")
    work = (await opal.get(WORK)).json()
    assert [(one["id"], one["late"]) for one in work] == [(rivers, True), (bins, False)]
    assert (work[0]["about"]["zh"], work[0]["amends"]) == ("发现的问题", "SX-7")
    assert work[1]["enter_by"] == (clock.now() + TWO_DAYS).isoformat().replace("+00:00", "Z")
    assert [one["id"] for one in (await opal.get(WORK, params={"late": True})).json()] == [rivers]
    assert [one["id"] for one in (await opal.get(WORK, params={"system": BIN})).json()] == [bins]
    assert [one["id"] for one in (await opal.get(WORK, params={"limit": 1, "after": rivers})).json()] == [bins]
    assert {one["id"]: one["late"] for one in (await opal.get(URL, params={"state": "manual"})).json()} == {
        bins: False, rivers: True,
    }  # fmt: skip
    counts = (await (await site.client("", "127.0.0.1")).get("/metrics")).text
    assert f'hub_entries_late{{system="{RIVER}"}} 1.0' in counts
    assert f'hub_entries_late{{system="{BIN}"}}' not in counts
    await site.store.write(lambda s: press(s, site.parts.registry, clock.now()))
    page = (await (await site.client("wes")).get(f"{URL}/{rivers}")).json()
    assert (page["late"], page["reminded_at"]) == (True, clock.now().isoformat().replace("+00:00", "Z"))


@pytest.mark.parametrize(("login", "many"), [("ada", 1), ("cy", 0), ("bo", 0), ("dan", 1), ("wes", 0), ("bea", 1)])
async def test_each_sees_the_entries_that_concern_them(site: Site, login: str, many: int) -> None:
    await put(site, BIN, State.MANUAL)
    assert len((await (await site.client(login)).get(WORK)).json()) == many
