"""What the page can say before anything is sent: which System would get what, and what none of them takes."""

from typing import Any

import pytest

from hub.clock import Clock
from tests.web.conftest import RIVER, Site, visit

FORMS = "/api/v1/forms"
TRACK = [
    {"lon": 120.24, "lat": 29.28, "crs": "wgs84", "accuracy_m": 8, "at": "2026-11-23T08:30:05+08:00"},
    {"lon": 120.25, "lat": 29.29, "crs": "wgs84", "accuracy_m": 8, "at": "2026-11-23T08:52:05+08:00"},
]
NO_TRACK = "没有巡查路线，河段不在巡河系统中，或填报人没有工号"


def patrol(clock: Clock, **answers: object) -> dict[str, Any]:
    walked = {
        "patrol.started_at": "2026-11-23T08:30:00+08:00",
        "patrol.ended_at": "2026-11-23T08:55:00+08:00",
        "patrol.result": "normal",
        "nothing_to_report": True,
    }
    return visit(clock, form="patrol", place="SEG-1", answers=walked | answers)


async def previewed(site: Site, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await (await site.client("ada")).post(f"{FORMS}/{body['form']}/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["records"]
    return found


@pytest.mark.case("C44")
async def test_a_patrol_without_a_track_is_said_to_go_nowhere(site: Site, clock: Clock) -> None:
    (without,) = await previewed(site, patrol(clock))
    assert (without["title"]["zh"], without["systems"]) == ("巡河", [])
    assert [(one["title"]["zh"], one["reason"]["zh"]) for one in without["skipped"]] == [("河长制巡河", NO_TRACK)]
    (with_one,) = await previewed(site, patrol(clock, **{"patrol.track": TRACK}))
    assert ([one["zh"] for one in with_one["systems"]], with_one["skipped"]) == (["河长制巡河"], [])


@pytest.mark.case("C44")
async def test_each_finding_is_told_by_itself(site: Site, clock: Clock) -> None:
    found = await previewed(site, visit(clock))
    takers = {one["summary"]["zh"]: [system["zh"] for system in one["systems"]] for one in found}
    assert [name for name in takers if "宅基地争执" in name and not takers[name]]
    assert [name for name in takers if "有污水入河" in name and takers[name] == ["河长制巡河"]]


@pytest.mark.case("C44")
async def test_looking_ahead_keeps_nothing(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    await previewed(site, body)
    assert (await ada.get("/api/v1/submissions")).json() == []
    assert site.rung == []
    assert (await ada.post("/api/v1/submissions", json=body)).status_code == 201
    assert await previewed(site, body) == [], "it is there: nothing is still to come"


async def test_looking_ahead_refuses_what_sending_would(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    del body["answers"]["visit.purpose"]
    ahead, sent = await ada.post(f"{FORMS}/visit/preview", json=body), await ada.post("/api/v1/submissions", json=body)
    assert (ahead.status_code, ahead.json()["faults"]) == (422, sent.json()["faults"])
    other = await ada.post(f"{FORMS}/patrol/preview", json=visit(clock))
    assert [(one["path"], one["code"]) for one in other.json()["faults"]] == [("/form", "form_differs")]
    assert (await (await site.client("opal")).post(f"{FORMS}/visit/preview", json=body)).status_code == 403


@pytest.mark.case("C44")
async def test_questions_whose_answers_no_system_takes_are_named(site: Site) -> None:
    ada = await site.client("ada")
    untaken = {form: (await ada.get(f"{FORMS}/{form}")).json()["untaken"] for form in ("visit", "patrol", "bin_score")}
    assert {"visit.photos", "finding.photos"} <= set(untaken["visit"])
    assert not {"visit.summary", "bin.sorting", "finding.description", "finding.segment"} & set(untaken["visit"])
    assert "patrol.track" not in untaken["patrol"]
    assert "bin.photos" not in untaken["bin_score"], "they go as addresses"


@pytest.mark.case("C44")
async def test_an_answer_under_another_name_in_its_record_is_taken(site: Site) -> None:
    untaken = (await (await site.client("ada")).get(f"{FORMS}/report")).json()["untaken"]
    assert "report.detail" not in untaken, "it goes as the description of the finding"
    assert "report.title" in untaken


@pytest.mark.case("C44")
async def test_a_place_no_system_knows_is_said_before_sending(site: Site, clock: Clock) -> None:
    body = visit(clock, place="SEG-1", form="patrol", answers=patrol(clock, **{"patrol.track": TRACK})["answers"])
    await site.store.write(lambda session: session.connection().exec_driver_sql("DELETE FROM alias") and None)
    (record,) = await previewed(site, body | {"place": RIVER})
    assert (record["systems"], len(record["skipped"])) == ([], 1)
