"""Operators keep the accounts of their division: opened with a one-time password, changed, disabled, never deleted."""

import httpx
import pytest
from sqlmodel import Session, select

from hub.clock import Clock
from hub.model import Division, JournalEntry
from hub.model.people import Role
from tests.web.conftest import COUNTY, OTHER_VILLAGE, PASSWORD, PEOPLE, TOWN, VILLAGE, Site, account

URL, ME = "/api/v1/accounts", "/api/v1/sessions/me"
LEI = {"login": "chen.lei", "name": "陈雷", "role": "staff", "division": VILLAGE, "phone": "19900000107"}
UNIT = {"code": VILLAGE, "name": "李宅村"}


@pytest.fixture
async def opal(site: Site, clock: Clock) -> httpx.AsyncClient:
    """The county's operator, in a county whose divisions are known."""

    def write(session: Session) -> None:
        for code, level in ((COUNTY, "county"), (TOWN, "town"), (OTHER_VILLAGE, "village")):
            session.add(
                Division(code=code, name=code, level=level, valid_from=clock.now().date(), recorded_at=clock.now())
            )

    await site.store.write(write)
    return await site.client("opal")


@pytest.fixture
async def tom(site: Site, opal: httpx.AsyncClient) -> httpx.AsyncClient:
    """An operator of one town, past the one-time password."""
    given = (await opal.post(URL, json=LEI | {"login": "tom", "role": "operator", "division": TOWN})).json()
    return await first_sign_in(site, "tom", given["one_time_password"])


async def first_sign_in(site: Site, login: str, password: str) -> httpx.AsyncClient:
    client = await site.client()
    assert (await client.post("/api/v1/sessions", json={"login": login, "password": password})).status_code == 200
    assert (await client.get("/api/v1/forms")).json()["code"] == "auth.password_to_change"
    changed = await client.post(f"{ME}/password", json={"old": password, "new": "my own long password"})
    assert changed.status_code == 204
    return client


async def deeds(site: Site) -> list[tuple[str, str, str, str]]:
    def read(session: Session) -> list[tuple[str, str, str, str]]:
        rows = session.exec(select(JournalEntry).order_by(JournalEntry.id))
        return [(row.account_id, row.action, row.subject, row.why) for row in rows]

    return await site.store.read(read)


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    assert all(fault["message"]["zh"] and fault["remedy"]["en"] for fault in answer.json()["faults"])
    return [(fault["path"], fault["code"]) for fault in answer.json()["faults"]]


