"""A form file compiles to the schema and layout the API serves, and to what prefill and intake read off it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hub.catalog import Catalog, Form, load_catalog, make_records
from tests.unit.catalog.breaking import DAY, Edit


def control(form: Form, scope: str, *days: date) -> dict[str, Any]:
    """Find a control or group by its scope; of a repeat's inside, by the scope relative to an item."""
    stack: list[dict[str, Any]] = list(form.served(*days or (DAY,)).ui["elements"])
    while stack:
        element = stack.pop()
        if element["scope"] == scope:
            return element
        stack += element.get("elements", []) + element.get("options", {}).get("detail", {}).get("elements", [])
    raise AssertionError(scope)


@pytest.fixture
def visit(catalog: Catalog) -> Form:
    return catalog.forms["visit", 1]


def test_the_five_forms(catalog: Catalog) -> None:
    assert {form.form: form.at for form in catalog.newest_forms()} == {
        "visit": "household",
        "patrol": "river_segment",
        "bin_score": "household",
        "report": None,
        "check_in": None,
    }
    for form in catalog.forms.values():
        Draft202012Validator.check_schema(form.schema)
        assert form.licence["number"]
        assert form.help.keys() == form.title.keys() == {"zh", "en"}


def test_the_schema_binds_every_question_to_its_element(visit: Form) -> None:
    purpose = visit.schema["properties"]["visit.purpose"]
    assert purpose == {
        "type": "string",
        "enum": ["care", "policy", "mediation", "safety", "follow_up"],
        "title": "走访目的",
        "x-element": "visit.purpose",
        "x-type": "choice",
    }
    assert visit.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert visit.schema["required"] == [
        "household.head_name",
        "household.phone",
        "household.member_count",
        "visit.purpose",
    ]
    assert visit.schema["additionalProperties"] is False
    assert visit.schema["properties"]["bin"]["required"] == ["bin.sorting", "bin.delivery", "bin.cleanliness"]
    items = visit.schema["properties"]["findings"]["items"]
    assert next(iter(items["properties"])) == "id"
    assert items["required"] == ["finding.category", "finding.severity", "finding.description"]


def test_the_layout_follows_the_questions(visit: Form) -> None:
    scopes = [element["scope"].removeprefix("#/properties/") for element in visit.served(DAY).ui["elements"]]
    assert scopes == [
        "household.head_name",
        "household.phone",
        "household.member_count",
        "visit.purpose",
        "visit.summary",
        "visit.next_on",
        "bin",
        "nothing_to_report",
        "findings",
        "visit.photos",
    ]


@pytest.mark.parametrize(
    ("form", "scope", "widget"),
    [
        ("visit", "household.head_name", "text"),
        ("visit", "household.member_count", "number"),
        ("visit", "visit.purpose", "radio"),
        ("visit", "visit.summary", "textarea"),
        ("visit", "visit.next_on", "date"),
        ("visit", "nothing_to_report", "switch"),
        ("visit", "findings", "repeat"),
        ("visit", "finding.category", "select"),
        ("visit", "finding.segment", "place"),
        ("visit", "finding.location", "location"),
        ("visit", "finding.photos", "photos"),
        ("patrol", "patrol.started_at", "time"),
        ("patrol", "patrol.track", "track"),
    ],
)
def test_widgets(form: str, scope: str, widget: str, catalog: Catalog) -> None:
    assert control(catalog.forms[form, 1], f"#/properties/{scope}")["options"]["widget"] == widget


def test_a_control_carries_what_the_portal_needs(visit: Form) -> None:
    assert control(visit, "#/properties/household.member_count") == {
        "type": "Control",
        "scope": "#/properties/household.member_count",
        "label": {"zh": "家庭人口", "en": "Number of members"},
        "help": {"zh": "常住人数", "en": "People who usually live here"},
        "options": {
            "widget": "number",
            "optional": False,
            "element": "household.member_count",
            "confirm": True,
            "unit": {"zh": "人", "en": "people"},
        },
    }
    assert control(visit, "#/properties/finding.segment")["options"]["kind"] == "river_segment"
    assert control(visit, "#/properties/visit.photos")["options"]["most"] == 9
    assert control(visit, "#/properties/visit.purpose")["options"]["codes"][0] == {
        "code": "care",
        "zh": "走访慰问",
        "en": "Care",
    }


