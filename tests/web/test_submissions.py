"""Submissions over HTTP: accepted once, shown in words, corrected, and each to whom it concerns only."""

from typing import Any
from uuid import uuid4

import pytest

from hub.clock import Clock
from tests.web.conftest import HEAD, Site, visit

URL = "/api/v1/submissions"


def said(view: dict[str, Any], record: str) -> list[dict[str, Any]]:
    return [one for one in view["records"] if one["record"] == record]


async def test_one_visit_becomes_what_each_system_needs(site: Site, submitted: dict[str, Any]) -> None:
    (bin_score,) = said(submitted, "bin_score/v1")
    (delivery,) = bin_score["deliveries"]
    assert delivery["system"] == "garbage-scoring"
    assert delivery["state"] == "waiting"
    assert delivery["simulated"] is True
    assert "东阳考垃" in delivery["says"]["zh"]
    assert bin_score["summary"] is not None
    dispute = next(one for one in said(submitted, "finding/v1") if "宅基地争执" in one["summary"]["zh"])
    assert dispute["taker"] is False
    assert dispute["issue"]["state"] == "reported"
    assert dispute["skipped"]
    assert all(skip["reason"]["zh"] and skip["title"]["zh"] for skip in dispute["skipped"])
    assert {"garbage-scoring", "river-patrol", "household-visit"} <= set().union(*site.rung)
    assert submitted["by"] == {"name": "名ada"}
    assert submitted["answers"]["household.head_name"] == HEAD


