"""What the wiring may refer to outside its own file, and the paths a record of each type can have."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.mapping import BadMapping, Context, FieldMap, MappingFault, compile_fields, digest, encode

Matches = Callable[[Mapping[str, object]], bool]

ENVELOPE = {
    "record": "text",
    "key": "text",
    "revision": "whole",
    "place": "place",
    "by": "by",
    "occurred_at": "time",
    "reported_at": "time",
    "received_at": "time",
    "location": "location",
    "photos": "photos",
    "track": "figures",
    "nothing_to_report": "yes_no",
}
"""What every record has around its elements, with the type of each; `track` only where a track was recorded."""

PARTS = {
    "place": {"id", "kind", "name", "division", "aliases", "known"},
    "by": {"id", "name", "staff_number", "phone", "division", "unit"},
    "location": {"lon", "lat", "crs", "accuracy_m", "missing"},
    "track": {"lon", "lat", "crs", "accuracy_m", "at"},
    "figures": {"fixes", "length_m", "minutes", "path", "coverage", "flags", "repeats", "remark"},
    "person": {"name", "phone"},
}
"""What may be asked below a value of these types."""


@dataclass(frozen=True)
class Surroundings:
    """What loading needs from the rest of the hub."""

    records: Mapping[str, Mapping[str, str]]
    """Record type to its elements, each with its type."""
    elements: Collection[str]
    place_kinds: Collection[str]
    compile_condition: Callable[[Mapping[str, object]], Matches]
    """Makes a predicate of a JSON Schema; raises ValueError when it is none."""
    secrets: Callable[[str], str | None]
    attachment_url: Callable[[str], str]
    packages: tuple[str, ...] = ("connectors",)
    """Where connector folders are looked for, first match wins."""
    sure: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Record type to the paths that every such record has, besides what is around all of them."""
    codes: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Element to all codes it can have, ended ones included."""


@dataclass(frozen=True)
class Wiring:
    """One file being loaded: what it defines for all its flows, and every fault found so far."""

    around: Surroundings
    tables: Mapping[str, Mapping[str, object]]
    issuers: frozenset[str]
    """Whose codes a Place can have."""
    faults: list[MappingFault] = field(default_factory=list)
    gaps: list[MappingFault] = field(default_factory=list)
    """Records some flow takes and could not express."""

    def fault(self, where: str, reason: str, **params: object) -> None:
        """Note one thing wrong."""
        self.faults.append(MappingFault(where, f"systems.{reason}", params))

    def compile(self, fields: Mapping[str, Any], where: str, known: Callable[[str], bool] | None = None) -> FieldMap:
        """Return the compiled field map; one that cannot be used is noted and replaced by an empty one."""
        try:
            return compile_fields(fields, Context(self.tables, self.around.attachment_url, known), where)
        except BadMapping as bad:
            self.faults.extend(bad.faults)
            return FieldMap((), ())

    def version_of(self, line: Mapping[str, Any]) -> str:
        """Return the digest of a flow's definition and of the code tables it uses."""
        used = {name: self.tables[name] for name in _tables_used(line) if name in self.tables}
        return digest(encode({"flow": line, "tables": used}))

    def knows(self, record_type: str) -> Callable[[str], bool]:
        """Return which paths a record of this type can have."""
        types = {**ENVELOPE, **self.around.records[record_type]}

        def is_known(path: str) -> bool:
            steps = path.split(".")
            for length in range(len(steps), 0, -1):
                kind = types.get(".".join(steps[:length]))
                if kind is not None:
                    return length == len(steps) or self._has_part(kind, ".".join(steps[length:]))
            return False

        return is_known

    def _has_part(self, kind: str, part: str) -> bool:
        head, _, rest = part.partition(".")
        if kind == "list":
            return part in self.around.elements
        if kind == "place" and rest:
            return (head == "aliases" and rest in self.issuers) or (head == "known" and rest in self.around.elements)
        return part in PARTS.get(kind, ())


def _tables_used(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("table"), str):
            yield part["table"]
        part = list(part.values())
    if isinstance(part, list):
        for below in part:
            yield from _tables_used(below)


def condition_paths(schema: object, prefix: str = "") -> Iterator[str]:
    """Yield every path a condition looks at, so that a misspelt one does not silently match nothing."""
    if not isinstance(schema, Mapping):
        return
    properties = schema.get("properties", {})
    for name in (*properties, *schema.get("required", ())):
        yield f"{prefix}{name}"
    for name, below in properties.items():
        yield from condition_paths(below, f"{prefix}{name}.")
    for verb in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(verb, ()):
            yield from condition_paths(part, prefix)
    for verb in ("not", "if", "then", "else"):
        yield from condition_paths(schema.get(verb), prefix)
