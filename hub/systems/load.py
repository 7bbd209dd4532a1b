"""Loads the validated wiring file into a Registry, noting everything wrong with it before refusing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from hub.mapping import BadMapping
from hub.mapping.site import escaped, names
from hub.sdk import Misconfigured
from hub.sdk.egress import parse_grant
from hub.systems.connector import Kind, find_kind, read_settings
from hub.systems.duration import duration
from hub.systems.known import Surroundings, Wiring
from hub.systems.pull import compile_pull, pull_name
from hub.systems.send import compile_send, flow_name
from hub.systems.system import ANY_ISSUER, County, Flow, Limits, PullFlow, Registry, System

Document = Mapping[str, Any]


class BadSystems(BadMapping):
    """Wiring that cannot be used; `faults` are all there are, not only the first."""


def load_registry(document: Document, where: str, around: Surroundings) -> Registry:
    """Return the Registry of a document that passed schemas/connectors.json; raises BadSystems with all faults."""
    described: Mapping[str, Document] = document["systems"]
    wiring = Wiring(around, document.get("tables", {}), _issuers(described))
    systems = [_system(name, line, f"{where}#/systems/{escaped(name)}", wiring) for name, line in described.items()]
    county = _county(document["county"], f"{where}#/county", wiring)
    if wiring.faults:
        raise BadSystems(wiring.faults)
    loaded = {system.name: system for system in systems if system is not None}
    flows = _by_record(flow for system in loaded.values() for flow in system.sends)
    return Registry(county, loaded, flows, tuple(wiring.gaps))


def _county(line: Document, where: str, wiring: Wiring) -> County:
    if "box" not in line:
        return County(line["division"], line["title"])
    west, south, east, north = (line["box"][side] for side in ("west", "south", "east", "north"))
    if not (west < east and south < north):
        wiring.fault(f"{where}/box", "bad_box")
    return County(line["division"], line["title"], (west, south, east, north))


def _system(name: str, line: Document, where: str, wiring: Wiring) -> System | None:
    _note_bad_grants(line["reaches"], f"{where}/reaches", wiring)
    sends = _sends(name, line, where, wiring)
    pulls = _pulls(name, line, where, wiring)
    kind = find_kind(line["connector"], f"{where}/connector", wiring)
    if kind is None:
        return None
    _note_beyond_reach(line, kind, where, wiring)
    settings = read_settings(line["settings"], kind.settings, f"{where}/settings", wiring)
    if settings is None:
        return None
    return System(
        name=name,
        title=line["title"],
        owner=line["owner"],
        connector_kind=line["connector"],
        simulated=line["simulated"],
        reaches=tuple(line["reaches"]),
        limits=_limits(line["limits"]),
        sends=sends,
        pulls=pulls,
        capabilities=kind.capabilities,
        settings=settings,
        make=kind.make,
    )


def _sends(name: str, line: Document, where: str, wiring: Wiring) -> tuple[Flow, ...]:
    lines = line.get("send", [])
    _note_doubled(map(flow_name, lines), f"{where}/send", wiring)
    flows = [compile_send(name, send, f"{where}/send/{index}", wiring) for index, send in enumerate(lines)]
    return tuple(flow for flow in flows if flow is not None)


def _pulls(name: str, line: Document, where: str, wiring: Wiring) -> tuple[PullFlow, ...]:
    lines = line.get("pull", [])
    _note_doubled(map(pull_name, lines), f"{where}/pull", wiring)
    return tuple(compile_pull(name, pull, f"{where}/pull/{index}", wiring) for index, pull in enumerate(lines))


def _note_doubled(flow_names: Iterable[str], where: str, wiring: Wiring) -> None:
    for name, count in Counter(flow_names).items():
        if count > 1:
            wiring.fault(where, "doubled_name", name=name)


def _note_beyond_reach(line: Document, kind: Kind, where: str, wiring: Wiring) -> None:
    """Note what the file asks of a connector that its software cannot do."""
    for index, send in enumerate(line.get("send", [])):
        if "never" not in send["amend"] and not kind.capabilities.amends:
            wiring.fault(f"{where}/send/{index}/amend", "cannot_amend", kind=line["connector"])
    for index, pull in enumerate(line.get("pull", [])):
        if pull["source"] not in kind.capabilities.sources:
            known = names(kind.capabilities.sources)
            wiring.fault(f"{where}/pull/{index}/source", "unknown_source", source=pull["source"], known=known)


def _note_bad_grants(reaches: list[str], where: str, wiring: Wiring) -> None:
    for index, grant in enumerate(reaches):
        try:
            parse_grant(grant)
        except Misconfigured as error:
            wiring.fault(f"{where}/{index}", "bad_grant", grant=grant, problem=error.reason)


def _limits(line: Document) -> Limits:
    by_hand = {"by_hand_within": duration(line["by_hand_within"])} if "by_hand_within" in line else {}
    return Limits(line["in_flight"], line["per_second"], duration(line["answer_within"]), **by_hand)


def _issuers(described: Mapping[str, Document]) -> frozenset[str]:
    """Return whose codes a Place can have: the Systems' own, and those their pulls name."""
    named = (pull.get("aliases", {}) for line in described.values() for pull in line.get("pull", []))
    return frozenset((*described, *(issuer for aliases in named for issuer in aliases))) - {ANY_ISSUER}


def _by_record(flows: Iterable[Flow]) -> dict[str, tuple[Flow, ...]]:
    grouped: dict[str, tuple[Flow, ...]] = {}
    for flow in flows:
        grouped[flow.record] = (*grouped.get(flow.record, ()), flow)
    return grouped