def test_a_group_keeps_its_scopes_and_a_repeat_starts_anew(visit: Form) -> None:
    group = control(visit, "#/properties/bin")
    assert (group["type"], group["name"], group["optional"], group["label"]["en"]) == (
        "Group",
        "bin",
        True,
        "Waste sorting",
    )
    assert group["elements"][0]["scope"] == "#/properties/bin/properties/bin.sorting"
    repeat = control(visit, "#/properties/findings")
    assert repeat["options"]["most"] == 50
    assert repeat["options"]["detail"]["elements"][0]["scope"] == "#/properties/finding.category"


def test_rules_are_the_conditions_of_the_schema(visit: Form) -> None:
    rule = control(visit, "#/properties/finding.housing_type")["rule"]
    condition = {
        "type": "object",
        "properties": {"finding.category": {"const": "housing"}},
        "required": ["finding.category"],
    }
    assert rule == {"effect": "SHOW", "condition": {"scope": "#", "schema": condition}}
    said_both = {"if": condition, "then": {"required": ["finding.housing_type"]}}
    rules = visit.schema["properties"]["findings"]["items"]["allOf"]
    assert any(one.items() >= said_both.items() for one in rules)
    hidden = control(visit, "#/properties/findings")["rule"]["condition"]["schema"]
    assert not Draft202012Validator(hidden).is_valid({"nothing_to_report": True})
    assert Draft202012Validator(hidden).is_valid({"nothing_to_report": False})
    assert Draft202012Validator(hidden).is_valid({})


def test_what_prefill_and_intake_read_off(visit: Form) -> None:
    assert visit.place_questions == {"/findings/*/finding.segment": "river_segment"}
    assert visit.photo_questions == ("/findings/*/finding.photos", "/visit.photos")
    questions = {question.path: question for question in visit.questions}
    assert questions["/household.phone"].confirm
    assert questions["/household.phone"].element == "household.phone"
    assert not questions["/visit.purpose"].optional
    assert questions["/bin/bin.sorting"].optional, "its group may be left out"
    assert questions["/findings/*/finding.river_type"].optional, "it is not always shown"
    assert not questions["/findings/*/finding.category"].optional


@pytest.mark.fault("F24")
@pytest.mark.case("C47")
def test_what_is_offered_is_asked_with_the_day_and_every_code_is_understood(county: Path, edit: Edit) -> None:
    edit("schemas/codes/visit_purpose.csv", "Safety check,2026-01-01,", "Safety check,2026-01-01,2026-11-21")
    edit("schemas/codes/visit_purpose.csv", "Follow-up,2026-01-01,", "Follow-up,2026-11-23,")
    form = load_catalog(county).forms["visit", 1]
    always = ["care", "policy", "mediation"]
    for days, more in (
        ([date(2026, 11, 21)], ["safety"]),
        ([date(2026, 11, 22)], []),
        ([date(2026, 11, 23)], ["follow_up"]),
        ([date(2026, 11, 23), date(2026, 11, 21)], ["safety", "follow_up"]),
    ):
        offered = [code["code"] for code in form.served(*days).codes["visit_purpose"]]
        assert offered == always + more
        drawn = control(form, "#/properties/visit.purpose", *days)["options"]
        assert [code["code"] for code in drawn["codes"]] == offered
        assert drawn["widget"] == "radio"
    assert {"safety", "follow_up"} <= set(form.schema["properties"]["visit.purpose"]["enum"])
    assert form.dated.keys() == {"/visit.purpose"}
    assert form.dated["/visit.purpose"].keys() == {"safety", "follow_up"}
    options = control(form, "#/properties/visit.purpose", date(2026, 11, 22))["options"]
    assert [(code["code"], code["zh"]) for code in options["retired"]] == [("safety", "安全检查")], "told by its name"
    assert "retired" not in control(form, "#/properties/bin/properties/bin.sorting", date(2026, 11, 22))["options"]


