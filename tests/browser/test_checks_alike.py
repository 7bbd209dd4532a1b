"""The page and the hub refuse the same answers, at the same places, with the same codes and in the same sentences."""

import copy
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings

from hub.catalog import Catalog, load_catalog
from hub.catalog.checks import When, check_answers, check_occurred
from hub.catalog.contents import Code
from hub.errors import FieldFault, Phrase, Problem
from hub.intake.wire import read_json
from hub.web.api.forms import FormView, view_of
from tests.unit.catalog.test_catalog_verdicts import nearly

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
NOW = datetime.fromisoformat("2026-11-23T09:00:00+08:00")
Faults = dict[str, dict[str, set[str]]]
"""Place -> code -> its sentences."""


class Page:
    """The page's own check, running in node, beside the catalog the hub checks with."""

    def __init__(self, catalog: Catalog) -> None:
        command = ["node", str(HERE / "check_lines.mjs")]
        self.node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.catalog = catalog

    def faults(self, view: FormView, answers: object, occurred_at: str | None = NOW.isoformat()) -> Faults:
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        definition = view.model_dump(mode="json", by_alias=True)
        asked = {"definition": definition, "answers": answers, "around": {"occurred_at": occurred_at}}
        print(json.dumps(asked | {"now": NOW.isoformat()}), file=self.node.stdin, flush=True)
        found: Faults = {}
        for place, fault in json.loads(self.node.stdout.readline()).items():
            params = {name: _words(value) for name, value in fault["params"].items()}
            found[place] = {fault["key"].removeprefix("fault."): _sentences(self.catalog, fault["key"], params)}
        return found

    def close(self) -> None:
        self.node.communicate(timeout=10)


def _words(value: Any) -> object:  # noqa: ANN401 - any parameter
    return Phrase(value["key"]) if isinstance(value, dict) and "key" in value else value


def _sentences(catalog: Catalog, key: str, params: dict[str, Any]) -> set[str]:
    return {*catalog.messages.both(key, **params).values(), *catalog.messages.both(f"{key}.remedy", **params).values()}


def hub_faults(catalog: Catalog, name: str, answers: Any, occurred_at: str = NOW.isoformat()) -> Faults:  # noqa: ANN401 - any JSON value
    """What the hub says of the same answers, reported at the same moment."""
    form, verdict = catalog.forms[name, 1], catalog.validator(name, 1)
    when = When(datetime.fromisoformat(occurred_at), NOW)
    characters: list[FieldFault] = []
    try:
        read_json(json.dumps({"answers": answers}).encode())
    except Problem as problem:
        if problem.code != "submission.invalid":
            reject()  # no page writes numbers beyond JavaScript
        characters = list(problem.faults)
    faults = check_occurred(form, when) + check_answers(form, answers, when) + verdict.explain(answers) + characters
    found: Faults = {}
    for fault in faults:
        place = fault.path.removeprefix("/answers")
        params = {"name": place.rpartition("/")[2], **fault.params}
        found.setdefault(place, {})[fault.code] = _sentences(catalog, f"fault.{fault.code}", params)
    return found


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    opened = Page(load_catalog(ROOT))
    yield opened
    opened.close()


def agree(page: Page, name: str, answers: Any, occurred_at: str = NOW.isoformat()) -> Faults:  # noqa: ANN401 - any JSON value
    """Hold both to one another; where a place has several faults, the page shows one of them."""
    view = view_of(page.catalog.forms[name, 1], [], NOW.date())
    shown, said = page.faults(view, answers, occurred_at), hub_faults(page.catalog, name, answers, occurred_at)
    assert shown.keys() == said.keys()
    for place, fault in shown.items():
        assert fault.items() <= said[place].items(), place
    return shown


PATROL = {"patrol.started_at": "2026-11-23T08:00:00+08:00", "patrol.ended_at": "2026-11-23T08:30:00+08:00",
          "patrol.result": "normal"}  # fmt: skip
VISIT = {"household.head_name": "陈大山", "household.phone": "19900000101", "household.member_count": 4,
         "visit.purpose": "care"}  # fmt: skip
