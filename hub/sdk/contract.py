"""The connector contract: what a folder in connectors/ must offer and what it is handed."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

Intent = Literal["create", "amend", "withdraw"]
"""What an Outgoing asks for: make it, change what was made before, or take it back."""


@dataclass(frozen=True)
class Capabilities:
    """What this kind of software can do; the outbox decides by it what is safe."""

    honours_key: bool
    """A repeat of the same key has one effect there, so an unknown outcome may be sent again."""
    probes: bool = False
    """`probe` can say for certain whether something new arrived, and whether it is still there days after."""
    probes_changes: bool = False
    """It can say the same of amendments and withdrawals; a System that keeps our key only with what is new cannot."""
    amends: bool = False
    """Takes a changed version of what it accepted before."""
    withdraws: bool = False
    """Takes back what it accepted before."""
    answers_later: bool = False
    """`push` only transports; acceptance comes through `probe` minutes or days after."""
    sources: tuple[str, ...] = ()
    """Names of what can be pulled, for example `("households", "codes")`."""

    def can_tell_of(self, intent: str) -> bool:
        """Say whether `probe` can tell for certain what became of something that was sent with this intent."""
        return self.probes and (intent == "create" or self.probes_changes)


@dataclass(frozen=True)
class Outgoing:
    """One delivery attempt as a connector sees it. The payload is frozen: the same bytes on every attempt."""

    key: str
    """`record:system:revision`; constant over retries and replays."""
    flow: str
    """Name of the flow in connectors.yaml (default: the record type without its version, e.g. `visit`)."""
    record: str
    """Record type with version, e.g. `bin_score/v1`."""
    payload: bytes
    """The mapped fields as UTF-8 JSON, exactly as kept in the database."""
    intent: Intent = "create"
    amends: str = ""
    """The System's own number of what is amended or withdrawn; empty for `create`."""
    number: str = ""
    """The System's own number for this one, where it has told one; only a probe is asked with it."""
    attempt: int = 1
    """1 for the first try; greater means it may be a repeat and should be marked so where the System can."""


@dataclass(frozen=True)
class Receipt:
    """What the System answered."""

    remote_id: str
    """Its own number for what it stored; empty if it gave none."""
    accepted: bool = True
    """False: transported only, the business answer comes later through `probe`."""
    message: str = ""
    """Its words, if any, for people."""
    answer: str = ""
    """A bounded excerpt of the raw answer, kept with the Attempt as evidence; no personal data beyond what was sent."""
    repeated: bool = False
    """It recognised the key and changed nothing."""


@dataclass(frozen=True)
class LeftOut:
    """A row the connector could not decode."""

    key: str
    """The row's id, the value of the flow's `key` field; empty if even that is unknown. It is there, so never gone."""
    reason: str
    """Why, for people: the place in the answer or file and what is wrong there, without values."""


@dataclass(frozen=True)
class Page:
    """One page of a pull."""

    rows: tuple[Mapping[str, Any], ...]
    """Rows as the System gives them (its own field names), decoded to JSON types."""
    cursor: str
    """Where the next pull continues once this page is stored; opaque to the hub."""
    as_of: datetime | None = None
    """The System's own time for these rows, UTC-aware; the hub uses its receive time when None."""
    complete: bool = False
    """On the last page of a run from the start that gave every row the System holds, or left it out under its key."""
    left_out: tuple[LeftOut, ...] = ()
    """Rows that are there and could not be decoded."""
    gone: tuple[str, ...] = ()
    """Keys of rows the System says are no more: deleted, cancelled, merged away. Values of the flow's `key` field."""
    ahead: str = ""
    """If not empty: the cursor given, or a row's own time, lies ahead of the source's own now or newest; says both."""


@runtime_checkable
class Connector(Protocol):
    """The code for one kind of software, made for one System by `Connector(settings, doors)`.

    `connectors/<kind>/connector.py` defines `class Connector` with these members and `connectors/<kind>/settings.py`
    a pydantic model `Settings`; the hub finds both by folder name. All I/O goes through the doors it is handed.
    """

    capabilities: ClassVar[Capabilities]

    async def check(self) -> str:
        """Try settings and credentials without changing anything there; return one sentence about what answered.

        Raises Unavailable or Misconfigured.
        """
        ...

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Deliver; return only when the System's declared success rule matched a complete answer.

        Raises Unavailable, Refused, Misconfigured; lets Unanswered pass. The first three say that nothing was done; an
        answer that may have come from something in between is raised with `certain=False` (`check_status` does so).
        """
        ...

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Say what became of a push of this: its receipt, or None when the System certainly never got it.

        Asked by key, or by the System's own number where that tells. For a System that answers later, a Receipt with
        `accepted=False` means still undecided, and Refused carries its verdict. Only called for an intent the
        capabilities `can_tell_of`, or for what was transported.
        """
        ...

    def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield pages of `source`; stop when there is nothing newer. Raises as `push` does.

        An empty cursor asks for a whole reading: every row the System holds, each at least once even while rows
        change, and `complete` on the last page if the reader can vouch for that. Any other asks for what changed
        since, read again from a little before it (the hub skips rows it knows). A cursor never passes the source's
        own now, or its newest row; one that turns out to lie ahead of its source is told in `ahead`, and the reader
        begins from the start by itself. An answer of another shape than agreed is Unavailable, never an end.
        """
        ...