@pytest.mark.fault("F28")
async def test_again_is_the_same_answer_and_other_content_a_conflict(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    first = await ada.post(URL, json=body)
    again = await ada.post(URL, json=body)
    other = await ada.post(URL, json=body | {"place": "BIN/1"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["code"] == "submission.conflict"
    assert len((await ada.get(URL)).json()) == 1


@pytest.mark.case("C32")
async def test_a_conflict_names_the_own_submission_so_that_it_can_be_corrected(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    first = (await ada.post(URL, json=body)).json()
    other = visit(clock, id=body["id"])
    other["answers"]["visit.summary"] = "后来又改了"
    conflict = (await ada.post(URL, json=other)).json()
    assert conflict["submission"] == first["id"]
    corrected = await ada.post(f"{URL}/{conflict['submission']}/revisions", json=other | {"id": str(uuid4())})
    assert (corrected.status_code, corrected.json()["revision"]) == (201, 2)


@pytest.mark.case("C32")
async def test_a_correction_whose_answer_was_lost_is_named_like_its_first_one(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    first = (await ada.post(URL, json=body)).json()
    again = visit(clock)
    again["answers"]["visit.summary"] = "补充"
    await ada.post(f"{URL}/{first['id']}/revisions", json=again)
    again["answers"]["visit.summary"] = "再补充"
    conflict = await ada.post(f"{URL}/{first['id']}/revisions", json=again)
    assert conflict.status_code == 409
    named = (await ada.get(f"{URL}/{conflict.json()['submission']}")).json()
    assert (named["id"], named["revision"]) == (first["id"], 2)


@pytest.mark.case("C32")
async def test_of_anothers_submission_under_the_same_id_nothing_is_told(site: Site, clock: Clock) -> None:
    body = visit(clock)
    assert (await (await site.client("ada")).post(URL, json=body)).status_code == 201
    hers = await (await site.client("cy")).post(URL, json=visit(clock, id=body["id"]))
    assert hers.status_code == 201, "ids are each author's own"


async def test_a_correction_shows_the_newest_of_each(site: Site, clock: Clock, submitted: dict[str, Any]) -> None:
    ada = await site.client("ada")
    body = visit(clock)
    body["answers"]["bin"]["bin.sorting"] = "poor"
    corrected = await ada.post(f"{URL}/{submitted['id']}/revisions", json=body)
    assert corrected.status_code == 201, corrected.text
    view = corrected.json()
    assert (view["id"], view["revision"]) == (submitted["id"], 2)
    assert view["client_id"] == body["id"]
    assert len(said(view, "bin_score/v1")[0]["deliveries"]) == 1
    assert (await ada.get(f"{URL}/{submitted['id']}")).json() == view
    assert (await ada.post(f"{URL}/{submitted['id']}/revisions", json=body)).status_code == 200
    assert [one["revision"] for one in (await ada.get(URL)).json()] == [2]


async def test_a_correction_that_contradicts_a_source_is_kept_as_such(site: Site, clock: Clock) -> None:
    body = visit(clock)
    body["answers"]["household.head_name"] = "陈小山"
    shown = {"system": "household-visit", "as_of": clock.now().isoformat(), "value": HEAD}
    body["seen"] = {"/household.head_name": shown}
    view = (await (await site.client("ada")).post(URL, json=body)).json()
    (found,) = view["discrepancies"]
    assert (found["theirs"], found["ours"], found["system"]) == (HEAD, "陈小山", "household-visit")
    assert found["title"]["en"]


async def test_faults_are_told_in_both_languages_at_their_place(site: Site, clock: Clock) -> None:
    body = visit(clock)
    del body["answers"]["visit.purpose"]
    answer = await (await site.client("ada")).post(URL, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "submission.invalid"
    (fault,) = problem["faults"]
    assert fault["path"] == "/answers/visit.purpose"
    assert fault["message"]["zh"]
    assert fault["remedy"]["en"]


@pytest.mark.parametrize("login", ["bo", "cy"])
async def test_anothers_submission_is_as_unknown_as_none(site: Site, submitted: dict[str, Any], login: str) -> None:
    client = await site.client(login)
    theirs = await client.get(f"{URL}/{submitted['id']}")
    nobodys = await client.get(f"{URL}/0198c1de-0000-7000-8000-0000000000ff")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert (await client.get(URL)).json() == []


async def test_a_leader_reads_values_within_the_division(site: Site, submitted: dict[str, Any]) -> None:
    client = await site.client("lea")
    view = (await client.get(f"{URL}/{submitted['id']}")).json()
    assert view["answers"]["household.head_name"] == HEAD
    assert [one["id"] for one in (await client.get(URL)).json()] == [submitted["id"]]
    assert (await client.get(URL, params={"mine": "true"})).json() == []


async def test_a_department_sees_only_what_goes_to_its_systems(site: Site, submitted: dict[str, Any]) -> None:
    view = (await (await site.client("dan")).get(f"{URL}/{submitted['id']}")).json()
    assert [one["record"] for one in view["records"]] == ["bin_score/v1"]
    assert {d["system"] for one in view["records"] for d in one["deliveries"]} == {"garbage-scoring"}
    assert (view["answers"], view["location"], view["place"], view["by"], view["discrepancies"]) == (
        None,
        None,
        None,
        None,
        [],
    )
    assert [one["summary"] for one in view["records"]] == [None]


@pytest.mark.parametrize("login", ["bea", "opal"])
async def test_the_bureau_and_operators_see_no_values(site: Site, submitted: dict[str, Any], login: str) -> None:
    client = await site.client(login)
    for answer in (await client.get(f"{URL}/{submitted['id']}"), await client.get(URL)):
        assert answer.status_code == 200
        assert submitted["id"] in answer.text
        for value in (HEAD, "19900000102", "宅基地争执", "有污水入河", "12号", "名ada"):
            assert value not in answer.text


async def test_a_list_goes_on_after_its_last(site: Site, clock: Clock) -> None:
    ada, ids = await site.client("ada"), []
    for _ in range(3):
        ids.insert(0, (await ada.post(URL, json=visit(clock))).json()["id"])
        clock.tick(minutes=1)
    first = (await ada.get(URL, params={"limit": 2})).json()
    rest = (await ada.get(URL, params={"limit": 2, "after": first[-1]["id"]})).json()
    assert [one["id"] for one in first + rest] == ids


@pytest.mark.parametrize("login", ["dan", "bea", "opal"])
async def test_only_those_on_the_spot_fill_forms(site: Site, clock: Clock, login: str) -> None:
    answer = await (await site.client(login)).post(URL, json=visit(clock))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
