"""Deliveries and Systems over HTTP: who sees which, what a person may do about one, and what that wakes."""

from datetime import timedelta

import httpx
import pytest
from sqlmodel import Session, col, select

from hub.clock import Clock
from hub.model import Attempt, Delivery, JournalEntry, SystemState
from hub.model.column import new_id
from hub.model.delivery import State
from hub.store.query import systems
from tests.builders import spoil
from tests.web.conftest import HEAD, Site

URL = "/api/v1/deliveries"
BIN, RIVER = "garbage-scoring", "river-patrol"
WHY = {"why": "对方系统已恢复"}


async def put(site: Site, system: str, state: State, **values: object) -> str:
    """Bring the System's one Delivery into a state, as the outbox would; return its id."""

    def write(session: Session) -> str:
        row = session.exec(select(Delivery).where(Delivery.system == system)).one()
        row.sqlmodel_update({"state": state, "due_at": None, **values})
        session.add(row)
        return row.id

    return await site.store.write(write)


async def post(client: httpx.AsyncClient, delivery_id: str, act: str, **body: str) -> httpx.Response:
    return await client.post(f"{URL}/{delivery_id}/{act}", json=WHY | body)


@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize(
    ("login", "seen"),
    [
        ("ada", {"household-visit", BIN, RIVER}),
        ("cy", set()),
        ("bo", set()),
        ("lea", {"household-visit", BIN, RIVER}),
        ("dan", {BIN}),
        ("wes", {RIVER}),
        ("bea", {"household-visit", BIN, RIVER}),
        ("opal", {"household-visit", BIN, RIVER}),
    ],
)
async def test_each_sees_the_deliveries_that_concern_them(site: Site, login: str, seen: set[str]) -> None:
    client = await site.client(login)
    listed = (await client.get(URL)).json()
    assert {one["system"] for one in listed} == seen
    everything = (await (await site.client("opal")).get(URL)).json()
    for one in everything:
        page = await client.get(f"{URL}/{one['id']}")
        assert page.status_code == (200 if one["system"] in seen else 404)
        if page.status_code == 200:
            assert (page.json()["payload"] is not None) == (login in {"dan", "wes"})
            assert HEAD not in page.text


@pytest.mark.usefixtures("submitted")
async def test_a_list_by_state_and_system_goes_on_after_its_last(site: Site) -> None:
    await put(site, BIN, State.PARKED)
    client = await site.client("opal")

    async def found(**query: str | int) -> list[str]:
        return [one["system"] for one in (await client.get(URL, params=query)).json()]

    assert await found(state="parked") == [BIN]
    assert await found(system=RIVER) == [RIVER]
    assert await found(state="parked", system=RIVER) == []
    first = (await client.get(URL, params={"limit": 2})).json()
    rest = (await client.get(URL, params={"after": first[-1]["id"]})).json()
    assert sorted(one["system"] for one in first + rest) == sorted(["household-visit", BIN, RIVER])
    assert (await client.get(URL, params={"state": "lost"})).status_code == 422


@pytest.mark.usefixtures("submitted")
async def test_replay_sends_again_and_says_why(site: Site) -> None:
    delivery_id = await put(site, BIN, State.PARKED, reason="桶不存在", attempts=1)
    client = await site.client("dan")
    before = (await client.get(f"{URL}/{delivery_id}")).json()
    site.rung.clear()
    answer = await post(client, delivery_id, "replay")
    assert answer.status_code == 200
    after = answer.json()
    assert (after["state"], after["repeat"]) == ("waiting", True)
    assert (after["key"], after["digest"]) == (before["key"], before["digest"])
    assert site.rung == [{BIN}]
    entries = await site.store.read(
        lambda s: s.exec(select(JournalEntry).where(JournalEntry.subject == delivery_id)).all()
    )
    assert (entries[-1].action, entries[-1].why) == ("delivery.replayed", WHY["why"])


@pytest.mark.usefixtures("submitted")
async def test_many_are_replayed_by_id_or_by_how_they_stand(site: Site) -> None:
    mine, theirs = await put(site, BIN, State.PARKED), await put(site, RIVER, State.PARKED)
    dan, opal = await site.client("dan"), await site.client("opal")
    foreign = await dan.post(f"{URL}/replay", json=WHY | {"ids": [mine, theirs]})
    assert foreign.status_code == 404
    answers = [(await dan.post(f"{URL}/replay", json=WHY | {"ids": [mine]})).json() for _ in range(2)]
    assert [(answer["ids"], [one["became"] for one in answer["each"]]) for answer in answers] == [
        ([mine], ["sent"]),
        ([], ["under_way"]),
    ]
    nothing = (await dan.post(f"{URL}/replay", json=WHY | {"filter": {"state": "parked"}})).json()
    assert nothing == {"ids": [], "each": []}
    by_filter = await opal.post(f"{URL}/replay", json=WHY | {"filter": {"state": "parked", "system": RIVER}})
    assert by_filter.json()["ids"] == [theirs]
    for body in (
        {},
        {"ids": [mine], "filter": {"state": "parked"}},
        {"ids": []},
        {"ids": [mine], "state": "delivered"},
    ):
        assert (await opal.post(f"{URL}/replay", json=WHY | body)).status_code == 422


