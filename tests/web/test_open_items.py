"""What readings left open, and what stands on a Place: to each no more than is theirs, ended with a reason."""

from typing import Any

import pytest
from sqlmodel import Session, col, select

from hub.clock import Clock
from hub.model import Alias, JournalEntry, OpenItem, Place
from hub.model.open_item import ItemKind
from hub.model.people import Role
from hub.model.system import Pull, PullOutcome
from tests.builders import pull_row
from tests.web.conftest import FAR_HOUSE, HOUSE, RIVER, TOWN, VILLAGE, Site, let_in

ITEMS, PLACES = "/api/v1/open-items", "/api/v1/places"
WHY = {"why": "已核实"}
SAME, MINE, THEIRS, NOBODYS = (f"0198c1de-0000-7000-8000-00000000010{n}" for n in (1, 2, 3, 4))
FILE_OF = "330799 1990 0101 1239"


def item(clock: Clock, number: str, system: str, kind: ItemKind, **values: Any) -> OpenItem:  # noqa: ANN401 - its columns
    plain = {"pull": "homes", "row_key": "R-1", "reason": "open_item.codes_tangled", "params": {"count": 2}}
    now = clock.now()
    return OpenItem(
        **{"id": number, "system": system, "kind": kind, "first_at": now, "last_at": now, **plain, **values}
    )


@pytest.fixture
async def hub(site: Site, clock: Clock) -> Site:
    """Two open items of two departments, and a second Place for one house."""

    now = clock.now()

    def write(session: Session) -> None:
        let_in(session, "tom", (Role.OPERATOR, TOWN, ""), "x", clock.now())
        session.add(Place(id=SAME, kind="household", name="12号", division=VILLAGE, token="t-s", created_at=now))
        session.add(pull_row("garbage-scoring", {"bin.last_level": "good"}, now, place_id=SAME, row_key="g-9"))
        session.add(pull_row("river-patrol", {}, now, place_id=RIVER, row_key="seg-1"))
        session.add(Alias(issuer="garbage-scoring", code="G-9", place_id=SAME, told_by="garbage-scoring",
                          pull="homes", row_key="g-9", since=now, is_key=True))  # fmt: skip
        session.add(item(clock, MINE, "garbage-scoring", ItemKind.PLACES_TO_LINK, reason="open_item.places_to_link",
                         params={"other": "household-visit"}, place_id=SAME, other_place_id=HOUSE))  # fmt: skip
        session.add(item(clock, THEIRS, "river-patrol", ItemKind.VALUE_NOT_UNDERSTOOD, field="household.phone",
                         reason="open_item.not_a_phone", params={}, value="1…", row_key=FILE_OF))  # fmt: skip

    await site.store.write(write)
    return site


