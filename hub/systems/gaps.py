"""Records a flow takes and could not express, as far as that is known before one comes. `hub check` tells them.

A gap is no fault: other records of the flow go. One that falls into it is left to whoever can mend the wiring.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.mapping import MappingFault
from hub.mapping.site import escaped, names
from hub.systems.known import ENVELOPE, Wiring

Line = Mapping[str, Any]

ALWAYS = frozenset(ENVELOPE) - {"place", "track"}
"""What every record has around its elements; a Place it has where every form that makes it is filled at one, figures of
a track where it has a track."""
SURE_PARTS: Mapping[str, Collection[str]] = {
    "place": {"id", "kind", "division", "aliases", "known"},
    "by": {"id", "name", "division"},
    "figures": {"fixes", "length_m", "minutes", "path", "flags"},
}
"""What is never missing in a value of these types: a Place may have no name, a person no staff number."""


@dataclass(frozen=True)
class _Promise:
    """What is certainly there in a record that a flow takes."""

    types: Mapping[str, str]
    sure: Collection[str]
    """Paths of the record type that are always there."""
    asked: Collection[str]
    """Paths the flow's `when` requires."""

    def holds(self, path: str) -> bool:
        """Say whether a path is there in every record the flow takes."""
        if path in self.sure or path in self.asked:
            return True
        if path == "track":
            return any(self.holds(element) for element, kind in self.types.items() if kind == "track")
        above, _, part = path.rpartition(".")
        return part in SURE_PARTS.get(self.types.get(above, ""), ()) and self.holds(above)


def gaps(line: Line, where: str, wiring: Wiring) -> Iterator[MappingFault]:
    """Yield a fault for each field that some records the flow takes cannot fill."""
    record, when = line["record"], line.get("when", {})
    types = {**ENVELOPE, **wiring.around.records[record]}
    base = _Promise(types, ALWAYS | set(wiring.around.sure.get(record, ())), ())
    promise = _Promise(types, base.sure, frozenset(_required(when, "", base)))
    for name, rule in line["fields"].items():
        for at, reason, params in _unsure(rule, promise, when, wiring):
            place = f"{where}/fields/{escaped(str(name))}{at}"
            yield MappingFault(place, f"systems.{reason}", {"record": record, **params})


def _unsure(
    rule: Line, promise: _Promise, when: Line, wiring: Wiring
) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Yield (pointer below the field, reason, parameters) for what a rule cannot be sure of."""
    if "list" in rule:
        for index, entry in enumerate(rule["list"]):
            for name, inner in entry.items():
                found = _unsure(inner, promise, when, wiring)
                yield from ((f"/list/{index}/{escaped(str(name))}{at}", code, told) for at, code, told in found)
        return
    if "default" in rule or "optional" in rule or "const" in rule:
        return
    paths = [part for part in rule["join"] if isinstance(part, str)] if "join" in rule else [_source(rule)]
    if not any(_is_there(path, rule, promise) for path in paths):
        yield "", "unsure_field", {"path": " + ".join(paths)}
    elif "table" in rule and "back" not in rule:
        codes = set(wiring.around.codes.get(paths[0], ())) & _allowed(when, paths[0], wiring)
        missing = codes - set(map(str, wiring.tables[rule["table"]]))
        if missing:
            yield "/table", "short_table", {"table": rule["table"], "codes": names(missing), "path": paths[0]}


def _source(rule: Line) -> str:
    return str(rule["each"] if "each" in rule else rule["from"])


def _is_there(path: str, rule: Line, promise: _Promise) -> bool:
    # A location may say that there is none: then there is no pair of numbers to make of it.
    is_pair = rule.get("as") == "lonlat" and promise.types.get(path) == "location"
    return promise.holds(f"{path}.lon" if is_pair else path)


def _required(schema: object, prefix: str, base: _Promise) -> Iterator[str]:
    """Yield every path that a condition makes sure of."""
    if not isinstance(schema, Mapping):
        return
    required = set(schema.get("required", ()))
    yield from (f"{prefix}{name}" for name in required)
    for name, below in schema.get("properties", {}).items():
        if name in required or base.holds(f"{prefix}{name}"):
            yield from _required(below, f"{prefix}{name}.", _Promise(base.types, base.sure, {f"{prefix}{name}"}))
    for part in schema.get("allOf", ()):
        yield from _required(part, prefix, base)
    ways = [set(_required(part, prefix, base)) for part in schema.get("anyOf", ())]
    yield from set.intersection(*ways) if ways else ()


def _allowed(when: Line, element: str, wiring: Wiring) -> set[str]:
    """Return the codes of an element that a condition lets through."""
    rule = when.get("properties", {}).get(element, {})
    known = set(wiring.around.codes.get(element, ()))
    if not isinstance(rule, Mapping):
        return known
    return {str(rule["const"])} if "const" in rule else set(map(str, rule.get("enum", known)))
