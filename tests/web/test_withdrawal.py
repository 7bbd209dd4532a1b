"""Withdrawals and moves over HTTP: who may, what they are told before and after, and what others see of it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlmodel import Session, col, update

from hub.clock import Clock
from hub.model import Alias, Delivery, Place
from hub.model.delivery import State
from hub.outbox.entry.take import take
from tests.conftest import HandClock
from tests.unit.intake.test_track import along, recorded, river, wandering
from tests.web.conftest import VILLAGE, Site, account, visit
from tests.web.test_meanwhile import ENDINGS, everything
from tests.web.test_tracks import notes, patrol, sent

URL, WHY = "/api/v1/submissions", "走错门了，应是隔壁"
NEXT_DOOR = "0198c1de-0000-7000-8000-000000000004"
PLAIN = {"household.head_name": "陈大山", "household.phone": "19900000102", "household.member_count": 5,
         "visit.purpose": "safety"}  # fmt: skip
pytestmark = pytest.mark.case("C46")


@pytest.fixture
async def next_door(site: Site, clock: Clock) -> str:
    """The code of a household beside the first, in the same village; the garbage system does not know it."""
    now = clock.now()

    def write(session: Session) -> None:
        session.add(Place(id=NEXT_DOOR, kind="household", name="13号", division=VILLAGE, token="tok-n", created_at=now))
        session.flush()
        at = {"place_id": NEXT_DOOR, "told_by": "household-visit", "since": now}
        session.add(Alias(issuer="household-visit", code="HV-13", is_key=True, **at))

    await site.store.write(write)
    return "HV-13"


async def stand(site: Site, view: dict[str, Any], **values: object) -> None:
    """Let all Deliveries of a Submission stand like this."""
    ids = [one["id"] for record in view["records"] for one in record["deliveries"]]
    change = update(Delivery).where(col(Delivery.id).in_(ids)).values(due_at=None, **values)
    await site.store.write(lambda session: session.connection().execute(change) and None)


def deliveries(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["system"]: one for record in view["records"] for one in record["deliveries"]}


async def test_an_author_takes_a_visit_back_with_a_reason(site: Site, submitted: dict[str, Any]) -> None:
    ada = await site.client("ada")
    await stand(site, submitted, state=State.DELIVERED, remote_id="N-1")
    url = f"{URL}/{submitted['id']}/withdrawal"
    answer = await ada.post(url, json={"why": WHY})
    again = await ada.post(url, json={"why": f" {WHY} "})
    assert (answer.status_code, again.status_code) == (201, 200), answer.text
    view = answer.json()
    assert view == again.json() == (await ada.get(f"{URL}/{submitted['id']}")).json()
    assert (view["id"], view["revision"], view["moved_from"]) == (submitted["id"], 2, None)
    assert view["withdrawn"] == {
        "at": view["received_at"], "by": {"name": "名ada"}, "by_author": True, "why": WHY, "moved_to": None,
    }  # fmt: skip
    assert view["answers"] == submitted["answers"], "what was filled in stays readable until it is erased"
    assert {record["withdrawn"] for record in view["records"]} == {True}
    told = deliveries(view)
    assert {name: (one["intent"], one["state"]) for name, one in told.items()} == {
        "household-visit": ("withdraw", "manual"),
        "garbage-scoring": ("withdraw", "manual"),
        "river-patrol": ("withdraw", "manual"),
    }
    assert told["household-visit"]["says"]["zh"] == "走村入户不能自动撤回，由人到该系统撤回后确认。"
    assert told["household-visit"]["reason"] == WHY
    (line,) = (await ada.get(URL)).json()
    assert line["withdrawn"] == view["withdrawn"]
    other = await ada.post(url, json={"why": "另一个原因"})
    assert (other.status_code, other.json()["code"]) == (409, "submission.withdrawn")


async def test_what_never_left_is_told_in_words(site: Site, submitted: dict[str, Any]) -> None:
    ada = await site.client("ada")
    foreseen = (await ada.get(f"{URL}/{submitted['id']}/withdrawal")).json()
    assert [one["system"] for one in foreseen["systems"]] == ["household-visit", "garbage-scoring", "river-patrol"]
    assert {one["will"] for one in foreseen["systems"]} == {"cancel"}
    assert foreseen["systems"][0]["says"]["zh"] == "走村入户还没有接收，不再发送。"
    view = (await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})).json()
    assert {one["says"]["zh"] for one in deliveries(view).values()} == {
        f"{system}没有接收过，已撤回，不再发送。" for system in ("走村入户", "东阳考垃", "河长制巡河")
    }
    assert site.rung[-1] == set()


async def test_what_will_happen_is_told_before(site: Site, submitted: dict[str, Any]) -> None:
    ada = await site.client("ada")
    await stand(site, submitted, state=State.DELIVERED, remote_id="N-1")
    foreseen = (await ada.get(f"{URL}/{submitted['id']}/withdrawal")).json()["systems"]
    assert {one["will"] for one in foreseen} == {"by_hand"}
    first = foreseen[0]
    assert (first["number"], first["about"]["zh"], first["title"]["zh"]) == ("N-1", "入户走访", "走村入户")
    assert "N-1" in first["says"]["zh"]
    assert (await ada.get(URL)).json()[0]["withdrawn"] is None, "nothing was done by looking"


@pytest.mark.parametrize(
    ("login", "status"),
    [("bo", 404), ("cy", 404), ("dan", 403), ("bea", 403), ("opal", 403), ("lea", 201), ("ada", 201)],
)
async def test_who_may_take_it_back(site: Site, submitted: dict[str, Any], login: str, status: int) -> None:
    client = await site.client(login)
    url = f"{URL}/{submitted['id']}/withdrawal"
    looked = await client.get(url)
    answer = await client.post(url, json={"why": WHY})
    assert (looked.status_code, answer.status_code) == (200 if status == 201 else status, status)
    if status == 404:
        nobodys = await client.post(f"{URL}/0198c1de-0000-7000-8000-0000000000ff/withdrawal", json={"why": WHY})
        assert answer.content == nobodys.content


@pytest.mark.usefixtures("next_door")
@pytest.mark.parametrize(
    ("login", "status"), [("bo", 404), ("cy", 404), ("lea", 404), ("dan", 403), ("bea", 403), ("opal", 403)]
)
async def test_only_its_author_moves_it(
    site: Site, clock: Clock, submitted: dict[str, Any], login: str, status: int
) -> None:
    place = "HV-2" if login == "bo" else "HV-13"
    body = visit(clock, place=place, why=WHY, answers=PLAIN)
    answer = await (await site.client(login)).post(f"{URL}/{submitted['id']}/move", json=body)
    assert answer.status_code == status, answer.text
    assert (await (await site.client("ada")).get(f"{URL}/{submitted['id']}")).json()["withdrawn"] is None


async def test_a_leader_who_takes_it_back_is_named(site: Site, submitted: dict[str, Any]) -> None:
    lea, ada = await site.client("lea"), await site.client("ada")
    assert (await lea.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})).status_code == 201
    seen = (await ada.get(f"{URL}/{submitted['id']}")).json()
    assert seen["by"] == {"name": "名ada"}
    assert (seen["withdrawn"]["by"], seen["withdrawn"]["by_author"]) == ({"name": "名lea"}, False)
    assert [one["id"] for one in (await ada.get(URL, params={"mine": "true"})).json()] == [submitted["id"]]
    assert len(deliveries(seen)) == 3, "its author sees what becomes of it"


@pytest.mark.parametrize("login", ["bea", "opal", "dan"])
async def test_those_who_see_no_values_see_no_reason(site: Site, submitted: dict[str, Any], login: str) -> None:
    ada, other = await site.client("ada"), await site.client(login)
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    seen = (await other.get(f"{URL}/{submitted['id']}")).json()["withdrawn"]
    assert (seen["by"], seen["why"], seen["by_author"]) == (None, None, True)


@pytest.mark.parametrize(
    ("login", "may"),
    [("ada", ["revise", "withdraw", "move"]), ("lea", ["withdraw"]), ("bea", []), ("opal", []), ("dan", [])],
)
async def test_the_page_is_told_what_one_may_do(
    site: Site, submitted: dict[str, Any], login: str, may: list[str]
) -> None:
    client, ada = await site.client(login), await site.client("ada")
    url = f"{URL}/{submitted['id']}"
    before = (await client.get(url)).json()
    await ada.post(f"{url}/withdrawal", json={"why": WHY})
    assert (before["may"], (await client.get(url)).json()["may"]) == (may, [])
    assert before["shown"] == ([] if login in {"ada", "lea"} else None)


@pytest.mark.parametrize("why", ["", "   ", "x" * 501, "a\x07b"])
async def test_a_reason_is_asked_for(site: Site, submitted: dict[str, Any], why: str) -> None:
    ada = await site.client("ada")
    answer = await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": why})
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert (fault["path"], bool(fault["message"]["zh"] and fault["remedy"]["en"])) == ("/why", True)


async def test_withdrawn_is_neither_corrected_nor_moved(
    site: Site, clock: Clock, submitted: dict[str, Any], next_door: str
) -> None:
    ada = await site.client("ada")
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    corrected = await ada.post(f"{URL}/{submitted['id']}/revisions", json=visit(clock))
    moved = await ada.post(f"{URL}/{submitted['id']}/move", json=visit(clock, place=next_door, why=WHY))
    for answer in (corrected, moved, await ada.get(f"{URL}/{submitted['id']}/withdrawal")):
        assert (answer.status_code, answer.json()["code"]) == (409, "submission.withdrawn")
        assert "请另填一份" in answer.json()["detail"]
    assert (await ada.post(URL, json=visit(clock))).status_code == 201


async def test_a_visit_at_the_wrong_door_is_moved_in_one_act(
    site: Site, clock: Clock, submitted: dict[str, Any], next_door: str
) -> None:
    ada, body = await site.client("ada"), visit(clock, place=next_door, why=WHY)
    answer = await ada.post(f"{URL}/{submitted['id']}/move", json=body)
    again = await ada.post(f"{URL}/{submitted['id']}/move", json=body)
    assert (answer.status_code, again.status_code) == (201, 200), answer.text
    new = answer.json()
    assert new == again.json()
    assert (new["place"]["name"], new["revision"], new["client_id"]) == ("13号", 1, body["id"])
    assert new["moved_from"] == {"id": submitted["id"], "number": submitted["number"]}
    old = (await ada.get(f"{URL}/{submitted['id']}")).json()
    assert old["withdrawn"]["moved_to"] == {"id": new["id"], "number": new["number"]}
    assert sorted(deliveries(new)) == ["household-visit", "river-patrol"]
    assert {one["id"] for one in (await ada.get(URL)).json()} == {new["id"], old["id"]}


async def test_a_move_is_judged_like_any_submission(
    site: Site, clock: Clock, submitted: dict[str, Any], next_door: str
) -> None:
    ada = await site.client("ada")
    body = visit(clock, place=next_door, why=WHY)
    del body["answers"]["visit.purpose"]
    wrong = await ada.post(f"{URL}/{submitted['id']}/move", json=body)
    same = await ada.post(f"{URL}/{submitted['id']}/move", json=visit(clock, why=WHY))
    none = await ada.post(f"{URL}/{submitted['id']}/move", json=visit(clock, place=next_door))
    told = [(a.status_code, [(f["path"], f["code"]) for f in a.json()["faults"]]) for a in (wrong, same, none)]
    assert told == [
        (422, [("/answers/visit.purpose", "required")]),
        (422, [("/place", "place_same")]),
        (422, [("/why", "required")]),
    ]
    assert all(fault["remedy"]["zh"] for answer in (wrong, same, none) for fault in answer.json()["faults"])
    assert (await ada.get(f"{URL}/{submitted['id']}")).json()["withdrawn"] is None


async def test_an_erased_one_is_gone(site: Site, clock: Clock, submitted: dict[str, Any], next_door: str) -> None:
    ada, opal = await site.client("ada"), await site.client("opal")
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    erased = await opal.post(f"{URL}/{submitted['id']}/erasure", json={"why": "asked for"})
    assert erased.status_code == 200, "its Issues were closed with it"
    url = f"{URL}/{submitted['id']}"
    for answer in (
        await ada.get(f"{url}/withdrawal"),
        await ada.post(f"{url}/withdrawal", json={"why": WHY}),
        await ada.post(f"{url}/move", json=visit(clock, place=next_door, why=WHY)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "submission.erased")


async def test_who_is_entering_it_sees_that_it_was_taken_back(site: Site, submitted: dict[str, Any]) -> None:
    dan, ada = await site.client("dan"), await site.client("ada")
    await stand(site, submitted, state=State.MANUAL)
    score = deliveries(submitted)["garbage-scoring"]["id"]
    who, now = await account(site, "dan"), site.parts.clock.now()
    await site.store.write(lambda session: take(session, score, who, now))
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    entries = {one["intent"]: one for one in (await dan.get("/api/v1/deliveries/by-hand")).json()}
    assert entries["create"]["withdrawn"] is True
    assert (entries["withdraw"]["withdrawn"], entries["withdraw"]["waits_for"]) == (False, score)
    early = await dan.post(f"/api/v1/deliveries/{entries['withdraw']['id']}/confirm", json={"number": "-", "why": "x"})
    assert (early.status_code, early.json()["code"]) == (409, "delivery.not_its_turn")
    done = await dan.post(f"/api/v1/deliveries/{score}/confirm", json={"number": "S-7", "why": "录好了"})
    assert (done.status_code, done.json()["withdrawn"]) == (200, False)
    page = (await dan.get(f"/api/v1/deliveries/{entries['withdraw']['id']}")).json()
    assert (page["amends"], page["reason"], page["waits_for"]) == ("S-7", WHY, None)


async def test_an_issue_says_that_its_finding_was_taken_back(site: Site, submitted: dict[str, Any]) -> None:
    lea, cy, ada = await site.client("lea"), await site.client("cy"), await site.client("ada")
    first, second = (one["issue"]["id"] for one in submitted["records"] if one["issue"])
    issues = "/api/v1/issues"
    await lea.post(f"{issues}/{first}/steps", json={"to": "assigned", "assignee": "cy"})
    early = await cy.post(f"{issues}/{first}/steps", json={"to": "closed"})
    assert early.status_code == 409, "while the finding stands nobody closes it unsolved"
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    mine = (await cy.get(f"{issues}/{first}")).json()
    assert (mine["state"], mine["withdrawn"]) == ("assigned", True)
    last = mine["steps"][-1]
    assert (last["old"], last["new"], last["note"], last["by"]) == ("assigned", "assigned", WHY, "名ada")
    closed = await cy.post(f"{issues}/{first}/steps", json={"to": "closed", "note": "已撤回，不用去"})
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    other = (await lea.get(f"{issues}/{second}")).json()
    assert (other["state"], other["withdrawn"], other["steps"][-1]["note"]) == ("closed", True, WHY)
    assert (await lea.post(f"{issues}/{second}/steps", json={"to": "assigned", "assignee": "cy"})).status_code == 409


async def test_who_works_on_a_withdrawn_issue_may_finish_it_as_well(site: Site, submitted: dict[str, Any]) -> None:
    lea, cy, ada = await site.client("lea"), await site.client("cy"), await site.client("ada")
    issue = next(one["issue"]["id"] for one in submitted["records"] if one["issue"])
    url = f"/api/v1/issues/{issue}/steps"
    await lea.post(url, json={"to": "assigned", "assignee": "cy"})
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    for client, to in ((cy, "handled"), (lea, "verified"), (lea, "closed")):
        assert (await client.post(url, json={"to": to})).status_code == 200, to


async def test_counts_tell_it_like_a_correction(site: Site, submitted: dict[str, Any]) -> None:
    opal, ada = await site.client("opal"), await site.client("ada")
    await ada.post(f"{URL}/{submitted['id']}/withdrawal", json={"why": WHY})
    metrics = (await opal.get("/metrics")).text
    assert "hub_submissions 2.0" in metrics
    assert 'hub_deliveries{state="cancelled",system="household-visit"} 1.0' in metrics
    assert "hub_submissions_withdrawn 1.0" in metrics


async def test_an_id_another_person_uses_is_no_obstacle(
    site: Site, clock: Clock, submitted: dict[str, Any], next_door: str
) -> None:
    bo = await site.client("bo")
    taken = {**visit(clock, place="HV-2", answers=PLAIN), "id": str(uuid4())}
    assert (await bo.post(URL, json=taken)).status_code == 201
    mine = {**visit(clock, place=next_door, answers=PLAIN), "why": WHY, "id": taken["id"]}
    ada = await site.client("ada")
    answer = await ada.post(f"{URL}/{submitted['id']}/move", json=mine)
    assert (answer.status_code, answer.json()["client_id"]) == (201, taken["id"])
    assert (await bo.get(URL)).json()[0]["moved_from"] is None
    beyond = await ada.post(f"{URL}/{answer.json()['id']}/move", json=mine | {"place": "HV-2", "id": str(uuid4())})
    assert (beyond.status_code, beyond.json()["faults"][0]["code"]) == (422, "place_unknown")


@pytest.mark.fault("F94")
@pytest.mark.case("C72")
async def test_rights_that_end_while_a_move_arrives_are_gone_when_it_is_written(
    site: Site, clock: Clock, submitted: dict[str, Any], next_door: str
) -> None:
    ada, before = await site.client("ada"), await everything(site.store)
    body = orjson.dumps(visit(clock, place=next_door, why=WHY))

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100]
        await site.store.write(ENDINGS["disabled"]("ada", clock))
        yield body[100:]

    headers = {"Content-Type": "application/json"}
    answer = await ada.post(f"{URL}/{submitted['id']}/move", content=slowly(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")
    assert await everything(site.store) == before


@pytest.mark.case("C29")
async def test_a_patrol_moved_to_another_segment_repeats_nothing(site: Site, clock: HandClock) -> None:
    """Its track is that of the one it takes back, which was no patrol there."""

    def write(session: Session) -> None:
        other = Place(id=NEXT_DOOR, kind="river_segment", name="江北溪下段", division=VILLAGE, token="tok-s",
                      created_at=clock.now())  # fmt: skip
        session.add(other)
        session.flush()
        session.add(Alias(issuer="river-patrol", code="SEG-2", place_id=other.id, told_by="river-patrol",
                          since=clock.now(), is_key=True))  # fmt: skip

    await site.store.write(write)
    walked = patrol(clock, recorded(wandering(along(river(3)), 5, 31)))
    first = await sent(site, walked)
    moved = walked | {"id": str(uuid4()), "place": "SEG-2", "why": WHY}
    second = await sent(site, moved, f"{URL}/{first['id']}/move")
    assert len(notes(second)) == 1, "not marked as a repeat of what it takes back"
    assert len(notes(await sent(site, walked | {"id": str(uuid4())}))) == 2, "a third one is one of the second"
