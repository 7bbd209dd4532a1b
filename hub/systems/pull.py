"""Compiles what is pulled from a System: rows in its own field names to Places, aliases and element values."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.mapping import FieldMap, Unmapped
from hub.mapping.site import escaped, names
from hub.systems.duration import duration
from hub.systems.known import Wiring
from hub.systems.system import PulledRow, PullFlow

Line = Mapping[str, Any]
ANY_ISSUER = "*"
"""The alias line whose issuer is named in the row itself."""


def compile_pull(system: str, line: Line, where: str, wiring: Wiring) -> PullFlow:
    """Return the flow of one `pull` line, after noting what is wrong with it."""
    around, fields = wiring.around, line.get("fields", {})
    if line["into"] not in around.place_kinds:
        wiring.fault(f"{where}/into", "unknown_place_kind", kind=line["into"], known=names(around.place_kinds))
    for element in fields:
        if element not in around.elements:
            wiring.fault(f"{where}/fields/{escaped(element)}", "unknown_element", element=element)
    values = _compiled(fields, f"{where}/fields", wiring)
    return PullFlow(
        system=system,
        name=pull_name(line),
        source=line["source"],
        into=line["into"],
        every=duration(line["every"]),
        key=line["key"],
        read_row=_row_reader(
            wiring.compile({"key": _text(line["key"])}, where),
            _compiled(
                {part: _place_part(rule) for part, rule in line.get("place", {}).items()}, f"{where}/place", wiring
            ),
            _compiled(
                {issuer: _alias(rule) for issuer, rule in line.get("aliases", {}).items()}, f"{where}/aliases", wiring
            ),
            values,
        ),
        lineage=values.lineage,
    )


def pull_name(line: Line) -> str:
    """Return the pull's name: as written, else what is pulled."""
    return str(line.get("name", line["source"]))


def _compiled(rules: Line, where: str, wiring: Wiring) -> FieldMap:
    return wiring.compile(rules, where) if rules else FieldMap((), ())


def _text(path: str) -> dict[str, object]:
    return {"from": path, "as": "text"}


def _place_part(rule: str | Line) -> Line:
    return {**_text(rule), "optional": True} if isinstance(rule, str) else rule


def _alias(rule: Line) -> Line:
    if "each" not in rule:
        return rule
    fields = {"issuer": _text(rule["issuer"]), "code": _text(rule["code"])}
    return {"each": rule["each"], "optional": True, "fields": fields}


def _row_reader(
    key: FieldMap, place: FieldMap, aliases: FieldMap, values: FieldMap
) -> Callable[[Mapping[str, object]], PulledRow]:
    def read_row(row: Mapping[str, object]) -> PulledRow:
        about: dict[str, Any] = place.apply(row)
        location = about.get("location")
        if not isinstance(location, Mapping | None):
            raise Unmapped("location", "place.location", "not_a_location", {})
        return PulledRow(
            code=str(key.apply(row)["key"]),
            division=about.get("division"),
            name=about.get("name"),
            location=location,
            aliases=tuple(_pairs(aliases.apply(row))),
            values=values.apply(row),
        )

    return read_row


def _pairs(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = [(issuer, str(code)) for issuer, code in found.items() if issuer != ANY_ISSUER]
    return named + [(item["issuer"], item["code"]) for item in found.get(ANY_ISSUER, ())]
