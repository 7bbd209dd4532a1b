"""The compiled field map and what compiling one needs; pure, no rule is read here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.mapping.fault import Unmapped
from hub.mapping.path import ABSENT

Scopes = tuple[Mapping[str, object], ...]
"""Where paths are looked up, innermost first: the item of an `each`, the items around it, the record or row."""

Get = Callable[[Scopes], object]
"""Makes one field; ABSENT leaves it out. Raises Unmapped."""


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


@dataclass(frozen=True)
class FieldMap:
    """A compiled field map: source in, System's fields out."""

    fields: tuple[tuple[str, Get], ...]
    lineage: tuple[Link, ...]

    def apply(self, source: Mapping[str, object]) -> dict[str, object]:
        """Return the mapped fields; raises Unmapped at the first that cannot be made."""
        return self.apply_within((source,))

    def apply_within(self, scopes: Scopes) -> dict[str, object]:
        """Return the mapped fields of an item, with what is around it to fall back on."""
        mapped = {}
        for name, get in self.fields:
            value = get(scopes)
            if value is not ABSENT:
                mapped[name] = value
        return mapped

    def missing(self, source: Mapping[str, object]) -> tuple[str, ...]:
        """Return the source paths that are required and not there, one for each field that lacks any."""
        paths = []
        for _, get in self.fields:
            try:
                get((source,))
            except Unmapped as unmapped:
                if unmapped.reason == "missing":
                    paths.append(unmapped.source)
        return tuple(paths)
