"""The fast verdict and the explanation never disagree, and the explanation names the leaf at fault."""

import copy
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.catalog import Catalog, load_catalog
from hub.catalog.verdicts import FORMATS, Document, Explainer, Verdict, compile_fast, pointer
from tests.unit.catalog.breaking import ROOT

CATALOG = load_catalog(ROOT)
FORMS = sorted(CATALOG.forms)
DIGEST = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["river", "housing", "poor", "2026-02-30", "2026-12-01", "2026-11-20T08:30:00+08:00", "19900000101"]
    ),
    st.sampled_from(
        ["19900000101\n", "１９９００００", "2026-11-20T08:30:00", "0001-01-01T00:00:00+14:00", "", "x" * 501]
    ),
    st.sampled_from([DIGEST, DIGEST + "\n"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "lon", "a"]), inner, max_size=3),
)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw values near the border of a schema: mostly fitting, sometimes anything."""
    return st.integers(0, 11).flatmap(lambda roll: anything if roll == 0 else fitting(schema))


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    match schema.get("type"):
        case "object":
            return objects(schema)
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(-2, 60)
        case "number":
            return st.sampled_from([-200, -180, 0, 29.28, 120.24, 181])
        case _:
            return st.sampled_from(schema.get("enum", ["x"])) | scalars


def objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties = schema.get("properties", {})
    drawn = {name: values(inner) for name, inner in properties.items()}
    required = {name: drawn[name] for name in schema.get("required", ())}
    optional = {name: drawn[name] for name in properties if name not in required}
    stray = {"surprise": scalars}
    whole = st.fixed_dictionaries(required, optional=optional)
    loose = st.fixed_dictionaries({}, optional=drawn | stray)
    return st.integers(0, 9).flatmap(lambda roll: loose if roll == 0 else whole)


@st.composite
def nearly(draw: st.DrawFn, examples: list[Document]) -> Document:
    """Draw an example with one value, anywhere in it, replaced or taken out; sometimes untouched."""
    answers = copy.deepcopy(draw(st.sampled_from(examples)))
    place = draw(st.sampled_from(list(containers(answers))))
    if place and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if draw(st.booleans()):
            place[key] = draw(anything)
        else:
            del place[key]
    return answers


def containers(value: Document) -> Iterator[Document]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@pytest.mark.parametrize("key", FORMS, ids=lambda key: f"{key[0]}-v{key[1]}")
def test_both_engines_give_the_same_verdict(key: tuple[str, int]) -> None:
    form, verdict = CATALOG.forms[key], CATALOG.validator(*key)
    verdicts = set()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(objects(form.schema) | nearly([example["answers"] for example in form.examples]))
    def agree(answers: dict[str, Any]) -> None:
        faults = verdict.explain(answers)
        assert verdict.is_valid(answers) is (faults == [])
        verdicts.add(faults == [])
        for fault in faults:
            assert fault.path.startswith("/answers")
            assert CATALOG.messages.both(f"fault.{fault.code}", **fault.params).keys() == {"zh", "en"}

    agree()
    assert verdicts == {True, False}, "the inputs must try both"


@pytest.mark.parametrize("key", FORMS, ids=lambda key: f"{key[0]}-v{key[1]}")
def test_every_example_is_valid_and_every_part_of_it_counts(key: tuple[str, int]) -> None:
    form, verdict = CATALOG.forms[key], CATALOG.validator(*key)
    assert len(form.examples) >= 2
    for example in form.examples:
        answers = example["answers"]
        assert verdict.is_valid(answers)
        assert verdict.explain(answers) == []
        for name in answers:
            wrong = {**answers, name: {"not": "an answer"}}
            assert not verdict.is_valid(wrong)
            assert name in {fault.path.split("/")[2] for fault in verdict.explain(wrong)}


@pytest.fixture
def visit(catalog: Catalog) -> tuple[dict[str, Any], Verdict]:
    form = catalog.forms["visit", 1]
    return copy.deepcopy(form.examples[1]["answers"]), catalog.validator("visit", 1)


def said(verdict: Verdict, answers: Document) -> list[tuple[str, str]]:
    assert not verdict.is_valid(answers)
    return [(fault.path, fault.code) for fault in verdict.explain(answers)]


def test_faults_point_at_the_field_inside_the_repeat(visit: tuple[dict[str, Any], Verdict]) -> None:
    answers, verdict = visit
    answers["findings"][0]["finding.category"] = "fire"
    answers["findings"][1]["finding.description"] = "长" * 501
    answers["bin"]["bin.smell"] = "bad"
    del answers["visit.purpose"]
    assert said(verdict, answers) == [
        ("/answers/bin/bin.smell", "unknown"),
        ("/answers/findings/0/finding.category", "enum"),
        ("/answers/findings/0/finding.location", "hidden"),
        ("/answers/findings/0/finding.river_type", "hidden"),
        ("/answers/findings/0/finding.segment", "hidden"),
        ("/answers/findings/1/finding.description", "too_long"),
        ("/answers/visit.purpose", "required"),
    ]


def test_a_shown_question_is_required_and_a_hidden_one_absent(visit: tuple[dict[str, Any], Verdict]) -> None:
    answers, verdict = visit
    river, housing = answers["findings"]
    del river["finding.segment"]
    housing["finding.segment"] = "HD-0012"
    assert said(verdict, answers) == [
        ("/answers/findings/0/finding.segment", "required"),
        ("/answers/findings/1/finding.segment", "hidden"),
    ]


def test_nothing_to_report_leaves_no_room_for_findings(visit: tuple[dict[str, Any], Verdict]) -> None:
    answers, verdict = visit
    answers["nothing_to_report"] = True
    assert said(verdict, answers) == [("/answers/findings", "too_many")]
    answers["findings"] = []
    assert verdict.is_valid(answers)


def test_items_are_told_apart_by_their_id(visit: tuple[dict[str, Any], Verdict]) -> None:
    answers, verdict = visit
    answers["findings"][1]["id"] = answers["findings"][0]["id"]
    assert said(verdict, answers) == [("/answers/findings/1/id", "repeated")]
    answers["findings"][0]["id"] = "1"
    del answers["findings"][1]["id"]
    assert said(verdict, answers) == [("/answers/findings/1/id", "repeated")]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ({"lon": 120.2, "lat": 29.2, "crs": "wgs84"}, None),
        ({"missing": "denied"}, None),
        ({"missing": "denied", "lon": 120.2}, "/answers/findings/0/finding.location"),
        ({"lon": 120.2, "lat": 29.2}, "/answers/findings/0/finding.location/crs"),
        ({"lon": 120.2, "lat": 91, "crs": "wgs84"}, "/answers/findings/0/finding.location/lat"),
        ({}, "/answers/findings/0/finding.location/lon"),
    ],
)
def test_a_location_is_a_position_or_says_why_there_is_none(
    location: dict[str, Any], path: str | None, visit: tuple[dict[str, Any], Verdict]
) -> None:
    answers, verdict = visit
    answers["findings"][0]["finding.location"] = location
    paths = [fault.path for fault in verdict.explain(answers)]
    assert paths == [] if path is None else path in paths
    assert verdict.is_valid(answers) is (path is None)


@pytest.mark.parametrize("answers", [None, [], "text", 1])
def test_answers_that_are_no_object(answers: Document, catalog: Catalog) -> None:
    assert said(catalog.validator("check_in", 1), answers) == [("/answers", "type")]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", ["2026-02-28", "2028-02-29"], ["2026-02-29", "20260228", "2026-2-8", "2026-02-28\n", "0001-01-01"]),
        (
            "date-time",
            ["2026-11-20T08:30:00Z", "2026-11-20T08:30:00.123456+08:00"],
            [
                "2026-11-20T08:30:00",
                "2026-11-20 08:30:00Z",
                "2026-11-20T24:00:00Z",
                "2026-11-20T08:30:00+24:00",
                "20261120",
            ],
        ),
    ],
)
def test_formats(name: str, good: list[str], bad: list[str]) -> None:
    assert all(FORMATS[name](value) for value in (*good, 5))
    assert not any(FORMATS[name](value) for value in bad)
    fast = compile_fast({"format": name})
    assert [value for value in (*good, *bad) if fast(value)] == good


def test_a_pattern_ends_where_it_says() -> None:
    schema = {"pattern": "^[0-9]+$"}
    assert [leaf.code for leaf in Explainer(schema).leaves("12\n")] == ["pattern"]
    assert not compile_fast(schema)("12\n")


@pytest.mark.parametrize(
    ("schema", "document", "codes"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]}, {}, ["required"]),
        ({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, 6, ["invalid"]),
        (False, 1, ["hidden"]),
        ({"patternProperties": {"^a": {}}, "additionalProperties": False}, {"ab": 1, "b": 2}, ["unknown"]),
    ],
)
def test_leaves_of_other_rules(schema: Document, document: Document, codes: list[str]) -> None:
    assert [leaf.code for leaf in Explainer(schema).leaves(document)] == codes


def test_nothing_is_ever_fetched() -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        compile_fast({"$ref": "http://127.0.0.1:9/schema"})
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        Explainer({"$ref": "http://127.0.0.1:9/schema"}).leaves({})


def test_pointers_are_escaped() -> None:
    assert pointer(["a/b", "~c", 0]) == "/a~1b/~0c/0"


def test_loading_takes_less_than_300_ms() -> None:
    spent = []
    for _ in range(3):
        started = time.process_time()
        load_catalog(ROOT)
        spent.append(time.process_time() - started)
    # Measuring coverage makes every line of Python several times slower; the promise is about the hub as it runs.
    assert min(spent) < (0.3 if sys.gettrace() is None else 3)
