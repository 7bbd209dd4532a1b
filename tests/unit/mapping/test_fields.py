"""What each verb of the field-map language makes of a record."""

from typing import Any

import pytest

from hub.mapping import Context, FieldMap, Link, Unmapped, compile_fields

TABLES: dict[str, dict[str, object]] = {
    "level": {"good": 1, "medium": 2, "poor": 3},
    "relation": {"父亲": "parent", "母亲": "parent"},
}
CONTEXT = Context(TABLES, lambda sha256: f"https://hub.example/photos/{sha256}")
RECORD: dict[str, Any] = {
    "record": "visit/v1",
    "place": {"aliases": {"some-system": "B-7"}, "known": {"household.head_name": "王一"}, "division": "330783005004"},
    "by": {"name": "张三", "staff_number": 12},
    "occurred_at": "2026-11-20T01:02:03.5Z",
    "location": {"lon": 120.2392, "lat": 29.2981, "crs": "wgs84", "accuracy_m": 12},
    "visit.purpose": "care",
    "visit.summary": "一切都好",
    "bin.sorting": "good",
    "empty": "",
    "nothing": None,
    "finding.segment": {"name": "江北溪上段", "aliases": {"some-system": "HD011"}},
    "points": [{"at": 1}, [5, 6]],
    "findings": [{"kind": "river", "by": {"name": "李四"}}, {"kind": "housing"}],
}


def make(**fields: object) -> FieldMap:
    return compile_fields(fields, CONTEXT, "file.yaml#/fields")


def value(rule: dict[str, Any], record: dict[str, Any] = RECORD) -> object:
    return make(field=rule).apply(record).get("field", "left out")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("visit.purpose", "care"),
        ("by.name", "张三"),
        ("place.aliases.some-system", "B-7"),
        ("place.known.household.head_name", "王一"),
        ("finding.segment.aliases.some-system", "HD011"),
        ("points.0.at", 1),
        ("points.1.0", 5),
        ("points.0", {"at": 1}),
        ("points.2", "left out"),
        ("points.first", "left out"),
        ("by.name.first", "left out"),
        ("finding.segment.length", "left out"),
        ("nowhere.at.all", "left out"),
        ("empty", "left out"),
        ("nothing", "left out"),
    ],
)
def test_a_path_is_a_whole_key_first_and_then_split_on_dots(path: str, found: object) -> None:
    assert value({"from": path, "optional": True}) == found


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        ({"const": "FLHL"}, "FLHL"),
        ({"const": None}, None),
        ({"from": "bin.sorting", "table": "level"}, 1),
        ({"from": "bin.cleanliness", "table": "level", "default": 9}, 9),
        ({"from": "visit.summary", "cut": 2}, "一切"),
        ({"from": "occurred_at", "as": "local_time"}, "2026-11-20 09:02:03"),
        ({"from": "place.division", "as": "division", "digits": 9}, "330783005"),
        ({"from": "by.staff_number", "as": "text"}, "12"),
        ({"from": "location", "as": "lonlat", "crs": "cgcs2000"}, [120.2392, 29.2981]),
        ({"from": "by.name", "as": "mask", "kind": "name"}, "张*"),
        ({"join": ["by.name", "visit.summary"], "with": "："}, "张三：一切都好"),
        ({"join": [{"const": "走访："}, "visit.summary", "empty"], "cut": 4}, "走访：一"),
        ({"join": [{"const": "走访："}, "empty"], "optional": True}, "left out"),
        (
            {"list": [{"code": {"const": "A"}, "level": {"from": "bin.sorting", "table": "level"}}]},
            [{"code": "A", "level": 1}],
        ),
        ({"each": "empty", "fields": {"a": {"const": 1}}, "optional": True}, "left out"),
    ],
)
def test_verbs(rule: dict[str, Any], made: object) -> None:
    assert value(rule) == made


def test_each_looks_in_the_item_first_and_then_around_it() -> None:
    rule = {
        "each": "findings",
        "fields": {"kind": {"from": "kind"}, "who": {"from": "by.name"}, "of": {"from": "record"}},
    }
    assert value(rule) == [
        {"kind": "river", "who": "李四", "of": "visit/v1"},
        {"kind": "housing", "who": "张三", "of": "visit/v1"},
    ]


def test_a_fault_inside_an_item_bears_the_number_of_the_item() -> None:
    rule = {"each": "findings", "fields": {"level": {"from": "level", "table": "level"}}}
    reading = make(found=rule).read({"findings": [{"level": "good"}, {"level": "drei"}]})
    assert [(fault.target, fault.source, fault.reason) for fault in reading.faults] == [
        ("found[2].level", "level", "not_in_table")
    ]
    assert reading.fields == {"found": [{"level": 1}, {}]}


