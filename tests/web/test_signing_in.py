"""Signing in: sessions and tokens, their ends, the throttle, and pages of others that try to use them."""

from datetime import timedelta

import httpx
import pytest
from sqlmodel import Session, select

from hub.clock import Clock
from hub.errors import Problem
from hub.model import Account, ApiToken
from hub.model.people import Role
from hub.settings import Settings
from hub.store import Store
from hub.store.credentials import LEAST_PASSWORD, digest, is_password, new_token
from hub.store.query import people
from hub.web.security import client_address, cookie_name
from tests.web.conftest import PASSWORD, Site, account

URL = "/api/v1/sessions"
ME = f"{URL}/me"


async def sign_in(client: httpx.AsyncClient, login: str = "ada", password: str = PASSWORD) -> httpx.Response:
    return await client.post(URL, json={"login": login, "password": password})


async def change(store: Store, login: str, **values: object) -> None:
    def write(session: Session) -> None:
        row = session.exec(select(Account).where(Account.login == login)).one()
        row.sqlmodel_update(values)
        session.add(row)

    await store.write(write)


async def test_a_session_from_sign_in_to_sign_out(site: Site) -> None:
    client = await site.client()
    assert (await client.get(ME)).status_code == 401
    answer = await sign_in(client)
    assert answer.status_code == 200
    assert answer.json()["account"]["unit"] == {"code": "330783005004", "name": "李宅村"}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("hub_session=")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "password" not in answer.text.replace("must_change_password", "")
    assert (await client.get(ME)).json() == answer.json()["account"]
    assert (await client.delete(ME)).status_code == 204
    client.cookies.set("hub_session", cookie.partition("=")[2].partition(";")[0])
    assert (await client.get(ME)).status_code == 401


async def test_a_session_runs_out(site: Site, clock: Clock) -> None:
    client = await site.client("ada")
    clock.tick(hours=11, minutes=59)
    assert (await client.get(ME)).status_code == 200
    clock.tick(minutes=1)
    assert (await client.get(ME)).status_code == 401


async def test_a_disabled_account_ends_at_the_next_request(site: Site, clock: Clock) -> None:
    browser, program = await site.client("ada"), await site.program("ada")
    await change(site.store, "ada", disabled_at=clock.now())
    for client in (browser, program):
        assert (await client.get(ME)).status_code == 401
    refused, wrong = await sign_in(await site.client()), await sign_in(await site.client(), "nobody")
    assert refused.status_code == wrong.status_code == 401
    assert refused.content == wrong.content


async def test_a_changed_role_counts_at_the_next_request(site: Site) -> None:
    client = await site.client("ada")
    assert (await client.get("/api/v1/systems")).status_code == 403
    await change(site.store, "ada", role=Role.OPERATOR)
    assert (await client.get("/api/v1/systems")).status_code == 200


@pytest.mark.fault("F102")
@pytest.mark.case("C80")
async def test_tokens_act_for_their_account_until_they_end(site: Site, clock: Clock) -> None:
    token = new_token()
    assert token.startswith("fo_")
    assert len(token) == 46
    row = ApiToken(token_digest=digest(token), account_id="", name="door", created_at=clock.now(),
                   expires_at=clock.now() + timedelta(days=1))  # fmt: skip
    await site.store.write(lambda session: people.add_token(session, "ada", row))
    client = await site.client("", Authorization=f"Bearer {token}")
    assert (await client.get(ME)).json()["login"] == "ada"
    stays = await client.delete(ME)
    assert (stays.status_code, stays.json()["code"]) == (409, "auth.token_stays")
    assert (await client.get(ME)).status_code == 200
    assert await site.store.write(lambda session: people.revoke_tokens(session, "ada", "door", clock.now())) == 1
    refused = await client.get(ME)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    other = await site.client("bo", Authorization="Bearer fo_wrong")
    assert (await other.get(ME)).status_code == 401
    with pytest.raises(Problem, match=r"account\.unknown"):
        await site.store.write(lambda session: people.add_token(session, "nobody", ApiToken(**row.model_dump())))


async def test_a_token_runs_out(site: Site, clock: Clock) -> None:
    def write(session: Session) -> None:
        row = session.get_one(ApiToken, digest("fo_token-of-ada"))
        row.expires_at = clock.now() + timedelta(hours=1)
        session.add(row)

    await site.store.write(write)
    client = await site.program("ada")
    assert (await client.get(ME)).status_code == 200
    clock.tick(hours=1)
    assert (await client.get(ME)).status_code == 401


