"""Compiles what is sent to a System: which records, through which field map, and what a revision does."""

from collections.abc import Mapping
from typing import Any

from hub.mapping.site import names
from hub.systems.gaps import gaps
from hub.systems.known import Matches, Wiring, condition_paths
from hub.systems.system import Flow

Line = Mapping[str, Any]


def compile_send(system: str, line: Line, where: str, wiring: Wiring) -> Flow | None:
    """Return the flow of one `send` line; None after noting why it cannot subscribe to anything."""
    record = line["record"]
    if record not in wiring.around.records:
        wiring.fault(f"{where}/record", "unknown_record", record=record, known=names(wiring.around.records))
        return None
    never, faults_before = line["amend"].get("never"), len(wiring.faults)
    flow = Flow(
        system=system,
        name=flow_name(line),
        record=record,
        matches=_condition(line.get("when", {}), record, f"{where}/when", wiring),
        asks=tuple(sorted(set(condition_paths(line.get("when", {}))))),
        otherwise=line.get("otherwise", {}),
        fields=wiring.compile(line["fields"], f"{where}/fields", wiring.knows(record)),
        amend="never" if never else "changed",
        amend_reason=never,
        ordered=line.get("ordered", False),
        version=wiring.version_of(line),
    )
    if len(wiring.faults) == faults_before:
        wiring.gaps.extend(gaps(line, where, wiring))
    return flow


def flow_name(line: Line) -> str:
    """Return the flow's name: as written, else the record type without its version."""
    return str(line.get("flow", line["record"].partition("/")[0]))


def _condition(when: Mapping[str, Any], record: str, where: str, wiring: Wiring) -> Matches:
    is_known = wiring.knows(record)
    for path in sorted(set(condition_paths(when))):
        if not is_known(path):
            wiring.fault(where, "unknown_path", path=path, record=record)
    try:
        return wiring.around.compile_condition(when)
    except ValueError as error:
        wiring.fault(where, "bad_condition", problem=str(error))
        return lambda _: False
