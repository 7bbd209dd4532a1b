"""What a flow takes and could not express is found in the files, before a record falls into it."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.systems import Registry
from tests.unit.systems.conftest import Document

SURE = {"visit/v1": {"visit.purpose", "place"}, "finding/v1": {"finding.category", "finding.segment"}}
CODES = {"visit.purpose": ["care", "policy"], "finding.category": ["river", "housing"]}
RECORDS = {
    "visit/v1": {
        "visit.purpose": "choice", "visit.summary": "text", "household.members": "list", "patrol.track": "track",
    },
    "finding/v1": {"finding.category": "choice", "finding.segment": "place", "finding.location": "location"},
}  # fmt: skip
Load = Callable[..., Registry]


def gaps(load: Load, flow: Document, record: str = "visit/v1") -> list[tuple[str, str, dict[str, object]]]:
    """What is found of one flow: where below it, the reason, and the parameters but for the record."""

    def edit(document: Document) -> None:
        line = {"record": record, "amend": {"when_changed": True}, **flow}
        document["systems"]["village-doors"]["send"] = [line]
        document["tables"] = {"purpose": {"care": "A", "policy": "B"}, "short": {"care": "A"}}

    found = load(edit, records=RECORDS, sure=SURE, codes=CODES).gaps
    at = "/systems/village-doors/send/0"
    for gap in found:
        assert gap.params["record"] == record
        assert gap.path.startswith(at)
    return [
        (gap.path.removeprefix(at), gap.reason, {k: v for k, v in gap.params.items() if k != "record"}) for gap in found
    ]


def unsure(path: str, at: str = "/fields/x") -> list[tuple[str, str, dict[str, object]]]:
    return [(at, "systems.unsure_field", {"path": path})]


DOORS = "place.aliases.village-doors"
GUARDED = {"required": ["place"], "properties": {"place": {"properties": {"aliases": {"required": ["village-doors"]}}}}}


@pytest.mark.case("C43")
@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"from": "visit.purpose"}, []),
        ({"from": "visit.summary"}, unsure("visit.summary")),
        ({"from": "visit.summary", "optional": True}, []),
        ({"from": "visit.summary", "default": "-"}, []),
        ({"const": 4}, []),
        ({"from": "place.division"}, []),
        ({"from": "place.name"}, unsure("place.name")),
        ({"from": DOORS}, unsure(DOORS)),
        ({"from": "place.known.household.head_name"}, unsure("place.known.household.head_name")),
        ({"from": "by.name"}, []),
        ({"from": "by.staff_number"}, unsure("by.staff_number")),
        ({"from": "occurred_at", "as": "local_time"}, []),
        ({"from": "location", "as": "lonlat", "crs": "gcj02"}, unsure("location")),
        ({"from": "track.length_m"}, unsure("track.length_m")),
        ({"join": ["visit.summary", "visit.purpose"]}, []),
        ({"join": ["visit.summary", "place.name"]}, unsure("visit.summary + place.name")),
        ({"each": "household.members", "fields": {"n": {"from": "person.name"}}}, unsure("household.members")),
        ({"list": [{"a": {"const": 1}, "b": {"from": "visit.summary"}}]},
         unsure("visit.summary", "/fields/x/list/0/b")),
        ({"from": "visit.purpose", "table": "purpose"}, []),
        (
            {"from": "visit.purpose", "table": "short"},
            [("/fields/x/table", "systems.short_table",
              {"table": "short", "codes": "policy", "path": "visit.purpose"})],
        ),
    ],
)  # fmt: skip
def test_a_field_is_sure_or_named(load: Load, rule: dict[str, Any], found: list[Any]) -> None:
    assert gaps(load, {"fields": {"x": rule}}) == found


@pytest.mark.case("C43")
@pytest.mark.parametrize(
    ("when", "path", "is_sure"),
    [
        (GUARDED, DOORS, True),
        ({"properties": GUARDED["properties"]}, DOORS, True),
        ({"required": ["visit.summary"]}, "visit.summary", True),
        ({"properties": {"visit.summary": {"minLength": 1}}}, "visit.summary", False),
        ({"allOf": [{"required": ["visit.summary"]}]}, "visit.summary", True),
        ({"anyOf": [{"required": ["visit.summary"]}, {}]}, "visit.summary", False),
        ({"anyOf": [{"required": ["visit.summary"]}, {"required": ["visit.summary"]}]}, "visit.summary", True),
        ({"not": {"required": ["visit.summary"]}}, "visit.summary", False),
        ({"properties": {"by": {"required": ["staff_number"]}}}, "by.staff_number", True),
        ({"properties": {"location": {"required": ["lon"]}}}, "location", True),
        ({"required": ["patrol.track"]}, "track.length_m", True),
        ({"required": ["patrol.track"]}, "track.coverage", False),
    ],
)
def test_a_condition_makes_sure_of_what_it_requires(load: Load, when: dict[str, Any], path: str, is_sure: bool) -> None:
    rule = {"from": path, "as": "lonlat", "crs": "gcj02"} if path == "location" else {"from": path}
    assert gaps(load, {"when": when, "fields": {"x": rule}}) == ([] if is_sure else unsure(path))


@pytest.mark.case("C43")
@pytest.mark.parametrize("required", [True, False])
def test_a_place_no_form_makes_sure_of_has_to_be_required(load: Load, required: bool) -> None:
    when = GUARDED if required else {"properties": GUARDED["properties"]}
    found = gaps(load, {"when": when, "fields": {"x": {"from": DOORS}, "y": {"from": "place.division"}}}, "finding/v1")
    assert found == ([] if required else [*unsure(DOORS), *unsure("place.division", "/fields/y")])


@pytest.mark.case("C43")
@pytest.mark.parametrize("when", [{"const": "care"}, {"enum": ["care"]}])
def test_codes_a_condition_keeps_out_need_no_line_in_the_table(load: Load, when: dict[str, Any]) -> None:
    flow = {"when": {"properties": {"visit.purpose": when}},
            "fields": {"x": {"from": "visit.purpose", "table": "short"}}}  # fmt: skip
    assert gaps(load, flow) == []


@pytest.mark.case("C43")
def test_an_answered_place_may_lack_the_code_of_the_system(load: Load) -> None:
    path = "finding.segment.aliases.village-doors"
    assert gaps(load, {"fields": {"x": {"from": path}}}, "finding/v1") == unsure(path)
    when = {"properties": {"finding.segment": {"properties": {"aliases": {"required": ["village-doors"]}}}}}
    assert gaps(load, {"when": when, "fields": {"x": {"from": path}}}, "finding/v1") == []


def test_a_flow_that_is_faulty_anyway_is_told_its_faults_only(faults: Callable[..., list[Any]]) -> None:
    def edit(document: Document) -> None:
        document["systems"]["village-doors"]["send"][0]["fields"]["door"] = {"from": "place.aliases.nobody"}

    assert [fault.reason for fault in faults(edit)] == ["mapping.unknown_path"]
