"""What the hub can know it says at once, on both databases: with the field, the reason and what to do about it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import HandClock
from tests.web.conftest import Site, visit

SUBMISSIONS = "/api/v1/submissions"
Faults = list[dict[str, Any]]


async def faults_of(site: Site, body: dict[str, Any]) -> Faults:
    """Send a body that must be refused; each fault must say what is wrong and what to do, in both languages."""
    answer = await (await site.client("ada")).post(SUBMISSIONS, json=body)
    assert answer.status_code == 422, answer.text
    faults: Faults = answer.json()["faults"]
    for fault in faults:
        assert all(fault[part][lang] for part in ("message", "remedy") for lang in ("zh", "en")), fault
    return faults


def found(faults: Faults) -> list[tuple[str, str]]:
    return [(fault["path"], fault["code"]) for fault in faults]


def with_answers(clock: HandClock, **changed: object) -> dict[str, Any]:
    body = visit(clock)
    return body | {"answers": body["answers"] | {name.replace("__", "."): value for name, value in changed.items()}}


@pytest.mark.case("C49")
@pytest.mark.parametrize("character", ["\b", "\x85", "\ufeff", "\u202e", "\ufdd0", "\x7f"])
async def test_a_character_nothing_can_hold_is_refused_with_its_place(
    site: Site, clock: HandClock, character: str
) -> None:
    (fault,) = await faults_of(site, with_answers(clock, visit__summary=f"老人身体{character}好"))
    assert (fault["path"], fault["code"]) == ("/answers/visit.summary", "character")
    assert "第 5 个字" in fault["message"]["zh"]
    assert f"U+{ord(character):04X}" in fault["message"]["zh"]
    (fault,) = await faults_of(site, visit(clock, place=f"HV-1{character}"))
    assert (fault["path"], fault["code"]) == ("/place", "character")
    name = f"household-visit{character}"
    seen = {"/household.head_name": {"system": name, "as_of": clock.now().isoformat()}}
    (fault,) = await faults_of(site, visit(clock, seen=seen))
    assert (fault["path"], fault["code"]) == ("/seen/~1household.head_name/system", "character")


@pytest.mark.case("C49")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_half_a_character_is_refused_with_its_place_too(site: Site, clock: HandClock) -> None:
    body = visit(clock)
    body["answers"]["findings"][1]["finding.description"] = "有污\ud83d水"
    ada = await site.client("ada")
    raw = json.dumps(body)  # the one encoder that writes half a character
    answer = await ada.post(SUBMISSIONS, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert found(answer.json()["faults"]) == [("/answers/findings/1/finding.description", "character")]


@pytest.mark.case("C49")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", ["陈大山\n", "陈\t大山", "陈\r\n大山", "陈\u2028大山"])
async def test_a_line_break_in_an_answer_of_one_line_is_refused(site: Site, clock: HandClock, text: str) -> None:
    (fault,) = await faults_of(site, with_answers(clock, household__head_name=text))
    assert (fault["path"], fault["code"]) == ("/answers/household.head_name", "one_line")
    assert "一行" in fault["message"]["zh"]


@pytest.mark.case("C49")
async def test_lines_and_tabs_in_a_long_answer_are_kept(site: Site, clock: HandClock) -> None:
    ada = await site.client("ada")
    answer = await ada.post(SUBMISSIONS, json=with_answers(clock, visit__summary="一\r\n\t二\u3000三"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["answers"]["visit.summary"] == "一\n\t二\u3000三"


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("occurred_at", "code", "words"),
    [
        (None, "required", "没有填写"),
        ("", "required", "没有填写"),
        ("yesterday", "format", "不是有效的日期或时间"),
        (1_764_547_200, "format", "不是有效的日期或时间"),
        ("1764547200", "format", "不是有效的日期或时间"),
        (True, "format", "不是有效的日期或时间"),
        ("2026-11-23T09:00:00", "needs_zone", "时区"),
        ("1990-05-01T08:00:00+08:00", "too_early", "不能早于这张表的启用日（2026-01-01）"),
        ("2026-11-24T09:00:00+08:00", "in_future", "还没有到这个时间（现在是 2026-11-23 09:00）"),
        ("2028-01-01T00:00:00+08:00", "form_not_licensed", "只在 2026-01-01 至 2027-12-31 有效"),
    ],
)
async def test_a_time_it_cannot_have_happened_at_is_refused_in_words(
    site: Site, clock: HandClock, occurred_at: object, code: str, words: str
) -> None:
    faults = await faults_of(site, visit(clock, occurred_at=occurred_at))
    assert found(faults)[0] == ("/occurred_at", code)
    assert words in faults[0]["message"]["zh"]


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("times", "path", "code"),
    [
        (("08:30", "08:10"), "/answers/patrol.ended_at", "too_early"),
        (("08:30", "09:30"), "/answers/patrol.ended_at", "in_future"),
    ],
)
async def test_a_patrol_ends_after_it_starts_and_before_it_is_told(
    site: Site, clock: HandClock, times: tuple[str, str], path: str, code: str
) -> None:
    started, ended = (f"2026-11-23T{time}:00+08:00" for time in times)
    answers = {"patrol.started_at": started, "patrol.ended_at": ended, "patrol.result": "normal"}
    body = visit(clock, form="patrol", place="SEG-1", answers=answers)
    (fault,) = await faults_of(site, body)
    assert (fault["path"], fault["code"]) == (path, code)
    if code == "too_early":
        assert fault["message"]["zh"] == "不能早于开始时间（2026-11-23 08:30）。"


@pytest.mark.case("C30")
async def test_a_next_visit_lies_after_this_one(site: Site, clock: HandClock) -> None:
    (fault,) = await faults_of(site, with_answers(clock, visit__next_on="2026-11-22"))
    assert (fault["path"], fault["code"]) == ("/answers/visit.next_on", "too_early")
    ada = await site.client("ada")
    answer = await ada.post(SUBMISSIONS, json=with_answers(clock, visit__next_on="2026-11-23"))
    assert answer.status_code == 201, answer.text


@pytest.mark.case("C30")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_phone_that_is_a_little_fast_is_not_in_the_future(site: Site, clock: HandClock) -> None:
    ada, now = await site.client("ada"), clock.now()
    ahead = (now + timedelta(minutes=4)).isoformat()
    assert (await ada.post(SUBMISSIONS, json=visit(clock, occurred_at=ahead))).status_code == 201
    # What the phone itself calls an hour ago is no future, however fast its clock runs.
    fast = {"occurred_at": now + timedelta(hours=5), "reported_at": now + timedelta(hours=6)}
    body = visit(clock, **{name: moment.isoformat() for name, moment in fast.items()})
    assert (await ada.post(SUBMISSIONS, json=body)).status_code == 201


@pytest.mark.case("C30")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_page_is_given_what_the_hub_will_hold_answers_to(site: Site) -> None:
    view = (await (await site.client("ada")).get("/api/v1/forms/patrol")).json()
    limits = {(limit["path"], limit["kind"], limit["other"]) for limit in view["limits"]}
    assert limits == {
        ("/patrol.started_at", "not_before", "licence"),
        ("/patrol.started_at", "not_after", "now"),
        ("/patrol.ended_at", "not_before", "/patrol.started_at"),
        ("/patrol.ended_at", "not_after", "now"),
    }
    assert view["dated"] == {}