@pytest.mark.usefixtures("submitted")
async def test_a_person_settles_what_needs_a_person(site: Site) -> None:
    client = await site.client("dan")
    delivery_id = await put(site, BIN, State.PARKED)
    confirmed = await post(client, delivery_id, "confirm", number="S-7")
    assert confirmed.status_code == 200
    assert (confirmed.json()["state"], confirmed.json()["number"]) == ("delivered", "S-7")
    assert "S-7" in confirmed.json()["says"]["zh"]
    assert confirmed.json()["delivered_at"] is not None
    again = await post(client, delivery_id, "confirm", number="S-8")
    assert (again.status_code, again.json()["code"]) == (409, "delivery.not_for_hand")
    assert (again.json()["detail"], again.json()["en"]["detail"]) == (
        "它现在是“已送达”，刷新后再看。",
        "It now is “delivered”; look again after a refresh.",
    )
    await put(site, BIN, State.PARKED)
    cancelled = await post(client, delivery_id, "cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert WHY["why"] in cancelled.json()["says"]["zh"]


@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize("act", ["replay", "confirm", "cancel"])
async def test_settling_is_for_the_systems_own_department(site: Site, act: str) -> None:
    delivery_id = await put(site, BIN, State.PARKED)
    for login, status in {"ada": 403, "lea": 403, "bea": 403, "wes": 404}.items():
        answer = await post(await site.client(login), delivery_id, act, **({"number": "1"} if act == "confirm" else {}))
        assert answer.status_code == status
    unknown = await post(await site.client("dan"), "0198c1de-0000-7000-8000-0000000000ff", act,
                         **({"number": "1"} if act == "confirm" else {}))  # fmt: skip
    assert unknown.status_code == 404
    for why in ("", "  ", "\x00", "x" * 501):
        answer = await (await site.client("dan")).post(f"{URL}/{delivery_id}/{act}", json={"why": why, "number": "1"})
        assert answer.status_code == 422


@pytest.mark.usefixtures("submitted")
async def test_tries_and_reasons_show_and_numbers_in_them_are_blanked_for_operators(site: Site, clock: Clock) -> None:
    delivery_id = await put(site, BIN, State.PARKED, reason="电话19900000102重复", attempts=1)

    def write(session: Session) -> None:
        session.add(
            Attempt(delivery_id=delivery_id, kind="push", number=1, started_at=clock.now(), ended_at=clock.now(),
                    outcome="refused", reason="电话19900000102重复")
        )  # fmt: skip

    await site.store.write(write)
    own = (await (await site.client("dan")).get(f"{URL}/{delivery_id}")).json()
    assert own["tries"][0]["reason"] == own["reason"] == "电话19900000102重复"
    blanked = await (await site.client("opal")).get(f"{URL}/{delivery_id}")
    assert "19900000102" not in blanked.text
    assert blanked.json()["tries"][0]["outcome"] == "refused"


@pytest.mark.usefixtures("submitted")
async def test_systems_show_how_they_fare(site: Site, clock: Clock) -> None:
    await put(site, BIN, State.PARKED)

    def pause(session: Session) -> None:
        session.add(SystemState(system=BIN, paused_reason="secret expired", paused_at=clock.now()))

    await site.store.write(pause)
    (mine,) = (await (await site.client("dan")).get("/api/v1/systems")).json()
    assert (mine["system"], mine["parked"], mine["waiting"]) == (BIN, 1, 0)
    assert (mine["paused_reason"], mine["breaker"], mine["simulated"]) == ("secret expired", "closed", True)
    everything = (await (await site.client("bea")).get("/api/v1/systems")).json()
    assert {one["system"]: one["waiting"] for one in everything}[RIVER] == 1
    assert len(everything) == 4


async def test_a_pause_is_ended_by_who_may(site: Site, clock: Clock) -> None:
    def pause(session: Session) -> None:
        session.add(SystemState(system=BIN, paused_reason="secret expired", paused_at=clock.now()))

    await site.store.write(pause)
    url = f"/api/v1/systems/{BIN}/resume"
    codes = {}
    for login in ("ada", "bea", "wes"):
        codes[login] = (await (await site.client(login)).post(url, json=WHY)).status_code
    assert codes == {"ada": 403, "bea": 403, "wes": 404}
    dan = await site.client("dan")
    assert (await dan.post(url, json=WHY)).status_code == 204
    assert site.rung[-1] == {BIN}
    assert await site.store.read(systems.paused) == []
    assert (await dan.post(url, json=WHY)).status_code == 409


async def test_a_pull_by_hand_is_for_the_systems_own_department(site: Site) -> None:
    assert (await (await site.client("wes")).post(f"/api/v1/systems/{BIN}/pull")).status_code == 404
    answer = await (await site.client("dan")).post(f"/api/v1/systems/{BIN}/pull", params={"name": "nothing"})
    assert (answer.status_code, answer.json()["code"]) == (404, "pull.unknown")
    (report,) = (await (await site.client("opal")).post(f"/api/v1/systems/{BIN}/pull")).json()
    assert (report["system"], report["outcome"], report["rows"]) == (BIN, "done", 0)


@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize("state", [State.WAITING, State.MANUAL, State.PARKED])
async def test_what_waits_for_another_says_so(site: Site, clock: Clock, state: State) -> None:
    other = await put(site, BIN, State.WAITING)
    delivery_id = await put(site, RIVER, state, after_id=other, due_at=None)
    page = (await (await site.client("ada")).get(f"{URL}/{delivery_id}")).json()
    assert page["waits_for"] == other
    assert page["due_at"] is None
    await put(site, RIVER, State.RETRY, after_id=None, due_at=clock.now() + timedelta(minutes=5))
    page = (await (await site.client("ada")).get(f"{URL}/{delivery_id}")).json()
    assert (page["waits_for"], page["state"]) == (None, "retry")
    assert (
        await site.store.read(lambda s: s.exec(select(Delivery).where(col(Delivery.after_id).is_not(None))).all()) == []
    )


@pytest.mark.case("C42")
@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize(
    ("intent", "code", "became"),
    [("amend", "delivery.overtaken", "outdated"), ("withdraw", "delivery.withdrawn", "withdrawn")],
)
async def test_one_that_was_changed_or_taken_back_is_refused_in_words_singly_and_among_many(
    site: Site, intent: str, code: str, became: str
) -> None:
    first = await put(site, BIN, State.DELIVERED, attempts=1, remote_id="N-1")

    def correct(session: Session) -> str:
        row = session.exec(select(Delivery).where(Delivery.id == first)).one()
        kept = {name: getattr(row, name) for name in Delivery.model_fields}
        copy = Delivery(**{**kept, "id": new_id(), "key": f"{row.key}2", "revision": 2, "intent": intent})
        session.add(copy)
        return copy.id

    second = await site.store.write(correct)
    client = await site.client("dan")
    refused = await post(client, first, "replay")
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert "第 2 版" in refused.json()["detail"]
    assert "revision 2" in refused.json()["en"]["detail"]
    assert (await client.get(f"{URL}/{first}")).json()["state"] == "delivered"
    answer = (await client.post(f"{URL}/replay", json=WHY | {"ids": [first, second]})).json()
    told = {one["id"]: one for one in answer["each"]}
    assert (answer["ids"], told[first]["became"], told[first]["revision"]) == ([second], became, 2)
    assert ("更正" if intent == "amend" else "撤回") in told[first]["says"]["zh"]
    assert (told[second]["became"], told[second]["revision"]) == ("sent", None)


@pytest.mark.case("C74")
@pytest.mark.fault("F96")
@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize(("column", "word"), [("state", "frozen"), ("intent", "merge")])
async def test_one_of_a_newer_program_is_shown_and_hides_no_other(site: Site, column: str, word: str) -> None:
    delivery_id = await put(site, BIN, State.WAITING)

    await site.store.write(lambda session: spoil(session, delivery_id, column, word))
    opal, ada = await site.client("opal"), await site.client("ada")
    listed = {one["system"]: one for one in (await opal.get(URL)).json()}
    assert set(listed) == {"household-visit", BIN, RIVER}
    odd = listed[BIN]
    assert odd[column] == "unrecognised"
    assert "不认识" in odd["says"]["zh"]
    assert "upgrade the hub" in odd["says"]["en"]
    assert (await opal.get(f"{URL}/{delivery_id}")).json()["says"] == odd["says"]
    assert (await opal.get("/api/v1/systems")).status_code == 200
    (submission,) = (await ada.get("/api/v1/submissions")).json()
    says = [one["says"] for record in submission["records"] for one in record["deliveries"] if one["system"] == BIN]
    assert says == [odd["says"]]
    refused = await post(opal, delivery_id, "confirm", number="S-1")
    assert (refused.status_code, refused.json()["code"]) == (409, "delivery.not_for_hand")
