"""A wrong rule is an error when the file is read: every one at once, with its place and words for people."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from hub.mapping import BadMapping, Context, MappingFault, Unmapped, compile_fields

TEXTS = json.loads((Path(__file__).parents[3] / "schemas/messages/systems.json").read_text(encoding="utf-8"))
TABLES: dict[str, dict[str, object]] = {"level": {"good": 1, "poor": 3}, "doubled": {"a": "1", "b": 1, "c": 2}}
KNOWN = {"visit.purpose", "by.name", "findings", "findings.kind", "findings.parts", "findings.parts.size"}
CONTEXT = Context(TABLES, str, KNOWN.__contains__)
FROM = {"from": "by.name"}


def is_told(key: str, params: Mapping[str, object]) -> bool:
    """Say whether a message has both languages and gets every parameter it names."""
    return all(params.keys() >= set(re.findall(r"\{([a-z_]+)\}", TEXTS[key][lang])) for lang in ("zh", "en"))


def faults(fields: object) -> tuple[MappingFault, ...]:
    with pytest.raises(BadMapping) as bad:
        compile_fields(cast("Mapping[str, object]", fields), CONTEXT, "a.yaml#/fields")
    return bad.value.faults


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("by.name", "not_a_rule"),
        ({}, "not_one_source"),
        ({**FROM, "const": 1}, "not_one_source"),
        ({"const": 1, "table": "level"}, "unknown_verb"),
        ({**FROM, "expression": "1 + 1"}, "unknown_verb"),
        ({"from": ""}, "bad_value"),
        ({"from": 5}, "bad_value"),
        ({"const": {"a": 1}}, "bad_value"),
        ({**FROM, "cut": True}, "bad_value"),
        ({**FROM, "cut": 0}, "bad_value"),
        ({**FROM, "optional": False}, "bad_value"),
        ({**FROM, "table": "level", "back": "yes"}, "bad_value"),
        ({"list": []}, "bad_value"),
        ({"join": []}, "bad_value"),
        ({"join": [{"const": "only words"}]}, "bad_value"),
        ({"join": ["by.name", {"from": "by.name"}]}, "bad_value"),
        ({"join": ["by.name"], "with": 1}, "bad_value"),
        ({**FROM, "default": 1, "optional": True}, "default_and_optional"),
        ({"from": "by.nmae"}, "unknown_path"),
        ({"join": ["by.name", "nowhere"]}, "unknown_path"),
        ({**FROM, "table": "levels"}, "unknown_table"),
        ({**FROM, "table": "doubled", "back": True}, "ambiguous_table"),
        ({**FROM, "back": True}, "nothing_to_turn_back"),
        ({**FROM, "as": "upper"}, "unknown_transform"),
        ({**FROM, "as": "base64"}, "no_base64"),
        ({**FROM, "as": "mask", "kind": "name", "back": True}, "no_inverse"),
        ({**FROM, "as": "url", "back": True}, "no_inverse"),
        ({**FROM, "as": "text", "digits": 6}, "stray_option"),
        ({**FROM, "crs": "gcj02"}, "stray_option"),
        ({**FROM, "as": "lonlat"}, "bad_option"),
        ({**FROM, "as": "division", "digits": 4}, "bad_option"),
        ({"each": "findings"}, "not_fields"),
        ({"each": "findings", "fields": []}, "not_fields"),
        ({"list": [{}]}, "not_fields"),
    ],
)
def test_a_wrong_rule_is_refused_with_place_reason_and_remedy(rule: object, reason: str) -> None:
    (fault,) = faults({"a/b": rule})
    assert fault.reason == f"mapping.{reason}"
    assert fault.where.startswith("a.yaml#/fields/a~1b")
    assert (fault.file, fault.path[:9]) == ("a.yaml", "/fields/a")
    assert is_told(fault.reason, fault.params)
    assert is_told(fault.remedy, fault.params)


def test_all_faults_come_at_once_each_with_its_own_place() -> None:
    found = faults(
        {
            "a": {"from": "nowhere"},
            "b": {"list": [{"c": {"const": 1}}, {"c": {"table": "level"}}]},
            "d": {"each": "findings", "fields": {"e": {"from": "kind", "table": "x", "as": "y"}}},
        }
    )
    assert [(fault.path, fault.reason) for fault in found] == [
        ("/fields/a", "mapping.unknown_path"),
        ("/fields/b/list/1/c", "mapping.not_one_source"),
        ("/fields/d/fields/e", "mapping.unknown_table"),
        ("/fields/d/fields/e", "mapping.unknown_transform"),
    ]


def test_fields_must_be_a_table() -> None:
    assert [fault.reason for fault in faults([])] == ["mapping.not_fields"]
    assert [fault.where for fault in faults({})] == ["a.yaml#/fields"]


def test_paths_inside_each_may_belong_to_the_item_or_to_what_is_around_it() -> None:
    inner = {"size": {"from": "size"}, "kind": {"from": "kind"}, "who": {"from": "by.name"}}
    good = {"each": "findings", "fields": {"parts": {"each": "parts", "fields": inner}}}
    with pytest.raises(BadMapping):
        # `size` is known below `findings.parts` only, and `parts.size` is looked up from the outermost list on.
        compile_fields({"x": {"each": "findings", "fields": {"a": {"from": "size"}}}}, CONTEXT, "")
    assert compile_fields({"x": good}, CONTEXT, "").apply(
        {"by": {"name": "王"}, "findings": [{"kind": "k", "parts": [{"size": 1}]}]}
    ) == {"x": [{"parts": [{"size": 1, "kind": "k", "who": "王"}]}]}


@pytest.mark.parametrize(
    "reason",
    [
        "missing",
        "not_in_table",
        "not_text",
        "not_a_number",
        "no_digits",
        "not_a_time",
        "not_a_division",
        "not_a_location",
        "outside_china",
        "not_a_list",
    ],
)
def test_every_way_not_to_fit_has_words_in_both_languages(reason: str) -> None:
    unmapped = Unmapped("theirs", "ours", reason, {"table": "t", "code": "c", "crs": "gcj02"})
    assert is_told(f"unmapped.{reason}", unmapped.params)
    assert "{target}" in TEXTS[f"unmapped.{reason}"]["zh"]
