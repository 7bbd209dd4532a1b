"""What can go wrong with a field map: at load (faults of the file) and at run time (a record that does not fit)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MappingFault:
    """One thing wrong in the wiring file. `reason` and `remedy` are message keys, `params` fill both texts."""

    where: str
    """File and JSON Pointer, for example `connectors.yaml#/systems/a/send/0/fields/code`."""
    reason: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Return the file it is in."""
        return self.where.partition("#")[0]

    @property
    def path(self) -> str:
        """Return the JSON Pointer into the file."""
        return self.where.partition("#")[2]

    @property
    def remedy(self) -> str:
        """Return the message key of what to do about it."""
        return f"{self.reason}.remedy"


class BadMapping(Exception):
    """A field map that cannot be used; `faults` are all there are, not only the first."""

    def __init__(self, faults: Sequence[MappingFault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.reason} {dict(fault.params)}" for fault in faults))
        self.faults = tuple(faults)


class Unmapped(Exception):
    """The source does not fit the map: the text is message `unmapped.<reason>`. Values are never quoted, codes are."""

    def __init__(
        self, target: str, source: str, reason: str, params: Mapping[str, object], value: object = None
    ) -> None:
        super().__init__(f"{target} <- {source}: {reason}")
        self.target = target
        self.source = source
        self.reason = reason
        self.params = {"target": target, "source": source, **params}
        self.value = value
        """What was found there; only to be shown masked."""


class Unfit(Exception):
    """A transform cannot take this value; the rule around it knows the paths and raises Unmapped."""

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params