async def listed(site: Site, login: str, **query: str) -> list[dict[str, Any]]:
    answer = await (await site.client(login)).get(ITEMS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def act(site: Site, login: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = await (await site.client(login)).post(path, json=body)
    return answer.status_code, answer.json()


async def journal(site: Site) -> list[tuple[str, str, str]]:
    query = select(JournalEntry).where(
        col(JournalEntry.action).like("open_item%") | col(JournalEntry.action).like("place%")
    )
    rows = await site.store.read(lambda session: list(session.exec(query.order_by(col(JournalEntry.id)))))
    return [(row.action, row.subject, row.why) for row in rows]


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    ("login", "seen"),
    [("opal", {MINE, THEIRS}), ("bea", {MINE, THEIRS}), ("dan", {MINE}), ("wes", {THEIRS}), ("tom", {MINE, THEIRS})],
)
async def test_each_sees_what_is_open_of_their_systems(hub: Site, login: str, seen: set[str]) -> None:
    assert {one["id"] for one in await listed(hub, login)} == seen
    assert await listed(hub, login, system="poverty-alleviation") == []


@pytest.mark.case("C06")
async def test_an_item_says_what_it_is_and_what_to_do(hub: Site) -> None:
    (one,) = await listed(hub, "wes", kind="value_not_understood")
    assert (one["what"]["zh"], one["title"]["zh"]) == ("有一个值看不懂", "河长制巡河")
    assert (one["field"], one["field_title"]["zh"], one["value"]) == ("household.phone", "联系电话", "1…")
    assert one["remedy"]["en"].startswith("Ask the department")
    assert one["row_key"] == "…", "the number of a person names no row on a page"
    assert (one["state"], one["ended"], one["times"]) == ("open", None, 1)


@pytest.mark.case("C10")
async def test_a_list_goes_on_page_by_page(hub: Site) -> None:
    client = await hub.client("opal")
    first = await client.get(ITEMS, params={"limit": 1})
    assert (first.headers["X-Total-Count"], [one["id"] for one in first.json()]) == ("2", [THEIRS])
    second = await client.get(first.headers["Link"].split(">")[0].strip("<"))
    assert [one["id"] for one in second.json()] == [MINE]


@pytest.mark.case("C10")
@pytest.mark.parametrize(("verb", "state"), [("dismiss", "dismissed"), ("solve", "solved")])
async def test_it_ends_with_a_reason_once(hub: Site, verb: str, state: str) -> None:
    status, view = await act(hub, "dan", f"{ITEMS}/{MINE}/{verb}", WHY)
    assert (status, view["state"], view["ended"]["by"], view["ended"]["why"]) == (200, state, "名dan", "已核实")
    assert MINE not in {one["id"] for one in await listed(hub, "opal")}
    assert [one["ended"]["by"] for one in await listed(hub, "opal", state=state)] == ["名dan"]
    status, problem = await act(hub, "opal", f"{ITEMS}/{MINE}/{verb}", WHY)
    assert (status, problem["code"]) == (409, "open_item.ended")
    assert await journal(hub) == [(f"open_item.{state}", MINE, "已核实")]


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    ("login", "which", "body", "told"),
    [
        ("dan", THEIRS, WHY, (404, "not_found")),
        ("opal", NOBODYS, WHY, (404, "not_found")),
        ("tom", MINE, WHY, (403, "system.beyond_reach")),
        ("bea", MINE, WHY, (403, "auth.forbidden")),
        ("ada", MINE, WHY, (403, "auth.forbidden")),
        ("dan", MINE, {"why": " "}, (422, "request.invalid")),
        ("dan", MINE, {}, (422, "request.invalid")),
    ],
)
async def test_nobody_ends_what_is_not_theirs_or_without_a_reason(
    hub: Site, login: str, which: str, body: dict[str, str], told: tuple[int, str]
) -> None:
    status, problem = await act(hub, login, f"{ITEMS}/{which}/dismiss", body)
    assert (status, problem["code"]) == told
    assert len(await listed(hub, "opal")) == 2
    assert await journal(hub) == []


@pytest.mark.case("C09")
@pytest.mark.parametrize("login", ["opal", "bea", "dan"])
async def test_a_failed_pull_shows_with_its_reason(hub: Site, clock: Clock, login: str) -> None:
    now = clock.now()
    (flow,) = hub.parts.registry.systems["garbage-scoring"].pulls
    failed = Pull(system=flow.system, name=flow.name, slot_at=now, started_at=now, ended_at=now,
                  outcome=PullOutcome.FAILED, reason=f"401 for {FILE_OF}")  # fmt: skip
    await hub.store.write(lambda session: session.add(failed))
    answer = (await (await hub.client(login)).get("/api/v1/systems")).json()
    ((told,),) = [one["pulls"] for one in answer if one["system"] == "garbage-scoring"]
    assert (told["name"], told["outcome"], told["reason"]) == (flow.name, "failed", "401 for …")
    assert (told["rows"], told["whole_at"], told["open_items"]) == (0, None, 0)
    never = next((one["pulls"][0] for one in answer if one["system"] == "household-visit"), None)
    assert login == "dan" or (never is not None and never["outcome"] is None)