@pytest.mark.parametrize("told", ["Good", " good ", "ｇｏｏｄ"])
def test_a_code_in_other_case_width_or_blanks_is_the_same_code(told: str) -> None:
    assert value({"from": "told", "table": "level"}, {"told": told}) == 1


def test_steps_are_done_item_by_item_in_a_list() -> None:
    record = {"photos": ["aa", "bb"], "levels": ["good", "poor"], "track": [RECORD["location"], {"missing": "denied"}]}
    assert value({"from": "photos", "as": "url"}, record) == [f"https://hub.example/photos/{x}" for x in ("aa", "bb")]
    assert value({"from": "levels", "table": "level"}, record) == [1, 3]
    assert value({"from": "track", "as": "lonlat", "crs": "wgs84"}, record) == [[120.2392, 29.2981]]


def test_back_turns_table_and_transform_around() -> None:
    row = {"level": "2", "levels": [1, 3], "at": "2026-11-20 09:02:03", "path": [[120.2, 29.2], [120.3, 29.3]]}
    assert value({"from": "level", "table": "level", "back": True}, row) == "medium"
    assert value({"from": "levels", "table": "level", "back": True}, row) == ["good", "poor"]
    assert value({"from": "at", "as": "local_time", "back": True}, row) == "2026-11-20T01:02:03Z"
    point = {"lon": 120.2, "lat": 29.2, "crs": "gcj02"}
    assert value({"from": "path.0", "as": "lonlat", "crs": "gcj02", "back": True}, row) == point


def test_a_table_read_forwards_may_join_their_codes() -> None:
    rule = {"from": "relation", "table": "relation"}
    assert [value(rule, {"relation": theirs}) for theirs in ("父亲", "母亲")] == ["parent", "parent"]


def test_a_location_that_says_why_it_is_missing_is_absent() -> None:
    rule = {"from": "location", "as": "lonlat", "crs": "gcj02"}
    nowhere = {"location": {"missing": "denied"}}
    assert value({**rule, "optional": True}, nowhere) == "left out"
    with pytest.raises(Unmapped) as unmapped:
        value(rule, nowhere)
    assert unmapped.value.reason == "missing"


@pytest.mark.parametrize(
    ("rule", "reason", "source"),
    [
        ({"from": "nowhere"}, "missing", "nowhere"),
        ({"from": "visit.purpose", "table": "level"}, "not_in_table", "visit.purpose"),
        ({"from": "visit.summary", "as": "number"}, "not_a_number", "visit.summary"),
        ({"from": "by", "as": "text"}, "not_text", "by"),
        ({"each": "by", "fields": {"a": {"const": 1}}}, "not_a_list", "by"),
        ({"each": "points", "fields": {"a": {"const": 1}}}, "not_a_list", "points"),
        ({"each": "nowhere", "fields": {"a": {"const": 1}}}, "missing", "nowhere"),
        ({"join": ["by.name", "by"]}, "not_text", "by.name + by"),
        ({"join": ["nowhere", "empty"]}, "missing", "nowhere + empty"),
    ],
)
def test_a_record_that_does_not_fit_is_named_by_paths_not_by_its_values(
    rule: dict[str, Any], reason: str, source: str
) -> None:
    with pytest.raises(Unmapped) as raised:
        value(rule)
    unmapped = raised.value
    assert (unmapped.reason, unmapped.source, unmapped.target) == (reason, source, "field")
    assert unmapped.params["target"] == "field"
    assert "张三" not in f"{unmapped} {unmapped.params}"


def test_an_unknown_code_is_told_with_its_table() -> None:
    with pytest.raises(Unmapped) as raised:
        value({"from": "visit.purpose", "table": "level", "optional": True})
    assert raised.value.params == {"target": "field", "source": "visit.purpose", "table": "level", "code": "care"}


def test_lineage_has_every_path_with_the_field_it_feeds() -> None:
    fields = make(
        code={"const": 1},
        text={"join": ["by.name", {"const": "!"}, "visit.summary"]},
        items={"list": [{"level": {"from": "bin.sorting", "table": "level"}}]},
        found={"each": "findings", "fields": {"kind": {"from": "kind"}}},
    )
    assert fields.lineage == (
        Link("by.name", "text"),
        Link("visit.summary", "text"),
        Link("bin.sorting", "items[0].level"),
        Link("findings", "found"),
        Link("kind", "found[].kind"),
    )


def test_missing_names_what_a_record_lacks_and_nothing_else() -> None:
    fields = make(
        who={"from": "by.name"},
        phone={"from": "by.phone"},
        level={"from": "visit.purpose", "table": "level"},
        note={"from": "note", "optional": True},
        next={"from": "visit.next_on", "as": "date"},
    )
    assert fields.missing(RECORD) == ("by.phone", "visit.next_on")
