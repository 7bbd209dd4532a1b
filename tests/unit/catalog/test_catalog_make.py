"""One submission becomes exactly the records its form says."""

from typing import Any

import pytest

from hub.catalog import Catalog, make_records

PLACE = {"place": {"id": "p1", "kind": "river_segment", "name": "后溪", "aliases": {"water": "HD-0012"}}}


def drafts(catalog: Catalog, form: str, answers: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    assert catalog.validator(form, 1).is_valid(answers)
    return {(draft.record, draft.key): draft.content for draft in make_records(catalog.forms[form, 1], answers, PLACE)}


@pytest.fixture
def visit(catalog: Catalog) -> dict[str, Any]:
    answers: dict[str, Any] = catalog.forms["visit", 1].examples[1]["answers"]
    return answers


def test_a_visit_makes_a_visit_a_score_and_its_findings(catalog: Catalog, visit: dict[str, Any]) -> None:
    made = drafts(catalog, "visit", visit)
    assert list(made) == [
        ("visit/v1", ""),
        ("bin_score/v1", ""),
        ("finding/v1", "findings/3f2a6c1e-7b90-4d52-9a3e-5d7c1f0b2a11"),
        ("finding/v1", "findings/9c41d0aa-2f64-4c0b-8f0e-61d3b7a4e522"),
    ]
    assert made["bin_score/v1", ""] == {"bin.sorting": "good", "bin.delivery": "medium", "bin.cleanliness": "poor"}
    assert made["finding/v1", "findings/9c41d0aa-2f64-4c0b-8f0e-61d3b7a4e522"] == {
        name: value for name, value in visit["findings"][1].items() if name != "id"
    }
    assert made["visit/v1", ""]["household.member_count"] == 5


def test_what_was_not_answered_makes_nothing(catalog: Catalog, visit: dict[str, Any]) -> None:
    short = {name: value for name, value in visit.items() if name not in {"bin", "findings", "visit.next_on"}}
    made = drafts(catalog, "visit", short)
    assert list(made) == [("visit/v1", "")]
    assert "visit.next_on" not in made["visit/v1", ""]


def test_an_item_without_an_id_is_known_by_its_position(catalog: Catalog, visit: dict[str, Any]) -> None:
    bare = [{name: value for name, value in item.items() if name != "id"} for item in visit["findings"]]
    made = drafts(catalog, "visit", {**visit, "findings": bare})
    assert [key for record, key in made if record == "finding/v1"] == ["findings/0", "findings/1"]


def test_the_key_of_an_item_survives_a_revision(catalog: Catalog, visit: dict[str, Any]) -> None:
    before = drafts(catalog, "visit", visit)
    after = drafts(catalog, "visit", {**visit, "findings": visit["findings"][::-1]})
    assert before == after


def test_a_field_may_come_from_another_question(catalog: Catalog) -> None:
    answers = catalog.forms["report", 1].examples[0]["answers"]
    made = drafts(catalog, "report", answers)
    content = made["finding/v1", ""]
    assert content["finding.description"] == answers["report.detail"]
    assert content["report.title"] == answers["report.title"]
    assert "report.detail" not in content


def test_a_patrol_gives_its_findings_the_patrolled_segment(catalog: Catalog) -> None:
    answers = catalog.forms["patrol", 1].examples[1]["answers"]
    made = make_records(catalog.forms["patrol", 1], answers, PLACE)
    assert made[1].content["finding.segment"] == PLACE["place"]
    nowhere = make_records(catalog.forms["patrol", 1], answers, {"place": None})
    assert "finding.segment" not in nowhere[1].content


def test_nothing_to_report_is_said_by_the_record_of_the_whole(catalog: Catalog, visit: dict[str, Any]) -> None:
    quiet = catalog.forms["visit", 1].examples[0]["answers"]
    assert [draft.nothing_to_report for draft in make_records(catalog.forms["visit", 1], quiet, PLACE)] == [True]
    assert not any(draft.nothing_to_report for draft in make_records(catalog.forms["visit", 1], visit, PLACE))


def test_a_record_of_every_example_has_all_its_record_type_requires(catalog: Catalog) -> None:
    for form in catalog.forms.values():
        for example in form.examples:
            for draft in make_records(form, example["answers"], PLACE):
                fields = catalog.records[draft.record].fields
                assert {field.element for field in fields if not field.optional} <= draft.content.keys()
                assert draft.content.keys() <= {field.element for field in fields}
