"""Limits between dates and times, and days of codes: what a schema cannot say is held as data, also in repeats."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.catalog import Catalog, Form, load_catalog
from hub.catalog.checks import When, check_answers, check_occurred
from hub.errors import FieldFault
from tests.unit.catalog.breaking import Edit

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PATROL = {"patrol.started_at": "2026-11-23T08:00:00+08:00", "patrol.ended_at": "2026-11-23T08:30:00+08:00",
          "patrol.result": "normal"}  # fmt: skip


def when(occurred_at: datetime = NOW) -> When:
    return When(occurred_at, NOW)


def said(faults: list[FieldFault]) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in faults]


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({}, []),
        ({"patrol.ended_at": "2026-11-23T08:00:00+08:00"}, []),
        ({"patrol.ended_at": "2026-11-23T00:30:00Z"}, []),
        ({"patrol.ended_at": "2026-11-23T07:59:59+08:00"}, [("/answers/patrol.ended_at", "too_early")]),
        ({"patrol.ended_at": "2026-11-22T23:30:00Z"}, [("/answers/patrol.ended_at", "too_early")]),
        ({"patrol.ended_at": "2026-11-23T09:05:00+08:00"}, []),
        ({"patrol.ended_at": "2026-11-23T09:05:01+08:00"}, [("/answers/patrol.ended_at", "in_future")]),
        ({"patrol.started_at": "1990-11-23T08:00:00+08:00"}, [("/answers/patrol.started_at", "too_early")]),
        ({"patrol.started_at": "2026-01-01T00:00:00+08:00"}, []),
        ({"patrol.started_at": "2025-12-31T15:59:59Z"}, [("/answers/patrol.started_at", "too_early")]),
        ({"patrol.started_at": "no time at all"}, []),
        ({"patrol.started_at": "2026-11-23T08:45:00"}, []),
        ({"patrol.started_at": 5}, []),
        ({"patrol.started_at": None}, []),
    ],
)
def test_a_patrol_starts_before_it_ends_and_both_lie_in_the_past(
    catalog: Catalog, changed: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    form = catalog.forms["patrol", 1]
    assert said(check_answers(form, PATROL | changed, when())) == faults


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("next_on", "occurred_at", "wrong"),
    [
        ("2026-11-22", NOW, True),
        ("2026-11-23", NOW, False),
        ("2027-11-23", NOW, False),
        # 22 November, 17:00 UTC is 1 o'clock on the 23rd in Beijing.
        ("2026-11-22", datetime(2026, 11, 22, 17, 0, tzinfo=UTC), True),
        ("2026-11-22", datetime(2026, 11, 22, 15, 0, tzinfo=UTC), False),
    ],
)
def test_a_next_visit_is_not_before_this_one(
    catalog: Catalog, next_on: str, occurred_at: datetime, wrong: bool
) -> None:
    (fault, *more) = check_answers(catalog.forms["visit", 1], {"visit.next_on": next_on}, when(occurred_at)) or [None]
    assert not more
    assert (fault is not None) is wrong
    if fault is not None:
        assert (fault.path, fault.code) == ("/answers/visit.next_on", "too_early")
        assert catalog.messages.text("fault.too_early", "zh", **fault.params).startswith("不能早于走访时间（2026-11-23")


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("occurred_at", "today", "codes"),
    [
        (datetime(2026, 11, 23, 1, 5, tzinfo=UTC), None, []),
        (datetime(2026, 11, 23, 1, 6, tzinfo=UTC), None, ["in_future"]),
        (datetime(2026, 11, 24, 1, 0, tzinfo=UTC), None, ["in_future"]),
        (datetime(1990, 11, 23, 1, 0, tzinfo=UTC), None, ["too_early"]),
        (datetime(1990, 11, 23, 1, 0, tzinfo=UTC), date(2026, 11, 23), []),
        (datetime(1990, 11, 23, 1, 0, tzinfo=UTC), date(2028, 1, 1), ["too_early"]),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), None, []),
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), None, ["too_early"]),
        (datetime(2027, 12, 31, 16, 0, tzinfo=UTC), None, ["form_not_licensed", "in_future"]),
    ],
)
def test_it_happened_while_the_form_was_valid_and_not_in_the_future(
    catalog: Catalog, occurred_at: datetime, today: date | None, codes: list[str]
) -> None:
    faults = check_occurred(catalog.forms["visit", 1], when(occurred_at), today)
    assert said(faults) == [("/occurred_at", code) for code in codes]
    for fault in faults:
        words = catalog.messages.both(f"fault.{fault.code}", **fault.params)
        assert "{" not in words["zh"] + words["en"]


EVENT = """
- {id: event.from, title: {zh: 开始日, en: First day}, type: date, not_before: licence, SHARED}
- {id: event.to, title: {zh: 结束日, en: Last day}, type: date, not_before: event.from, SHARED}
- {id: event.told_at, title: {zh: 告知时间, en: Told at}, type: time, not_after: event.to, SHARED}
- {id: event.kind, title: {zh: 类别, en: Kind}, type: choices, codes: bin_level, SHARED}
""".replace("SHARED", "synonyms: [], authority: test-office, cycle: once, sensitivity: 1, mask: none")
FORM = """
title: {zh: 活动, en: Events}
help: {zh: 测试, en: Test}
licence:
  {number: 测〔2026〕1号, issuer: test-office, basis: {zh: 测试, en: Test}, valid: ["2026-01-01", "2026-12-31"],
   cycle: once, minutes: 1}
