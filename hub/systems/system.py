"""The nouns of the wiring: System, Flow, PullFlow, Registry. Frozen once loaded; knows no file and opens nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

from pydantic import BaseModel

from hub.mapping import FieldMap, Link, MappingFault
from hub.sdk import Capabilities, Connector
from hub.sdk.doors import Doors

Text = Mapping[str, str]
"""Words for people: {zh, en}."""
BY_HAND_WITHIN = timedelta(days=2)
"""What a county office is usually given for something that is not urgent."""


@dataclass(frozen=True)
class Limits:
    """How hard the hub may lean on a System, and on the people who enter something there by hand."""

    in_flight: int
    per_second: float
    answer_within: timedelta
    by_hand_within: timedelta = BY_HAND_WITHIN
    """How long an entry by hand may wait for a person before it is late."""


@dataclass(frozen=True)
class Flow:
    """Which records go to a System, and as what."""

    system: str
    name: str
    record: str
    """Record type with version, for example `visit/v1`."""
    matches: Callable[[Mapping[str, object]], bool]
    asks: tuple[str, ...]
    """The paths `matches` looks at."""
    otherwise: Text
    """Why a record that does not match is skipped, for the person who filed it."""
    fields: FieldMap
    amend: Literal["changed", "never"]
    amend_reason: Text | None
    """Why a revision is never sent, when it is not."""
    ordered: bool
    """Whether deliveries about one Place must go one after the other."""
    version: str
    """Digest of the definition and the code tables it uses: equal means an equal payload for an equal record."""


ANY_ISSUER = "*"
"""The alias line whose issuer is named in the row itself."""


@dataclass(frozen=True)
class PullFlow:
    """What is read from a System, how often, and what it says."""

    system: str
    name: str
    source: str
    into: str
    """The kind of Place its rows are about."""
    every: timedelta
    whole_every: timedelta
    """How often every row is read again from the start."""
    quiet_slots: int
    """Slots without anything new after which somebody is told; 0 for a source that may stay as it is for ever."""
    most_rows: int
    """Rows a reading may bring; one that brings more is broken off."""
    key: FieldMap
    """The System's own id of the row: the field `key`."""
    place: FieldMap
    """What the row says of the Place itself: `division`, `name`, `location`."""
    codes: FieldMap
    """Codes of the same Place at others, by issuer; under `*` a list of {issuer, code}."""
    values: FieldMap
    """What it says, by data element."""
    heads: tuple[str, ...]
    """The fields at the top of a row that any of these read."""
    version: str
    """Digest of the definition and the code tables it uses: equal means an equal reading of an equal row."""

    @property
    def lineage(self) -> tuple[Link, ...]:
        """Return which row field becomes which data element."""
        return self.values.lineage

    @cached_property
    def issuers(self) -> frozenset[str]:
        """Return the Systems whose codes it names: many rows may name one of them, as bins do their house."""
        return frozenset(name for name, _ in self.codes.fields if name != ANY_ISSUER)

    @property
    def describes(self) -> bool:
        """Say whether its rows tell where a Place is and what it is called."""
        return bool(self.place.fields)


@dataclass(frozen=True)
class System:
    """Somebody else's installation, by name, with its owner."""

    name: str
    title: Text
    owner: str
    connector_kind: str
    simulated: bool
    reaches: tuple[str, ...]
    limits: Limits
    sends: tuple[Flow, ...]
    pulls: tuple[PullFlow, ...]
    capabilities: Capabilities
    settings: BaseModel = field(repr=False)
    make: Callable[[BaseModel, Doors], Connector] = field(repr=False)


@dataclass(frozen=True)
class County:
    """The county this hub serves."""

    division: str
    title: Text
    box: tuple[float, float, float, float] | None = None
    """West, south, east, north in degrees: no position of the county lies outside."""


@dataclass(frozen=True)
class Registry:
    """Every System the hub talks to."""

    county: County
    systems: Mapping[str, System]
    flows: Mapping[str, tuple[Flow, ...]]
    gaps: tuple[MappingFault, ...] = ()
    """Where a record may come that a flow takes and cannot express; `hub check` tells them."""

    def flows_for(self, record_type: str) -> tuple[Flow, ...]:
        """Return the flows that subscribe to a record type, in the order of the file."""
        return self.flows.get(record_type, ())

    def owner(self, system: str) -> str:
        """Return the department that answers for a System; empty for one no longer wired."""
        known = self.systems.get(system)
        return known.owner if known else ""

    def by_hand_within(self, system: str) -> timedelta:
        """Return how long an entry by hand may wait; one for a System no longer wired as long as usual."""
        known = self.systems.get(system)
        return known.limits.by_hand_within if known else BY_HAND_WITHIN


def connect(system: System, doors: Doors) -> Connector:
    """Return the System's connector, at work through `doors`."""
    return system.make(system.settings, doors)
