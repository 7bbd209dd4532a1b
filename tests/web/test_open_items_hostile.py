"""What a careless or hostile client may send to the doors of open items and Places' sources, and what they let out."""

import asyncio
import json
from typing import Any

import pytest
from sqlmodel import Session, col, update

from hub.clock import Clock
from hub.model import Account, Alias, OpenItem, Place
from hub.model.open_item import ItemKind
from hub.model.people import Role
from tests.builders import pull_row
from tests.web.conftest import FAR_HOUSE, HOUSE, OTHER_VILLAGE, TOWN, VILLAGE, Site, account, let_in, visit

ITEMS, PLACES = "/api/v1/open-items", "/api/v1/places"
WHY = {"why": "已核实"}
SAME, MINE = (f"0198c1de-0000-7000-8000-00000000020{n}" for n in (1, 2))
PERSON = "330799199001011239"
ROW = {"system": "garbage-scoring", "pull": "homes", "key": "G-9"}


@pytest.fixture
async def hub(site: Site, clock: Clock) -> Site:
    """A Place two departments know, and an item whose row and code are numbers of people."""
    now = clock.now()

    def write(session: Session) -> None:
        let_in(session, "tom", (Role.OPERATOR, TOWN, ""), "x", now)
        let_in(session, "tea", (Role.DATA_BUREAU, OTHER_VILLAGE, ""), "x", now)
        let_in(session, "ted", (Role.DEPARTMENT_ADMIN, OTHER_VILLAGE, "agriculture-office"), "x", now)
        session.add(Place(id=SAME, kind="household", name="12号", division=VILLAGE, token="t-s", created_at=now))
        for system, key in (("garbage-scoring", "G-9"), ("household-visit", "HV-9"), ("household-visit", "HV-8")):
            session.add(pull_row(system, {}, now, place_id=SAME, row_key=key.lower()))
            session.add(Alias(issuer=system, code=key, place_id=SAME, told_by=system, pull="homes",
                              row_key=key.lower(), since=now, is_key=True))  # fmt: skip
        session.add(OpenItem(
            id=MINE, system="garbage-scoring", pull="homes", kind=ItemKind.CODES_TANGLED, row_key=PERSON,
            field="police", reason="open_item.told_by_two",
            params={"code": PERSON, "other": PERSON, "issuer": "police"}, first_at=now, last_at=now,
        ))  # fmt: skip

    await site.store.write(write)
    return site