questions:
  - event.from
  - repeat: days
    title: {zh: 场次, en: Days}
    questions:
      - event.to: {title: {zh: 散场日, en: End}}
      - event.told_at: {not_before: event.to, not_after: now}
      - event.kind
makes:
  - record: event/v1
    each: days
examples:
  - {title: {zh: 无, en: None}, answers: {event.from: "2026-11-01"}}
  - {title: {zh: 空, en: Empty}, answers: {event.from: "2026-11-02", days: []}}
"""
RECORD = """
{title: {zh: 活动, en: Event}, summary: [event.from], issue: false,
 fields: [event.from, event.to, event.told_at, event.kind]}
"""


@pytest.fixture
def events(county: Path, edit: Edit) -> Form:
    """A form with a repeat whose items have limits among themselves and against what stands outside."""
    for file, text in {
        "schemas/elements/event.yaml": EVENT,
        "forms/events/v1.yaml": FORM,
        "schemas/records/event/v1.yaml": RECORD,
    }.items():
        (county / file).parent.mkdir(parents=True, exist_ok=True)
        (county / file).write_text(text, encoding="utf-8")
    edit("schemas/codes/bin_level.csv", "Medium,2026-01-01,", "Medium,2026-01-01,2026-11-10")
    edit("schemas/codes/bin_level.csv", "Poor,2026-01-01,", "Poor,2026-11-20,")
    return load_catalog(county).forms["events", 1]


@pytest.mark.case("C30")
def test_limits_hold_item_by_item_and_against_what_stands_outside(events: Form) -> None:
    good = {"event.to": "2026-11-02", "event.told_at": "2026-11-02T09:00:00+08:00"}
    early = good | {"event.to": "2026-10-31"}
    late = good | {"event.told_at": "2026-11-02T16:00:00Z"}
    answers = {"event.from": "2026-11-01", "days": [good, early, late, "no item", {"event.to": "2026-11-05"}]}
    faults = check_answers(events, answers, when())
    assert said(faults) == [("/answers/days/1/event.to", "too_early")]
    assert faults[0].params == {"other": {"zh": "开始日", "en": "First day"}, "limit": "2026-11-01"}
    # The form's own limit takes the place of the element's: told after the day is right here, in the future is not.
    future = {"event.from": "2026-11-01", "days": [good | {"event.told_at": "2026-11-24T09:00:00+08:00"}]}
    assert said(check_answers(events, future, when())) == [("/answers/days/0/event.told_at", "in_future")]
    before = {"event.from": "2026-11-01", "days": [good | {"event.told_at": "2026-11-01T23:59:00+08:00"}]}
    (fault,) = check_answers(events, before, when())
    assert (fault.code, fault.params["other"]) == ("too_early", {"zh": "散场日", "en": "End"})


@pytest.mark.case("C47")
@pytest.mark.parametrize(
    ("occurred", "faults"),
    [
        ("2026-11-10", ["/answers/days/1/event.kind code_not_yet"]),
        ("2026-11-11", ["/answers/days/0/event.kind code_ended", "/answers/days/1/event.kind code_not_yet"]),
    ],
)
def test_a_code_is_good_for_what_happened_while_it_was_valid(events: Form, occurred: str, faults: list[str]) -> None:
    answers = {"event.from": "2026-11-01", "days": [{"event.kind": ["good", "medium"]}, {"event.kind": ["poor"]}]}
    moments = When(datetime.fromisoformat(f"{occurred}T12:00:00+08:00"), datetime(2026, 11, 19, tzinfo=UTC))
    assert [f"{fault.path} {fault.code}" for fault in check_answers(events, answers, moments)] == faults


@pytest.mark.case("C47")
@pytest.mark.parametrize(("hour", "codes"), [("2026-11-19T15:59:59", ["code_not_yet"]), ("2026-11-19T16:00:00", [])])
def test_a_new_code_is_good_from_midnight_in_beijing(events: Form, hour: str, codes: list[str]) -> None:
    now = datetime.fromisoformat(f"{hour}+00:00")
    answers = {"event.from": "2026-11-01", "days": [{"event.kind": ["poor"]}]}
    assert [
        fault.code for fault in check_answers(events, answers, When(datetime(2026, 11, 1, tzinfo=UTC), now))
    ] == codes