async def test_a_new_officer_signs_in_with_a_password_shown_once(
    site: Site, opal: httpx.AsyncClient, clock: Clock
) -> None:
    answer = await opal.post(URL, json=LEI)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    password = given.pop("one_time_password")
    assert len(password) >= 12
    assert given == {
        "id": given["id"], "login": "chen.lei", "name": "陈雷", "role": "staff", "unit": UNIT, "department": "",
        "staff_number": "", "phone": "19900000107", "must_change_password": True, "disabled_at": None,
        "created_at": clock.now().isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    assert given in (await opal.get(URL)).json()
    client = await first_sign_in(site, "chen.lei", password)
    assert (await client.get("/api/v1/forms")).status_code == 200
    me = await account(site, "opal")
    assert await deeds(site) == [(me.id, "account.created", given["id"], "")]


@pytest.mark.parametrize("login", [login for login in PEOPLE if login != "opal"])
async def test_accounts_are_for_operators_only(site: Site, login: str) -> None:
    client = await site.client(login)
    for answer in (await client.get(URL), await client.post(URL, json=LEI), await client.patch(f"{URL}/ada", json={})):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_a_login_is_given_once(opal: httpx.AsyncClient) -> None:
    answer = await opal.post(URL, json=LEI | {"login": "ada"})
    assert (answer.status_code, answer.json()["code"]) == (409, "account.exists")


@pytest.mark.parametrize(("wrong", "expected"), [
    ({"login": "19900000107"}, [("/login", "login_form")]),
    ({"login": "Chen.Lei"}, [("/login", "login_form")]),
    ({"login": "c"}, [("/login", "login_form")]),
    ({"login": "a" * 81}, [("/login", "too_long")]),
    ({"name": "  "}, [("/name", "required")]),
    ({"name": "陈\n雷"}, [("/name", "invalid")]),
    ({"division": "330783"}, [("/division", "division_form")]),
    ({"division": "330783005999"}, [("/division", "division_unknown")]),
    ({"division": "330784001001"}, [("/division", "division_out_of_reach")]),
    ({"role": "king"}, [("/role", "enum")]),
    ({"role": "department_admin"}, [("/department", "department_needed")]),
    ({"department": "Water Bureau"}, [("/department", "department_form")]),
    ({"phone": "none"}, [("/phone", "phone_form")]),
    ({"password": "x"}, [("/password", "unknown_field")]),
    ({"login": "X", "division": "1"}, [("/login", "login_form"), ("/division", "division_form")]),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_does_not_fit_is_named_and_nothing_is_made(
    site: Site, opal: httpx.AsyncClient, wrong: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    before = (await opal.get(URL)).json()
    assert faults(await opal.post(URL, json=LEI | wrong)) == expected
    assert (await opal.get(URL)).json() == before
    assert await deeds(site) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_any_division_goes_where_no_list_was_imported(site: Site) -> None:
    def forget(session: Session) -> None:
        for row in session.exec(select(Division)):
            session.delete(row)

    await site.store.write(forget)
    answer = await (await site.client("opal")).post(URL, json=LEI | {"division": "330783005999"})
    assert answer.json()["unit"] == {"code": "330783005999", "name": "330783005999"}


async def test_an_operator_reaches_the_own_division_only(opal: httpx.AsyncClient, tom: httpx.AsyncClient) -> None:
    listed = [one["login"] for one in (await tom.get(URL)).json()]
    assert listed == ["ada", "cy", "lea", "lou", "tom"]
    theirs, nobodys = await tom.patch(f"{URL}/bo", json={"name": "x"}), await tom.patch(f"{URL}/zoe", json={})
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json()["code"] == nobodys.json()["code"] == "account.unknown"
    outside = [("/division", "division_out_of_reach")]
    assert faults(await tom.patch(f"{URL}/ada", json={"division": COUNTY})) == outside
    assert faults(await tom.post(URL, json=LEI | {"division": OTHER_VILLAGE})) == outside
    assert (await opal.patch(f"{URL}/bo", json={"name": "波"})).json()["name"] == "波"


async def test_the_list_goes_on_after_a_login(opal: httpx.AsyncClient) -> None:
    first = (await opal.get(URL, params={"limit": 2})).json()
    rest = (await opal.get(URL, params={"after": first[-1]["login"]})).json()
    assert [one["login"] for one in first + rest] == sorted(PEOPLE)
    assert "one_time_password" not in first[0]
    assert "password_hash" not in first[0]


@pytest.mark.parametrize(("change", "ends"), [
    ({"role": "leader"}, True), ({"division": OTHER_VILLAGE}, True), ({"department": "water-bureau"}, True),
    ({"role": "department_admin", "department": "water-bureau"}, True), ({"disabled": True}, True),
    ({"reset_password": True}, True), ({"name": "阿达", "phone": "", "staff_number": "N-2"}, False),
    ({"role": "staff", "division": VILLAGE, "disabled": False, "reset_password": False}, False), ({}, False),
])  # fmt: skip
async def test_a_change_of_reach_ends_what_is_signed_in(
    site: Site, opal: httpx.AsyncClient, change: dict[str, object], ends: bool
) -> None:
    ada, bystander = await site.client("ada"), await site.client("cy")
    assert (await opal.patch(f"{URL}/ada", json=change)).status_code == 200
    assert (await ada.get(ME)).status_code == (401 if ends else 200)
    assert (await bystander.get(ME)).status_code == 200


async def test_a_token_takes_on_the_new_role(site: Site, opal: httpx.AsyncClient) -> None:
    program = await site.program("ada")
    assert (await program.get(URL)).status_code == 403
    assert (await opal.patch(f"{URL}/ada", json={"role": "operator"})).status_code == 200
    assert [one["login"] for one in (await program.get(URL)).json()] == ["ada", "cy"]


async def test_disabled_is_disabled_until_enabled_and_brings_no_token_back(
    site: Site, opal: httpx.AsyncClient, clock: Clock
) -> None:
    program, browser = await site.program("ada"), await site.client()
    disabled = (await opal.patch(f"{URL}/ada", json={"disabled": True})).json()
    assert disabled["disabled_at"] == clock.now().isoformat().replace("+00:00", "Z")
    assert disabled["one_time_password"] is None
    signing_in = {"login": "ada", "password": PASSWORD}
    assert (await browser.post("/api/v1/sessions", json=signing_in)).status_code == 401
    assert (await opal.patch(f"{URL}/ada", json={"disabled": False})).json()["disabled_at"] is None
    assert (await browser.post("/api/v1/sessions", json=signing_in)).status_code == 200
    assert (await program.get(ME)).status_code == 401
    ada, me = await account(site, "ada"), await account(site, "opal")
    assert await deeds(site) == [
        (me.id, "account.disabled", ada.id, ""),
        (me.id, "account.enabled", ada.id, ""),
    ]


async def test_a_lost_password_is_replaced_by_a_one_time_one(site: Site, opal: httpx.AsyncClient) -> None:
    given = (await opal.patch(f"{URL}/ada", json={"reset_password": True, "name": "阿达"})).json()
    assert given["must_change_password"] is True
    old = {"login": "ada", "password": PASSWORD}
    assert (await (await site.client()).post("/api/v1/sessions", json=old)).status_code == 401
    await first_sign_in(site, "ada", given["one_time_password"])
    assert [(action, why) for _, action, _, why in await deeds(site)] == [
        ("account.changed", "name"),
        ("account.password_reset", ""),
    ]


@pytest.mark.parametrize(("change", "expected"), [
    ({"role": "department_admin"}, [("/department", "department_needed")]),
    ({"division": "330783005999"}, [("/division", "division_unknown")]),
    ({"division": ""}, [("/division", "division_form")]),
    ({"name": ""}, [("/name", "required")]),
    ({"login": "eve"}, [("/login", "unknown_field")]),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_change_that_does_not_fit_changes_nothing(
    site: Site, opal: httpx.AsyncClient, change: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    before = await account(site, "ada")
    assert faults(await opal.patch(f"{URL}/ada", json={"phone": "110110"} | change)) == expected
    assert await account(site, "ada") == before
    assert await deeds(site) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_admin_keeps_a_department(opal: httpx.AsyncClient) -> None:
    assert faults(await opal.patch(f"{URL}/wes", json={"department": ""})) == [("/department", "department_needed")]
    assert (await opal.patch(f"{URL}/wes", json={"department": "", "role": "leader"})).status_code == 200


@pytest.mark.parametrize("change", [
    {"role": "staff"}, {"division": VILLAGE}, {"department": "water-bureau"}, {"disabled": True},
    {"reset_password": True},
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_shuts_themselves_out(site: Site, opal: httpx.AsyncClient, change: dict[str, object]) -> None:
    answer = await opal.patch(f"{URL}/opal", json=change)
    assert (answer.status_code, answer.json()["code"]) == (409, "account.own")
    assert Role((await account(site, "opal")).role) is Role.OPERATOR
    assert (await opal.patch(f"{URL}/opal", json={"name": "欧珀"})).json()["name"] == "欧珀"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_another_site_cannot_make_accounts(opal: httpx.AsyncClient) -> None:
    opal.headers["Sec-Fetch-Site"] = "cross-site"
    assert (await opal.post(URL, json=LEI)).json()["code"] == "auth.foreign_page"
    opal.headers["Sec-Fetch-Site"] = "same-origin"
    plain = await opal.post(URL, content=b"{}", headers={"Content-Type": "text/plain"})
    assert plain.json()["code"] == "request.not_json"
