"""Conditions: what they hold for, and what they may not be."""

import pytest

from hub.catalog import BadCondition, compile_condition
from hub.catalog.conditions import pattern_faults
from hub.catalog.verdicts import Document, schema_faults


def test_a_condition_is_a_test_of_a_record() -> None:
    holds = compile_condition(
        {"properties": {"finding.category": {"const": "river"}}, "required": ["finding.category"]}
    )
    assert holds({"finding.category": "river"})
    assert not holds({"finding.category": "housing"})
    assert not holds({})
    assert compile_condition(True)({})


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({"$ref": "#/x"}, [("$ref", "condition_leaves")]),
        (
            {"allOf": [{"$dynamicRef": "#x"}, {"$id": "y"}]},
            [("$dynamicRef", "condition_leaves"), ("$id", "condition_leaves")],
        ),
        ({"properties": {"a": {"pattern": "(x+)+"}}}, [("pattern", "pattern_nested")]),
        ({"patternProperties": {"(?=a)": True}}, [("(?=a)", "pattern_bad")]),
        ({"enum": [0] * 3, "anyOf": [{}] * 500}, [(None, "condition_big")]),
        ({"minLength": "x"}, [("minLength", "schema")]),
        ({"properties": {"a": {"type": "txt"}}}, [("type", "schema")]),
        ("required", [(None, "schema")]),
    ],
)
def test_all_that_is_wrong_with_a_condition(schema: Document, places: list[tuple[str | None, str]]) -> None:
    with pytest.raises(BadCondition) as caught:
        compile_condition(schema)
    assert [((fault.path or (None,))[-1], fault.code) for fault in caught.value.faults] == places
    assert places[0][1] in str(caught.value)


def test_a_property_may_be_called_pattern() -> None:
    assert compile_condition({"properties": {"pattern": {"const": 1}, "patternProperties": {"const": 2}}})(
        {"pattern": 1}
    )


@pytest.mark.parametrize(
    ("pattern", "faults"),
    [
        ("^[0-9]{4}$", []),
        ("^(ab)+$", []),
        ("^(a|b)?c+$", []),
        (r"^\(+[)*(]+\)$", []),
        ("^(a+)?$", []),
        ("^(a+)+$", ["pattern_nested"]),
        ("^(a|a)*$", ["pattern_nested"]),
        ("^((a+))*$", ["pattern_nested"]),
        ("^((ab)*c){2,}$", ["pattern_nested"]),
        (r"(a)\1", ["pattern_bad"]),
        ("[", ["pattern_bad"]),
        ("a" * 201, ["pattern_long"]),
        (None, []),
    ],
)
def test_patterns_stay_linear(pattern: str | None, faults: list[str]) -> None:
    assert pattern_faults(pattern) == faults


def test_what_only_the_fast_engine_refuses_is_a_fault_all_the_same() -> None:
    assert [(leaf.path, leaf.code) for leaf in schema_faults({"pattern": "(?=a)b"})] == [((), "schema")]