EVERY_TYPE = """
title: {zh: 各种题型, en: Every type}
help: {zh: 测试, en: Test}
licence:
  {number: 测〔2026〕1号, issuer: test-office, basis: {zh: 测试, en: Test}, valid: ["2026-01-01", "2026-12-31"],
   cycle: once, minutes: 1}
questions:
  - odd.agree
  - odd.ratio: {title: {zh: 比例, en: Ratio}, help: {zh: 百分比, en: Percent}}
  - group: more
    title: {zh: 更多, en: More}
    help: {zh: 同意才问, en: If agreed}
    show_when: {odd.agree: {const: true}}
    questions:
      - odd.kinds: {most: 2}
      - odd.free
  - repeat: rows
    title: {zh: 明细, en: Rows}
    least: 1
    most: 3
    show_when: {odd.agree: {const: false}}
    questions: [odd.where]
nothing_to_report: allowed
makes:
  - record: odd/v1
    when: {required: [more]}
  - record: odd_row/v1
    each: rows
    when: {properties: {odd.where: {minLength: 2}}}
    fields: {odd.free: {const: 固定}}
examples:
  - title: {zh: 同意, en: Yes}
    answers: {odd.agree: true, odd.ratio: 1.5, more: {odd.kinds: [good, poor], odd.free: x}}
  - title: {zh: 不同意, en: No way}
    answers: {odd.agree: false, odd.ratio: 2, rows: [{odd.where: A1}]}
"""
FILED = "synonyms: [], authority: test-office, cycle: once, sensitivity: 1, mask: none}"
ODD = "\n".join(
    f"- {{id: odd.{name}, title: {{zh: {name}, en: {name}}}, {rest}, {FILED}"
    for name, rest in {
        "agree": "type: yes_no",
        "ratio": "type: number, min: 0",
        "kinds": "type: choices, codes: bin_level",
        "free": "type: text, max: 100",
        "where": "type: place, kind: office",
    }.items()
)
RECORD = "title: {zh: 记录, en: Record}\nsummary: [odd.free]\nissue: false\nfields: "


@pytest.fixture
def odd(county: Path) -> Catalog:
    """A county with one more form that uses what ours do not."""
    texts = {
        "forms/odd/v1.yaml": EVERY_TYPE.replace("en: Yes", "en: 'Yes'"),
        "schemas/elements/odd.yaml": ODD,
        "schemas/records/odd/v1.yaml": RECORD + "[odd.agree, odd.ratio, odd.kinds, odd.free]",
        "schemas/records/odd_row/v1.yaml": RECORD + "[odd.where, odd.free]",
    }
    for file, text in texts.items():
        (county / file).parent.mkdir(parents=True, exist_ok=True)
        (county / file).write_text(text, encoding="utf-8")
    return load_catalog(county)


def test_the_types_our_forms_do_not_use(odd: Catalog) -> None:
    form = odd.forms["odd", 1]
    assert control(form, "#/properties/odd.agree")["options"]["widget"] == "switch"
    assert control(form, "#/properties/odd.ratio")["options"]["widget"] == "number"
    assert control(form, "#/properties/odd.ratio")["help"]["en"] == "Percent"
    kinds = control(form, "#/properties/more/properties/odd.kinds")
    assert (kinds["options"]["widget"], kinds["options"]["most"]) == ("multi", 2)
    assert form.schema["properties"]["odd.ratio"]["title"] == "比例"
    assert [question.optional for question in form.questions] == [False, False, True, True, False]


def test_a_condition_may_show_a_whole_block(odd: Catalog) -> None:
    verdict = odd.validator("odd", 1)
    yes, no = (example["answers"] for example in odd.forms["odd", 1].examples)
    assert [fault.path for fault in verdict.explain({**yes, "rows": no["rows"]})] == ["/answers/rows"]
    assert [fault.path for fault in verdict.explain({**no, "rows": []})] == ["/answers/rows"]
    assert [fault.path for fault in verdict.explain({"odd.agree": True, "odd.ratio": 1})] == ["/answers/more"]
    rule = control(odd.forms["odd", 1], "#/properties/rows")["rule"]["condition"]["schema"]
    assert Draft202012Validator(rule).is_valid({"odd.agree": False})
    assert not Draft202012Validator(rule).is_valid({"odd.agree": True})
    assert not Draft202012Validator(rule).is_valid({"odd.agree": False, "nothing_to_report": True})


def test_a_condition_decides_item_by_item(odd: Catalog) -> None:
    answers = {"odd.agree": False, "odd.ratio": 2, "rows": [{"odd.where": "A"}, {"odd.where": "A2"}]}
    made = make_records(odd.forms["odd", 1], answers, {})
    assert [(draft.key, draft.content) for draft in made] == [("rows/1", {"odd.where": "A2", "odd.free": "固定"})]


@pytest.mark.parametrize("kinds", [[], ["good", "good"], ["good", "poor", "medium"], ["bad"]])
def test_choices_are_few_distinct_and_known(kinds: list[str], odd: Catalog) -> None:
    answers = {"odd.agree": True, "odd.ratio": 1, "more": {"odd.kinds": kinds, "odd.free": "x"}}
    assert not odd.validator("odd", 1).is_valid(answers)


def test_an_unknown_form_is_none(catalog: Catalog) -> None:
    assert catalog.form("nothing") is None
    assert catalog.form("visit", 9) is None
    with pytest.raises(KeyError):
        catalog.validator("visit", 9)
