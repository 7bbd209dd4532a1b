"""A good wiring file becomes a Registry that says who gets what and how rows are read."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub.clock import SystemClock
from hub.mapping import Unmapped
from hub.sdk.doors import open_doors
from hub.sdk.egress import Egress
from hub.systems import BadSystems, County, FlowLink, Limits, Registry, connect, links, links_of
from hub.systems.duration import duration

Load = Callable[..., Registry]

ROW: dict[str, Any] = {
    "door": 17,
    "village": "330783005004",
    "street": "江北街",
    "number": "9",
    "point": [120.24, 29.29],
    "plate": "GA-1",
    "old": [{"by": "water", "text": 5}],
    "head": "王一",
}


def test_a_system_is_who_the_file_says(load: Load) -> None:
    registry = load()
    system = registry.systems["village-doors"]
    assert registry.county == County("330783000000", {"zh": "东阳市", "en": "Dongyang"})
    assert (system.owner, system.connector_kind, system.simulated) == ("civil-affairs", "fifth_kind", True)
    assert system.reaches == ("127.0.0.1:9999",)
    assert system.limits == Limits(2, 5, timedelta(seconds=30), timedelta(days=2))
    assert system.capabilities.sources == ("doors",)


def test_how_long_an_entry_by_hand_may_wait_is_the_systems_own(load: Load) -> None:
    assert load().by_hand_within("village-doors") == timedelta(days=2)
    registry = load(lambda document: document["systems"]["village-doors"]["limits"].update(by_hand_within="6h"))
    assert registry.by_hand_within("village-doors") == timedelta(hours=6)
    assert registry.by_hand_within("no longer wired") == timedelta(days=2)
    assert (registry.owner("village-doors"), registry.owner("no longer wired")) == ("civil-affairs", "")


def test_secrets_are_filled_in_and_shown_nowhere(load: Load) -> None:
    system = load().systems["village-doors"]
    settings: Any = system.settings
    assert settings.password.get_secret_value() == "open sesame"
    assert "sesame" not in f"{system} {settings}"


async def test_connect_makes_the_connector_with_its_settings_and_doors(load: Load) -> None:
    system = load().systems["village-doors"]
    doors = open_doors(Egress(frozenset()), SystemClock())
    connector: Any = connect(system, doors)
    assert (connector.settings, connector.doors) == (system.settings, doors)
    await doors.aclose()


def test_flows_are_found_by_record_type(load: Load) -> None:
    registry = load()
    assert [flow.name for flow in registry.flows_for("visit/v1")] == ["visit"]
    assert [flow.name for flow in registry.flows_for("finding/v1")] == ["segment"]
    assert registry.flows_for("check_in/v1") == ()


def test_a_flow_matches_maps_and_says_what_corrections_do(load: Load) -> None:
    registry = load()
    (visit,), (segment,) = registry.flows_for("visit/v1"), registry.flows_for("finding/v1")
    record = {"visit.purpose": "care", "place": {"aliases": {"village-doors": "D1"}}}
    assert visit.matches(record)
    assert not visit.matches({})
    assert visit.otherwise["en"] == "no purpose"
    assert visit.fields.apply(record) == {"door": "D1", "why": "A"}
    assert (visit.amend, visit.amend_reason, visit.ordered) == ("changed", None, False)
    assert (segment.amend, segment.amend_reason, segment.ordered) == ("never", {"zh": "不改", "en": "never"}, True)


def test_a_flow_s_version_follows_its_definition_and_the_tables_it_uses(load: Load) -> None:
    def version(edit: Callable[[Any], object] = id) -> str:
        return load(edit).flows_for("visit/v1")[0].version

    def visit(document: Any) -> Any:  # noqa: ANN401 - a part of the document
        return document["systems"]["village-doors"]["send"][0]

    assert version() == version(lambda d: d["tables"].update(other={"a": 1}))
    assert version() != version(lambda d: d["tables"]["purpose"].update(care="C"))
    assert version() != version(lambda d: visit(d)["fields"].update(more={"list": [{"x": {"const": 1}}]}))


def test_a_pull_says_which_fields_of_a_row_tell_what(load: Load) -> None:
    (pull,) = load().systems["village-doors"].pulls
    assert (pull.name, pull.source, pull.into, pull.every) == ("doors", "doors", "household", timedelta(hours=6))
    assert pull.key.apply(ROW) == {"key": "17"}
    assert pull.place.read(ROW).fields == {
        "division": "330783005004", "name": "江北街9", "location": {"lon": 120.24, "lat": 29.29, "crs": "gcj02"},
    }  # fmt: skip
    assert pull.codes.read(ROW).fields == {"police": "GA-1", "*": [{"issuer": "water", "code": "5"}]}
    assert pull.values.read(ROW).fields == {"household.head_name": "王一"}
    assert pull.describes
    assert {"door", "village", "street", "number", "point", "plate", "old", "head"} <= {*pull.heads}


def test_a_row_may_say_little_but_not_leave_out_its_key(load: Load) -> None:
    (pull,) = load().systems["village-doors"].pulls
    little = {"door": "17", "street": "江北街", "head": None}
    assert [part.read(little).fields for part in (pull.place, pull.codes, pull.values)] == [{"name": "江北街"}, {}, {}]
    assert pull.values.read(little).nothing == ("household.head_name",), "there, and empty"
    with pytest.raises(Unmapped, match="key <- door: missing"):
        pull.key.apply({**ROW, "door": ""})


def test_how_a_pull_is_read_is_usual_unless_the_file_says_otherwise(load: Load) -> None:
    def change(document: Any) -> None:  # noqa: ANN401 - the document
        document["systems"]["village-doors"]["pull"][0].update(whole_every="7d", quiet_slots=0, most_rows=50)

    (usual,), (other,) = (load(*edit).systems["village-doors"].pulls for edit in ((), (change,)))
    assert (usual.whole_every, usual.quiet_slots, usual.most_rows) == (timedelta(days=1), 30, 2_000_000)
    assert (other.whole_every, other.quiet_slots, other.most_rows) == (timedelta(days=7), 0, 50)
    assert usual.version == other.version, "rows are read the same"


def test_a_pull_s_version_follows_what_is_read_of_a_row(load: Load) -> None:
    def change(document: Any) -> None:  # noqa: ANN401 - the document
        document["systems"]["village-doors"]["pull"][0]["fields"]["household.head_name"] = {"from": "chief"}

    (usual,), (other,) = (load(*edit).systems["village-doors"].pulls for edit in ((), (change,)))
    assert usual.version != other.version


def test_a_county_may_say_where_it_lies(load: Load) -> None:
    box = {"west": 120.0, "south": 28.9, "east": 120.8, "north": 29.6}
    assert load(lambda document: document["county"].update(box=box)).county.box == (120.0, 28.9, 120.8, 29.6)
    with pytest.raises(BadSystems, match=r"county/box: systems\.bad_box"):
        load(lambda document: document["county"].update(box=box | {"west": 121}))


def test_a_system_may_only_send_or_only_be_read(load: Load) -> None:
    def drop(name: str) -> Callable[[Any], object]:
        return lambda document: document["systems"]["village-doors"].pop(name)

    assert load(drop("send")).flows == {}
    assert load(drop("pull")).systems["village-doors"].pulls == ()


def test_a_pull_may_bring_codes_only(load: Load) -> None:
    def only_codes(document: Any) -> None:  # noqa: ANN401 - the document
        for part in ("fields", "place", "aliases"):
            document["systems"]["village-doors"]["pull"][0].pop(part)

    (pull,) = load(only_codes).systems["village-doors"].pulls
    assert pull.values.read(ROW).fields == {}
    assert (pull.lineage, pull.describes, pull.heads) == ((), False, ("door",))


def test_lineage_lists_what_is_sent_and_what_is_pulled(load: Load) -> None:
    registry = load()
    assert FlowLink("village-doors", "visit", "send", "visit/v1", "visit.purpose", "why") in links(registry)
    assert links_of("household.head_name", registry) == [
        FlowLink("village-doors", "visit", "send", "visit/v1", "place.known.household.head_name", "head"),
        FlowLink("village-doors", "doors", "pull", "household", "household.head_name", "head"),
    ]
    assert [link.source_path for link in links_of("finding.segment", registry)] == [
        "finding.segment.aliases.village-doors"
    ]
    assert links_of("finding.seg", registry) == []


def test_an_element_is_found_inside_a_pulled_list(load: Load) -> None:
    rule = {"each": "people", "fields": {"person.name": {"from": "called"}}, "optional": True}

    def pull_people(document: Any) -> None:  # noqa: ANN401 - the document
        document["systems"]["village-doors"]["pull"][0]["fields"]["household.members"] = rule

    registry = load(pull_people)
    assert [link.system_field for link in links_of("person.name", registry)] == ["called"]
    assert [link.system_field for link in links_of("household.members", registry)] == ["people", "called"]


@pytest.mark.parametrize(
    ("text", "length"),
    [("30s", timedelta(seconds=30)), ("15m", timedelta(minutes=15)), ("6h", timedelta(hours=6)), ("1d", timedelta(1))],
)
def test_durations(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "30", "s", "0s", "1.5h", "1w", "30s "])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        duration(text)
