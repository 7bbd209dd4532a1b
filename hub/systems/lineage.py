"""Which System field each path of the hub feeds or comes from, read off the flows. Pure; prints nothing."""

from typing import Literal, NamedTuple

from hub.systems.system import Registry


class FlowLink(NamedTuple):
    """One declared link between a path of the hub and a field of a System."""

    system: str
    flow: str
    direction: Literal["send", "pull"]
    record: str
    """The record type sent, or the kind of Place pulled into."""
    source_path: str
    """Path in the record sent (`visit.purpose`, `place.name`), or the element pulled."""
    system_field: str


def links(registry: Registry) -> list[FlowLink]:
    """Return every link, Systems in the order of the file, what is sent before what is pulled."""
    found = []
    for system in registry.systems.values():
        for flow in system.sends:
            found += [
                FlowLink(system.name, flow.name, "send", flow.record, link.source_path, link.target_path)
                for link in flow.fields.lineage
            ]
        for pull in system.pulls:
            found += [
                FlowLink(system.name, pull.name, "pull", pull.into, link.target_path, link.source_path)
                for link in pull.lineage
            ]
    return found


def links_of(element: str, registry: Registry) -> list[FlowLink]:
    """Return the links of one element: itself, parts of its value, and itself as part of a list or a known value."""

    def is_about(path: str) -> bool:
        innermost = path.rpartition("[].")[2].removeprefix("place.known.")
        return innermost == element or path.startswith((f"{element}.", f"{element}["))

    return [link for link in links(registry) if is_about(link.source_path)]
