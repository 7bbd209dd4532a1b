"""A wrong wiring file is refused whole, with every fault at its place and words for people."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.mapping import MappingFault
from tests.unit.systems.conftest import CODE, SETTINGS, write_kind

TEXTS = json.loads((Path(__file__).parents[3] / "schemas/messages/systems.json").read_text(encoding="utf-8"))
Faults = Callable[..., list[MappingFault]]
AT = "/systems/village-doors"


def set_at(pointer: str, value: object) -> Callable[[Any], None]:
    """Return an edit that puts a value at a pointer below the System."""

    def edit(document: Any) -> None:  # noqa: ANN401 - the document
        *above, last = [int(step) if step.isdigit() else step for step in pointer.split("/")]
        part = document["systems"]["village-doors"]
        for step in above:
            part = part[step]
        part[last] = value

    return edit


@pytest.mark.fault("F68")
@pytest.mark.parametrize(
    ("pointer", "value", "reason"),
    [
        ("connector", "no_such_kind", "systems.unknown_connector"),
        ("reaches/0", "10.0.0.1:99999", "systems.bad_grant"),
        ("settings/retries", 0, "systems.bad_setting"),
        ("settings/nested", {"a": [1]}, "systems.bad_setting"),
        ("settings/colour", "red", "systems.unknown_setting"),
        ("settings/password", "written down", "systems.plain_secret"),
        ("settings/token", "written down", "systems.plain_secret"),
        ("settings/password", {"secret": "NOBODY_KNOWS"}, "systems.missing_secret"),
        ("settings/nested", {"a": [{"secret": "NOBODY_KNOWS"}]}, "systems.missing_secret"),
        ("send/0/record", "vist/v1", "systems.unknown_record"),
        ("send/0/when", {"required": ["visit.purpos"]}, "systems.unknown_path"),
        ("send/0/when", {"not": {"properties": {"place": {"required": ["alias"]}}}}, "systems.unknown_path"),
        ("send/0/when", {"anyOf": [{"properties": {"by": {"properties": {"age": {}}}}}]}, "systems.unknown_path"),
        ("send/0/when", {"required": "broken"}, "systems.bad_condition"),
        ("send/1/flow", "visit", "systems.doubled_name"),
        ("send/0/fields/door", {"from": "place.aliases.vilage-doors"}, "mapping.unknown_path"),
        ("send/0/fields/door", {"from": "place.known.household.hair"}, "mapping.unknown_path"),
        ("send/0/fields/door", {"from": "visit.purpose.first"}, "mapping.unknown_path"),
        ("send/0/fields/door", {"from": "visit"}, "mapping.unknown_path"),
        ("send/0/fields/why", {"from": "visit.purpose", "table": "purposes"}, "mapping.unknown_table"),
        ("pull/0/source", "windows", "systems.unknown_source"),
        ("pull/0/into", "castle", "systems.unknown_place_kind"),
        ("pull/0/fields", {"household.hair": {"from": "hair"}}, "systems.unknown_element"),
        ("pull/0/aliases", {"police": {"form": "plate"}}, "mapping.not_one_source"),
        ("pull/0/place", {"name": {"from": "a", "as": "b"}}, "mapping.unknown_transform"),
    ],
)
def test_each_fault_is_told_with_its_place_reason_and_remedy(
    faults: Faults, pointer: str, value: object, reason: str
) -> None:
    found = faults(set_at(pointer, value))
    told = "; ".join(f"{fault.where} {fault.reason}" for fault in found)
    assert [fault.reason for fault in found if fault.reason == reason], told
    expected = f"{AT}/send" if reason == "systems.doubled_name" else f"{AT}/{pointer}"
    assert all(fault.file == "connectors.yaml" and fault.path.startswith(expected) for fault in found), told
    for fault in found:
        for text in (*TEXTS[fault.reason].values(), *TEXTS[fault.remedy].values()):
            assert fault.params.keys() >= set(re.findall(r"\{([a-z_]+)\}", text))


def test_a_secret_s_value_or_what_was_written_for_it_is_never_told(faults: Faults) -> None:
    (fault,) = faults(set_at("settings/password", "written down"))
    assert "written down" not in repr(fault)


def test_all_faults_come_at_once(faults: Faults) -> None:
    def edit(document: Any) -> None:  # noqa: ANN401 - the document
        for pointer, value in (
            ("send/0/record", "vist/v1"),
            ("send/1/fields/river", {"from": "nowhere"}),
            ("pull/0/into", "castle"),
            ("settings/password", {"secret": "NOBODY_KNOWS"}),
            ("settings/retries", 0),
        ):
            set_at(pointer, value)(document)

    assert [fault.path.removeprefix(f"{AT}/") for fault in faults(edit)] == [
        "send/0/record",
        "send/1/fields/river",
        "pull/0/into",
        "settings/password",
        "settings/retries",
    ]


@pytest.mark.parametrize(
    "path",
    ["patrol.track.lon", "household.members.person.name", "location.lon", "by.name", "place.division", "received_at"],
)
def test_parts_of_envelope_and_values_are_known(load: Callable[..., Any], path: str) -> None:
    assert load(set_at("send/0/fields/door", {"from": path})).flows_for("visit/v1")


def test_a_field_of_an_each_is_looked_for_in_its_items(load: Callable[..., Any]) -> None:
    rule = {"each": "household.members", "fields": {"name": {"from": "person.name"}}}
    (flow,) = load(set_at("send/0/fields/people", rule)).flows_for("visit/v1")
    record = {
        "place": {"aliases": {"village-doors": "D1"}},
        "visit.purpose": "care",
        "household.members": [{"person.name": "王二"}],
    }
    assert flow.fields.apply(record)["people"] == [{"name": "王二"}]


@pytest.mark.parametrize(
    ("code", "settings", "reason"),
    [
        ("import no_such_library", SETTINGS, "systems.broken_connector"),
        ("from hub.sdk import NoSuchName", SETTINGS, "systems.broken_connector"),
        ("", SETTINGS, "systems.incomplete_connector"),
        ("class Connector: ...", SETTINGS, "systems.incomplete_connector"),
        (CODE.format(amends=True), "Settings = 5", "systems.incomplete_connector"),
        (CODE.format(amends=True), "", "systems.incomplete_connector"),
        (CODE.format(amends=False), SETTINGS, "systems.cannot_amend"),
    ],
)
def test_a_connector_that_cannot_do_it_is_told(
    faults: Faults, packages: Path, code: str, settings: str, reason: str
) -> None:
    write_kind(packages, "sixth_kind", code, settings)
    (fault,) = faults(set_at("connector", "sixth_kind"))
    assert fault.reason == reason
    assert fault.params["kind"] == "sixth_kind"


def test_a_folder_without_code_is_no_connector(faults: Faults, packages: Path) -> None:
    write_kind(packages, "half_kind", "", "")
    (packages / "half_kind" / "connector.py").unlink()
    (fault,) = faults(set_at("connector", "half_kind"))
    assert fault.reason == "systems.broken_connector"


def test_the_first_package_that_has_a_kind_wins(load: Callable[..., Any], packages: Path) -> None:
    write_kind(packages.parent / "rivals", "fifth_kind", "import no_such_library", "")
    order = ("no_such_package", packages.name, "rivals")
    assert load(packages=order).systems["village-doors"].connector_kind == "fifth_kind"
