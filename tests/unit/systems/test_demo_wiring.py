"""connectors.yaml as shipped: it passes its schema, loads with the real connectors, and speaks their languages."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.catalog import load_catalog
from hub.catalog.conditions import compile_condition
from hub.catalog.documents import read_yaml, validate
from hub.pulls.read import Reader
from hub.systems import PullFlow, Registry, Surroundings, load_registry

ROOT = Path(__file__).parents[3]
SECRET = "ssh-ed25519 AAAA only to fit every setting's pattern"


def in_yaml(pattern: str) -> dict[str, Any]:
    return {
        path.relative_to(ROOT / "schemas").as_posix(): yaml.safe_load(path.read_text()) for path in ROOT.glob(pattern)
    }


@pytest.fixture(scope="module")
def registry() -> Registry:
    document, faults = read_yaml(ROOT / "connectors.yaml", "connectors.yaml")
    assert faults == []
    return loaded(document)


def loaded(document: Any) -> Registry:  # noqa: ANN401 - a document
    elements = {each["id"]: each["type"] for file in in_yaml("schemas/elements/*.yaml").values() for each in file}
    records = {
        name.removeprefix("records/").removesuffix(".yaml"): {
            element: elements[element]
            for field in record["fields"]
            for element in ([field] if isinstance(field, str) else field)
        }
        for name, record in in_yaml("schemas/records/*/*.yaml").items()
    }
    assert validate(document, ROOT / "schemas/connectors.json", "connectors.yaml") == []
    around = Surroundings(
        records=records,
        elements=elements,
        place_kinds=("household", "river_segment", "office"),
        compile_condition=compile_condition,
        secrets=lambda _: SECRET,
        attachment_url=lambda sha256: f"https://hub.example/{sha256}",
    )
    return load_registry(document, "connectors.yaml", around)


def simulator(kind: str) -> Any:  # noqa: ANN401 - a module
    return import_module(f"connectors.{kind}.simulator")


def test_every_flow_fills_the_fields_its_system_takes(registry: Registry) -> None:
    flows = [(system, flow) for system in registry.systems.values() for flow in system.sends]
    assert len(flows) == 6
    for system, flow in flows:
        wanted = simulator(system.connector_kind).sample_payloads()[flow.name]
        assert {name for name, _ in flow.fields.fields} >= wanted.keys(), f"{system.name}.{flow.name}"


def test_the_wiring_a_readme_shows_loads_and_fills_what_its_system_demands() -> None:
    """For a kind the demo does not wire; its readme is all that shows how."""
    readme = (ROOT / "connectors/grid_event/README.md").read_text()
    document = yaml.safe_load(readme.partition("```yaml\n")[2].partition("```")[0])
    demo = yaml.safe_load((ROOT / "connectors.yaml").read_text())
    (system,) = loaded({"county": demo["county"], **document}).systems.values()
    (flow,) = system.sends
    demanded = import_module("connectors.grid_event.simulated").REQUIRED
    assert demanded.keys() <= {name for name, _ in flow.fields.fields}
    assert list(system.reaches) == simulator(system.connector_kind).reaches(9105)


def test_every_simulator_is_reached_where_the_file_says(registry: Registry) -> None:
    for system in registry.systems.values():
        port = int(system.reaches[0].rpartition(":")[2])
        assert list(system.reaches) == simulator(system.connector_kind).reaches(port)
        assert system.simulated


def pulls(registry: Registry) -> list[tuple[str, PullFlow]]:
    return [(system.connector_kind, pull) for system in registry.systems.values() for pull in system.pulls]


def test_every_row_of_the_county_can_be_read(registry: Registry) -> None:
    from deploy.county.seed import county  # noqa: PLC0415 - a script's module, wanted here only

    seeded, catalog = county(60), load_catalog(ROOT)
    for kind, pull in pulls(registry):
        reader = Reader(pull, catalog, registry.county)
        rows = [reader.read(row, reader.identify(row)) for row in seeded[kind][pull.source]]
        assert len({row.identity.row_key for row in rows}) == len(rows) > 0
        assert [row.faults for row in rows if row.faults] == []
        assert all(row.values for row in rows)


def test_every_pull_gives_only_elements_the_dictionary_has(registry: Registry) -> None:
    told = {
        element
        for _, pull in pulls(registry)
        for element in {link.target_path.partition("[")[0] for link in pull.lineage}
    }
    assert {"household.head_name", "household.members", "bin.last_level", "segment.name"} <= told


def test_a_visit_of_a_household_goes_only_where_it_is_known(registry: Registry) -> None:
    def takers(*systems: str) -> set[str]:
        place = {"division": "330783005004", "aliases": dict.fromkeys(systems, "X1")}
        record = {"place": place, "visit.purpose": "care"}
        return {flow.system for flow in registry.flows_for("visit/v1") if flow.matches(record)}

    subscribers = {flow.system for flow in registry.flows_for("visit/v1")}
    assert len(subscribers) == 2
    assert takers(*subscribers) == subscribers
    for system in subscribers:
        assert takers(system) == {system}
    assert takers() == set()


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ({"finding.category": "dispute"}, 0),
        ({"finding.category": "housing", "finding.housing_type": "leak"}, 1),
        ({"finding.category": "river", "finding.segment": {"aliases": {"all": "HD1"}}}, 0),
        (
            {"finding.category": "river", "finding.segment": {"aliases": {"all": "HD1"}}, "finding.river_type": "bank"},
            1,
        ),
        ({"finding.category": "river", "finding.segment": {"aliases": {}}}, 0),
    ],
)
def test_findings_go_by_category(registry: Registry, content: dict[str, Any], count: int) -> None:
    everywhere = dict.fromkeys(registry.systems, "X1")
    segment = content.get("finding.segment")
    if segment and segment["aliases"]:
        content = {**content, "finding.segment": {"aliases": everywhere}}
    record = {"place": {"aliases": everywhere}, **content}
    assert sum(flow.matches(record) for flow in registry.flows_for("finding/v1")) == count