@pytest.mark.case("C10")
@pytest.mark.parametrize("login", ["opal", "bea", "dan"])
async def test_two_places_are_linked_and_parted_again(hub: Site, login: str) -> None:
    status, view = await act(hub, login, f"{PLACES}/{SAME}/link", WHY | {"into": HOUSE})
    assert (status, view["id"]) == (200, HOUSE), view
    rows = {(row["system"], row["key"], row["decided_by"]) for row in view["rows"]}
    assert ("garbage-scoring", "G-9", f"名{login}") in rows
    assert {code["code"] for code in view["codes"]} >= {"HV-1", "G-9"}
    assert [one["id"] for one in await listed(hub, "opal", state="solved")] == [MINE]
    left = (await (await hub.client("opal")).get(f"{PLACES}/{SAME}/sources")).json()
    assert (left["linked_to"], left["rows"], [one["fate"] for one in left["earlier"]]) == (HOUSE, [], ["linked"])
    opened = await (await hub.client("ada")).get(f"{PLACES}/G-9")
    assert opened.json()["id"] == HOUSE
    rows = [{"system": "garbage-scoring", "pull": "homes", "key": "G-9"}]
    status, parted = await act(hub, login, f"{PLACES}/{HOUSE}/part", WHY | {"rows": rows})
    codes = {code["code"] for code in parted["codes"]}
    assert (status, "G-9" in codes, "HV-1" in codes) == (200, True, False), parted
    assert parted["id"] not in (HOUSE, SAME)
    assert [one[0] for one in await journal(hub)] == ["place.linked", "place.parted"]


@pytest.mark.case("C10")
async def test_a_code_is_placed_by_hand(hub: Site) -> None:
    body = WHY | {"issuer": "garbage-scoring", "code": "ｇ-9"}
    status, view = await act(hub, "dan", f"{PLACES}/{SAME}/codes", body)
    assert (status, [(code["code"], code["decided_by"]) for code in view["codes"]]) == (200, [("G-9", "名dan")])


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    ("login", "path", "body", "told"),
    [
        ("wes", f"{SAME}/link", {"into": HOUSE}, (404, "not_found")),
        ("dan", f"{SAME}/link", {"into": SAME}, (422, "request.invalid")),
        ("dan", f"{SAME}/link", {"into": RIVER}, (409, "place.other_kind")),
        ("dan", f"{SAME}/link", {"into": NOBODYS}, (404, "not_found")),
        ("dan", f"{SAME}/link", {}, (422, "request.invalid")),
        ("tom", f"{SAME}/link", {"into": HOUSE}, (403, "place.beyond_reach")),
        ("ada", f"{SAME}/link", {"into": HOUSE}, (403, "auth.forbidden")),
        ("dan", f"{SAME}/part", {"rows": []}, (422, "request.invalid")),
        ("dan", f"{SAME}/part", {"rows": [{"system": "x", "pull": "y", "key": "z"}]}, (422, "request.invalid")),
        ("dan", f"{SAME}/codes", {"issuer": "police", "code": "S-404"}, (422, "request.invalid")),
        ("dan", f"{FAR_HOUSE}/codes", {"issuer": "garbage-scoring", "code": "G-9"}, (404, "not_found")),
    ],
)
async def test_what_is_not_theirs_or_cannot_be_is_refused(
    hub: Site, login: str, path: str, body: dict[str, Any], told: tuple[int, str]
) -> None:
    status, problem = await act(hub, login, f"{PLACES}/{path}", WHY | body)
    assert (status, problem["code"]) == told, problem
    assert await journal(hub) == []


@pytest.mark.case("C10")
async def test_sources_are_shown_without_values(hub: Site) -> None:
    answer = await (await hub.client("bea")).get(f"{PLACES}/{HOUSE}/sources")
    assert answer.status_code == 200
    assert "陈大山" not in answer.text
    assert (await (await hub.client("wes")).get(f"{PLACES}/{HOUSE}/sources")).status_code == 404
    assert (await (await hub.client("ada")).get(f"{PLACES}/{HOUSE}/sources")).status_code == 403