async def act(site: Site, login: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401 - any JSON
    answer = await (await site.client(login)).post(path, json=body)
    return answer.status_code, answer.json()


@pytest.mark.case("C10")
@pytest.mark.parametrize("login", ["opal", "bea", "dan"])
async def test_no_number_of_a_person_is_in_a_list_of_items(hub: Site, login: str) -> None:
    answer = await (await hub.client(login)).get(ITEMS)
    assert [one["id"] for one in answer.json()] == [MINE]
    assert PERSON not in answer.text


@pytest.mark.case("C10")
@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\x1b[31m", "x" * 1001, "", 7, None, [], {}, True])
@pytest.mark.parametrize("field", ["key", "system", "pull", "code", "issuer", "into", "why"])
async def test_what_no_text_of_ours_may_be_is_refused(hub: Site, field: str, text: object) -> None:
    link, part, code = (
        WHY | {"into": HOUSE},
        WHY | {"rows": [dict(ROW)]},
        WHY | {"issuer": "garbage-scoring", "code": "G-9"},
    )
    path, body = {"into": ("link", link), "why": ("link", link)}.get(field, ("part", part))
    if field in ("code", "issuer"):
        path, body = "codes", code
    (body["rows"][0] if field in ROW else body)[field] = text  # type: ignore[index]  # one of the bodies above
    client = await hub.client("opal")
    sent = json.dumps(body).encode()
    answer = await client.post(f"{PLACES}/{SAME}/{path}", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text


@pytest.mark.case("C10")
@pytest.mark.parametrize("query", [
    {"system": "%"}, {"system": "_" * 80}, {"after": "%"}, {"after": "zzz"}, {"after": SAME}, {"system": "' or 1=1 --"},
])  # fmt: skip
async def test_wildcards_and_foreign_ids_find_nothing_of_others(hub: Site, query: dict[str, str]) -> None:
    answer = await (await hub.client("wes")).get(ITEMS, params=query)
    assert (answer.status_code, answer.json()) == (200, []), answer.text


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    "query", [{"after": "\x00"}, {"system": "a\x00"}, {"kind": "x"}, {"state": ""}, {"limit": "0"}]
)
async def test_odd_questions_are_refused(hub: Site, query: dict[str, str]) -> None:
    answer = await (await hub.client("opal")).get(ITEMS, params=query)
    assert answer.status_code == 422, answer.text


@pytest.mark.case("C10")
async def test_ten_thousand_rows_are_too_many(hub: Site) -> None:
    status, problem = await act(hub, "opal", f"{PLACES}/{SAME}/part", WHY | {"rows": [ROW] * 10_000})
    assert (status, problem["code"]) == (413, "request.too_large")
    status, problem = await act(hub, "opal", f"{PLACES}/{SAME}/part", WHY | {"rows": [ROW] * 101})
    assert (status, problem["code"]) == (422, "request.invalid")


@pytest.mark.case("C10")
async def test_a_row_named_twice_is_one_row(hub: Site) -> None:
    status, view = await act(hub, "opal", f"{PLACES}/{SAME}/part", WHY | {"rows": [ROW, ROW | {"key": "ｇ-9"}]})
    assert (status, [row["key"] for row in view["rows"]]) == (200, ["G-9"]), view


@pytest.mark.case("C10")
async def test_a_department_parts_a_row_of_another_one_from_its_place(hub: Site) -> None:
    """The bin is right, the visit list is about the neighbours: the agriculture office says so."""
    row = {"system": "household-visit", "pull": "homes", "key": "HV-8"}
    status, view = await act(hub, "dan", f"{PLACES}/{SAME}/part", WHY | {"rows": [row]})
    assert status == 200, view
    assert [one["key"] for one in view["rows"]] == ["HV-8"]


@pytest.mark.case("C10")
@pytest.mark.parametrize("login", ["tom", "tea", "ted"])
async def test_who_acts_in_a_part_of_the_county_sees_no_places_beyond_it(hub: Site, login: str) -> None:
    within = {"tom": SAME, "tea": FAR_HOUSE, "ted": FAR_HOUSE}[login]
    beyond = {"tom": FAR_HOUSE, "tea": SAME, "ted": SAME}[login]
    client = await hub.client(login)
    assert (await client.get(f"{PLACES}/{beyond}/sources")).status_code == 404
    if login != "ted":  # none of the agriculture office's Systems knows that one
        assert (await client.get(f"{PLACES}/{within}/sources")).status_code == 200


@pytest.mark.case("C10")
@pytest.mark.parametrize("login", ["", "ada", "lea"])
@pytest.mark.parametrize("path", [f"{ITEMS}/{MINE}/solve", f"{ITEMS}/{MINE}/dismiss", f"{PLACES}/{SAME}/link",
                                  f"{PLACES}/{SAME}/part", f"{PLACES}/{SAME}/codes"])  # fmt: skip
async def test_who_keeps_no_system_decides_nothing(hub: Site, login: str, path: str) -> None:
    status, _ = await act(hub, login, path, WHY | {"into": HOUSE})
    assert status == (403 if login else 401)


@pytest.mark.case("C10")
async def test_who_is_disabled_meanwhile_decides_nothing(hub: Site) -> None:
    opal = await account(hub, "opal")
    asked = act(hub, "opal", f"{PLACES}/{SAME}/link", WHY | {"into": HOUSE})
    task = asyncio.create_task(asked)
    await hub.store.write(lambda s: s.connection().execute(
        update(Account).where(col(Account.id) == opal.id).values(disabled_at=hub.parts.clock.now())
    ))  # fmt: skip
    status, _ = await task
    linked_to = await hub.store.read(lambda session: session.get_one(Place, SAME).linked_to)
    assert (status, linked_to) in ((200, HOUSE), (401, None), (403, None))
    later, _ = await act(hub, "opal", f"{PLACES}/{HOUSE}/part", WHY | {"rows": [ROW]})
    assert later == 401


@pytest.mark.case("C10")
async def test_what_is_filed_by_the_id_of_a_linked_place_goes_to_the_one_it_is(hub: Site, clock: Clock) -> None:
    status, _ = await act(hub, "opal", f"{PLACES}/{SAME}/link", WHY | {"into": HOUSE})
    assert status == 200
    ada = await hub.client("ada")
    for said in (SAME, "G-9", "FO1:t-s"):
        opened = await ada.get(f"{PLACES}/{said}")
        assert (opened.status_code, opened.json()["id"]) == (200, HOUSE), opened.text
        made = await ada.post("/api/v1/submissions", json=visit(clock, place=said))
        assert made.status_code == 201, made.text
        assert made.json()["place"]["id"] == HOUSE
