"""Where in the file a rule stands while it is compiled: faults and lineage are named after it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hub.mapping.fault import MappingFault
from hub.mapping.fieldmap import Context, Link


@dataclass(frozen=True)
class Site:
    """One rule's place; sites of one compilation share their lists of faults and links."""

    context: Context
    where: str
    target: str = ""
    within: tuple[str, ...] = ()
    """Paths of the `each` around it, outermost first."""
    faults: list[MappingFault] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    def field(self, name: str) -> "Site":
        """Return the site of one field of the map standing here."""
        return replace(
            self, where=f"{self.where}/{escaped(name)}", target=f"{self.target}.{name}" if self.target else name
        )

    def items(self, path: str) -> "Site":
        """Return the site of the map used for every item of the list at `path`."""
        return replace(self, where=f"{self.where}/fields", target=f"{self.target}[]", within=(*self.within, path))

    def item(self, index: int) -> "Site":
        """Return the site of one entry of a written list."""
        return replace(self, where=f"{self.where}/list/{index}", target=f"{self.target}[{index}]")

    def link(self, path: str) -> None:
        """Note that `path` is used here, and fault it when no source can have it."""
        self.links.append(Link(path, self.target))
        known = self.context.known_paths
        candidates = (path, *(".".join((*self.within[:depth], path)) for depth in range(1, len(self.within) + 1)))
        if known is not None and not any(known(candidate) for candidate in candidates):
            self.fault("unknown_path", path=path)

    def fault(self, reason: str, **params: object) -> None:
        """Note one thing wrong here."""
        self.faults.append(MappingFault(self.where, f"mapping.{reason}", params))


def escaped(name: str) -> str:
    """Return `name` as one step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def names(found: Iterable[object]) -> str:
    """Return names as one readable, sorted text."""
    return ", ".join(sorted(str(name) for name in found)) or "-"
