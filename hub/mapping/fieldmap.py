"""The compiled field map and what compiling one needs; pure, no rule is read here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from hub.mapping.fault import Unmapped
from hub.mapping.path import ABSENT, Lookup, lookup

Scopes = tuple[Mapping[str, object], ...]
"""Where paths are looked up, innermost first: the item of an `each`, the items around it, the record or row."""

Faults: TypeAlias = "list[Unmapped] | None"
"""Where to put what cannot be made; None where the first of it is raised."""

Get = Callable[[Scopes, Faults], object]
"""Makes one field; ABSENT leaves it out. Raises Unmapped, but puts what is wrong inside it into the list, if given."""


@dataclass(frozen=True)
class Context:
    """What rules may refer to outside themselves."""

    tables: Mapping[str, Mapping[str, object]]
    """Code tables by name, each {our code: their code}."""
    attachment_url: Callable[[str], str]
    """The address under which the System may fetch a photo, by digest."""
    known_paths: Callable[[str], bool] | None = None
    """Whether a source path can exist; None where nobody declared the source (rows of a System)."""


@dataclass(frozen=True)
class Link:
    """One declared use of a source: the path as written, and the field it ends up in (`items[].code`)."""

    source_path: str
    target_path: str


class Reading(NamedTuple):
    """What a row says, field by field: one that cannot be made takes no other with it."""

    fields: dict[str, object]
    nothing: tuple[str, ...]
    """Fields whose source is there and empty; what is not there at all says nothing."""
    faults: list[Unmapped]


@dataclass(frozen=True)
class FieldMap:
    """A compiled field map: source in, System's fields out."""

    fields: tuple[tuple[str, Get], ...]
    lineage: tuple[Link, ...]

    def apply(self, source: Mapping[str, object]) -> dict[str, object]:
        """Return the mapped fields; raises Unmapped at the first that cannot be made."""
        return self.apply_within((source,))

    def apply_within(self, scopes: Scopes, faults: Faults = None) -> dict[str, object]:
        """Return the mapped fields of an item, with what is around it to fall back on."""
        mapped = {}
        for name, get in self.fields:
            try:
                value = get(scopes, faults)
            except Unmapped as unmapped:
                if faults is None:
                    raise
                faults.append(unmapped)
                continue
            if value is not ABSENT:
                mapped[name] = value
        return mapped

    def read(self, source: Mapping[str, object]) -> Reading:
        """Return what a row says, with what is empty and what cannot be made."""
        faults: list[Unmapped] = []
        fields = self.apply_within((source,), faults)
        if len(fields) == len(self.fields):
            return Reading(fields, (), faults)
        spoilt = {fault.target for fault in faults if fault.reason != "missing"}
        nothing = tuple(
            name
            for name, finds in self._finds
            if name not in fields and name not in spoilt and any(find(source) is not ABSENT for find in finds)
        )
        return Reading(fields, nothing, faults)

    @cached_property
    def _finds(self) -> list[tuple[str, list[Lookup]]]:
        """Return where each field comes from."""
        return [
            (name, [lookup(link.source_path) for link in self.lineage if link.target_path == name])
            for name, _ in self.fields
        ]

    def missing(self, source: Mapping[str, object]) -> tuple[str, ...]:
        """Return the source paths that are required and not there, one for each field that lacks any."""
        paths = []
        for _, get in self.fields:
            try:
                get((source,), None)
            except Unmapped as unmapped:
                if unmapped.reason == "missing":
                    paths.append(unmapped.source)
        return tuple(paths)