async def test_five_wrong_tries_a_minute_and_login_then_wait(site: Site, clock: Clock) -> None:
    client = await site.client()
    answers = [await sign_in(client, "ada", "wrong") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {401}
    assert [(await sign_in(client, "ada")).status_code for _ in range(2)] == [429, 429]
    unknown = [await sign_in(await site.client("", "203.0.113.10"), "nobody", "wrong") for _ in range(6)]
    assert [answer.status_code for answer in unknown] == [401] * 5 + [429]
    assert unknown[0].content == answers[0].content
    assert unknown[5].headers["retry-after"] == "60"
    clock.tick(minutes=1)
    assert (await sign_in(client)).status_code == 200


async def test_a_success_takes_its_own_tries_back(site: Site) -> None:
    client = await site.client()
    for _ in range(4):
        await sign_in(client, "ada", "wrong")
    assert [(await sign_in(client)).status_code for _ in range(7)] == [200] * 7


async def test_a_first_password_must_be_changed_before_anything_else(site: Site) -> None:
    await change(site.store, "ada", must_change_password=True)
    client, elsewhere = await site.client("ada"), await site.client()
    await sign_in(elsewhere)
    assert (await client.get(ME)).json()["must_change_password"] is True
    refused = await client.get("/api/v1/forms")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.password_to_change")
    url = f"{ME}/password"
    new = "a much better password"
    assert (await client.post(url, json={"old": PASSWORD, "new": "x" * (LEAST_PASSWORD - 1)})).status_code == 422
    assert (await client.post(url, json={"old": PASSWORD, "new": PASSWORD})).status_code == 422
    assert (await client.post(url, json={"old": "wrong", "new": new})).status_code == 401
    assert (await client.post(url, json={"old": PASSWORD, "new": new})).status_code == 204
    assert (await client.get("/api/v1/forms")).status_code == 200
    assert (await elsewhere.get(ME)).status_code == 401
    assert [(await sign_in(elsewhere, password=word)).status_code for word in (PASSWORD, new)] == [401, 200]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 204),
        ({"Origin": "http://hub.test"}, 204),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_another_sites_page_cannot_use_the_cookie(site: Site, headers: dict[str, str], status: int) -> None:
    client = await site.client("ada")
    client.headers = httpx.Headers(headers)
    answer = await client.delete(ME)
    assert answer.status_code == status
    assert (await client.get(ME)).status_code == (401 if status == 204 else 200)


async def test_another_sites_page_cannot_sign_anybody_in(site: Site) -> None:
    client = await site.client()
    client.headers = httpx.Headers({"Origin": "http://evil.test"})
    assert (await sign_in(client)).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_json_must_say_so(site: Site, kind: str) -> None:
    client = await site.client("ada")
    for url in (URL, "/api/v1/submissions", "/api/v1/deliveries/replay"):
        answer = await client.post(url, content=b'{"login": "ada", "password": "x"}', headers={"Content-Type": kind})
        assert answer.status_code in {403, 415}
    assert (await client.post(URL, content=b"{}", headers={"Content-Type": kind})).json()["code"] == "request.not_json"


async def test_over_https_the_cookie_is_bound_to_the_host(site: Site) -> None:
    site.parts.settings.__dict__["public_url"] = "https://hub.test"
    client = await site.client()
    cookie = (await sign_in(client)).headers["set-cookie"]
    assert cookie.startswith("__Host-hub_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def request(address: str, forwarded: str) -> httpx.Request:
    from fastapi import Request  # noqa: PLC0415 - a scope is all it needs

    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "headers": headers, "client": (address, 1)})  # type: ignore[return-value]  # near enough


@pytest.mark.parametrize(
    ("address", "forwarded", "seen"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("203.0.113.5", "127.0.0.1", "203.0.113.5"),
        ("10.0.0.1", "127.0.0.1, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.5"),
    ],
)
def test_only_trusted_proxies_say_who_asked(address: str, forwarded: str, seen: str) -> None:
    settings = Settings(profile="test", trusted_proxies=("10.0.0.1", "10.0.0.2"))
    assert client_address(request(address, forwarded), settings) == seen  # type: ignore[arg-type]  # near enough


def test_the_cookie_names_no_host_over_http() -> None:
    assert cookie_name(Settings(profile="test", public_url="http://hub.test")) == "hub_session"


async def test_the_first_start_makes_one_operator_with_a_password_shown_once(store: Store, clock: Clock) -> None:
    made = await store.write(lambda session: people.ensure_first_operator(session, "330783000000", clock.now()))
    assert made is not None
    login, password = made
    row = await store.read(lambda session: people.account_named(session, login))
    assert row is not None
    assert (row.role, row.must_change_password) == (Role.OPERATOR, True)
    assert is_password(password, row.password_hash)
    assert not is_password(password, None)
    assert await store.write(lambda session: people.ensure_first_operator(session, "330783000000", clock.now())) is None


async def test_seeds_are_put_in_once(site: Site, clock: Clock) -> None:
    row = {"login": "new", "name": "新", "role": "staff", "division": "330783005004", "password": "demo-demo-demo"}
    assert await site.store.write(lambda session: people.seed_accounts(session, [row, row], clock.now())) == 1
    assert (await account(site, "new")).staff_number == ""
    new = people.NewAccount("new", "x", Role.STAFF, "330783005004", "x")
    with pytest.raises(Problem, match=r"account\.exists"):
        await site.store.write(lambda session: people.create_account(session, new, clock.now()))