RIVER = {"finding.category": "river", "finding.severity": "urgent", "finding.description": "污水"}
ALIKE: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "nothing wrong": ("visit", {}, "", ""),
    "missing": ("visit", {"visit.purpose": None}, "/visit.purpose", "required"),
    "unknown": ("visit", {"visit.mood": "x"}, "/visit.mood", "unknown"),
    "no such code": ("visit", {"visit.purpose": "tea"}, "/visit.purpose", "enum"),
    "letters for a number": ("visit", {"household.member_count": "四"}, "/household.member_count", "not_whole"),
    "half a person": ("visit", {"household.member_count": 4.5}, "/household.member_count", "not_whole"),
    "too many people": ("visit", {"household.member_count": 51}, "/household.member_count", "too_large"),
    "fewer than none": ("visit", {"household.member_count": -1}, "/household.member_count", "too_small"),
    "no phone": ("visit", {"household.phone": "no"}, "/household.phone", "pattern"),
    "a long name": ("visit", {"household.head_name": "陈" * 51}, "/household.head_name", "too_long"),
    "an empty text": ("visit", {"visit.summary": ""}, "/visit.summary", "too_short"),
    "a name in two lines": ("visit", {"household.head_name": "陈\n大山"}, "/household.head_name", "one_line"),
    "no date": ("visit", {"visit.next_on": "tomorrow"}, "/visit.next_on", "format"),
    "a visit before this one": ("visit", {"visit.next_on": "2026-11-22"}, "/visit.next_on", "too_early"),
    "a control": ("visit", {"visit.summary": "好\U00020164\x08"}, "/visit.summary", "character"),
    "half a character": ("visit", {"visit.summary": "好\ud83d"}, "/visit.summary", "character"),
    "half a character after": ("visit", {"visit.summary": "👍\ude00"}, "/visit.summary", "character"),
    "a noncharacter": ("visit", {"visit.summary": "\U0010ffff"}, "/visit.summary", "character"),
    "a mark inside a finding": ("visit", {"findings": [RIVER | {"finding.description": "污\ufeff水",
                                "finding.segment": "R", "finding.river_type": "outlet"}]},
                                "/findings/0/finding.description", "character"),
    "shown and not answered": ("visit", {"findings": [RIVER]}, "/findings/0/finding.segment", "required"),
    "hidden and answered": ("visit", {"findings": [RIVER | {"finding.category": "other", "finding.segment": "R"}]},
                            "/findings/0/finding.segment", "hidden"),
    "too many findings": ("visit", {"nothing_to_report": True, "findings": [RIVER]}, "/findings", "too_many"),
    "a patrol backwards": ("patrol", {"patrol.ended_at": "2026-11-23T07:00:00+08:00"}, "/patrol.ended_at", "too_early"),
    "a patrol of 1990": ("patrol", {"patrol.started_at": "1990-01-01T07:00:00Z"}, "/patrol.started_at", "too_early"),
    "a patrol to come": ("patrol", {"patrol.ended_at": "2026-11-24T07:00:00+08:00"}, "/patrol.ended_at", "in_future"),
}  # fmt: skip


@pytest.mark.case("C30", "C49")
@pytest.mark.parametrize(("name", "changed", "place", "code"), ALIKE.values(), ids=ALIKE)
def test_page_and_hub_say_the_same(page: Page, name: str, changed: dict[str, Any], place: str, code: str) -> None:
    whole = (VISIT if name == "visit" else PATROL) | changed
    answers = {question: value for question, value in whole.items() if value is not None}
    shown = agree(page, name, answers)
    assert (set(shown[place]) == {code}) if place else shown == {}


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("occurred_at", "code"),
    [
        ("1990-05-01T08:00:00+08:00", "too_early"),
        ("2025-12-31T23:59:00+08:00", "too_early"),
        ("2026-01-01T00:00:00+08:00", ""),
        ("2026-11-23T09:05:00+08:00", ""),
        ("2026-11-23T01:06:00Z", "in_future"),
        ("2026-11-24T09:00:00+08:00", "in_future"),
    ],
)
def test_page_and_hub_say_the_same_of_when_it_happened(page: Page, occurred_at: str, code: str) -> None:
    shown = agree(page, "visit", VISIT, occurred_at)
    assert {place: set(codes) for place, codes in shown.items()} == ({"/occurred_at": {code}} if code else {})


@pytest.mark.case("C30")
@pytest.mark.parametrize("nothing", [None, ""])
def test_no_time_at_all_is_said_on_the_page(page: Page, nothing: str | None) -> None:
    shown = page.faults(view_of(page.catalog.forms["visit", 1], [], NOW.date()), VISIT, nothing)
    assert set(shown["/occurred_at"]) == {"required"}


@pytest.mark.case("C47")
@pytest.mark.parametrize(
    ("first", "last", "occurred", "code"),
    [
        ("2026-01-01", "2026-11-22", "2026-11-22T23:59:00+08:00", ""),
        ("2026-01-01", "2026-11-22", "2026-11-23T00:00:00+08:00", "code_ended"),
        ("2026-11-23", None, "2026-11-20T00:00:00+08:00", ""),
        ("2026-11-24", None, "2026-11-20T00:00:00+08:00", "code_not_yet"),
        ("2026-11-01", "2026-11-02", "2026-11-20T00:00:00+08:00", "code_ended"),
    ],
)
def test_page_and_hub_say_the_same_of_the_days_of_a_code(
    page: Page, first: str, last: str | None, occurred: str, code: str
) -> None:
    title = {"zh": "走访慰问", "en": "Care"}
    care = Code("care", title, date.fromisoformat(first), date.fromisoformat(last) if last else None)
    known = page.catalog
    form = replace(known.forms["visit", 1], dated={"/visit.purpose": {"care": care}})
    try:
        page.catalog = replace(known, forms={**known.forms, ("visit", 1): form})
        shown = agree(page, "visit", VISIT, occurred)
    finally:
        page.catalog = known
    assert {place: set(codes) for place, codes in shown.items()} == ({"/visit.purpose": {code}} if code else {})


@pytest.mark.case("C30", "C49")
@pytest.mark.parametrize("name", ["visit", "patrol", "report", "bin_score", "check_in"])
def test_page_and_hub_agree_near_every_example(page: Page, name: str) -> None:
    examples = [copy.deepcopy(example["answers"]) for example in page.catalog.forms[name, 1].examples]
    verdicts = set()

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(nearly(examples))
    def compare(answers: Any) -> None:  # noqa: ANN401 - any JSON value
        verdicts.add(agree(page, name, answers) == {})

    compare()
    assert verdicts == {True, False}, "the inputs must try both"


def test_the_phone_s_own_wrong_clock_is_the_hub_s_to_judge(page: Page) -> None:
    view = view_of(page.catalog.forms["visit", 1], [], NOW.date())
    early = (NOW - timedelta(days=400)).isoformat()
    assert set(page.faults(view, VISIT, early)["/occurred_at"]) == {"too_early"}
