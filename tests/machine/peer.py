"""A System that answers when told and remembers what it did, so that the hub's word can be held against its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import ClassVar

from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt, Refused, Unavailable
from hub.sdk.errors import Unanswered

PUSH_ANSWERS = (
    "accepted",
    "transported",
    "refused",
    "unavailable",
    "misconfigured",
    "lost_before",
    "lost_after",
    "fault",
    "turned_away",
    "turned_away_after",
    "bare_no",
    "bare_no_after",
)
"""What a push may come to; `after`: it had its effect, and something in between says otherwise."""
PROBE_ANSWERS = ("honest", "honest", "undecided", "refused", "unavailable", "lost_before")


@dataclass(eq=False)
class Call:
    """One push or probe waiting for the System's answer."""

    peer: "Peer"
    key: str
    outgoing: Outgoing | None
    answer: "asyncio.Future[str]"


@dataclass
class Ledger:
    """What all Systems of a county remember over the hub's deaths."""

    calls: list[Call] = field(default_factory=list)
    there: set[str] = field(default_factory=set)
    """Keys whose effect a System has; no person's deed at the hub takes it away."""
    effects: Counter[str] = field(default_factory=Counter)
    """How often, since a person last answered for it."""
    confirmed: set[str] = field(default_factory=set)
    """Keys whose System told somebody yes; the hub may have died before it heard."""
    ambiguous: set[str] = field(default_factory=set)
    """Keys that may have arrived, since their last push had no complete answer."""
    blind: list[str] = field(default_factory=list)
    """Keys pushed again while ambiguous though their System does not honour them."""
    outdated: list[str] = field(default_factory=list)
    """Keys pushed though the System has a later revision, which nobody took back."""
    given_up: set[str] = field(default_factory=set)
    """Keys somebody cancelled: what is there of them is theirs to answer for."""
    denied: set[str] = field(default_factory=set)
    """Keys whose System said no when it was last asked, whatever it has."""
    sent: list[Outgoing] = field(default_factory=list)
    faultless: bool = False
    """No System fails any more and each answers at once."""

    def by_person(self, key: str) -> Callable[[], None]:
        """A person looked and decided: another push is no longer blind, and one more effect is theirs to answer for.

        Return what takes that back, should the hub have died before it wrote it down.
        """
        was_ambiguous, effects = key in self.ambiguous, self.effects.pop(key, 0)
        self.ambiguous.discard(key)

        def take_back() -> None:
            self.ambiguous |= {key} if was_ambiguous else set()
            self.effects[key] += effects

        return take_back


class Peer:
    """A Connector whose every call waits in the ledger for its answer."""

    capabilities: ClassVar[Capabilities]

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.mended = True

    async def check(self) -> str:
        if not self.mended:
            raise Misconfigured("still wrong")
        return "here"

    async def push(self, outgoing: Outgoing) -> Receipt:
        ledger, key = self.ledger, outgoing.key
        ledger.sent.append(outgoing)
        if any(is_later(one, key) for one in ledger.there - ledger.given_up):
            ledger.outdated.append(key)
        if key in ledger.ambiguous and not self.capabilities.honours_key:
            ledger.blind.append(key)
        ledger.ambiguous.add(key)  # until a complete answer is out
        answer = await self._told(key, outgoing)
        if answer in ("accepted", "transported") or answer.endswith("_after"):
            self.take(key)
        self._unsurely(answer)
        if answer == "fault":
            raise RuntimeError("the connector's own fault")
        ledger.ambiguous.discard(key)
        return self._completely(answer, key)

    def _unsurely(self, answer: str) -> None:
        """Say nothing, or what the System itself need not have said; its own check goes on answering."""
        word = answer.removesuffix("_after")
        if word in ("lost_before", "lost"):
            raise Unanswered("cut off")
        if word == "turned_away":
            raise Misconfigured("HTTP 403", certain=False)
        if word == "bare_no":
            raise Refused("HTTP 404", certain=False)

    def take(self, key: str) -> None:
        """Let a push have its effect; one that honours keys has it once."""
        self.ledger.there.add(key)
        self.ledger.effects[key] = 1 if self.capabilities.honours_key else self.ledger.effects[key] + 1

    def _completely(self, answer: str, key: str) -> Receipt:
        """Give a complete answer."""
        if answer == "unavailable":
            raise Unavailable("503")
        if answer == "misconfigured":
            self.mended = False
            raise Misconfigured("password expired")
        if answer == "refused":
            self.ledger.denied.add(key)
            raise Refused("no such village")
        self.ledger.denied.discard(key)
        accepted = answer == "accepted" or not self.capabilities.answers_later
        if accepted:
            self.ledger.confirmed.add(key)
        return Receipt(f"N-{len(self.ledger.sent)}", accepted=accepted)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        key = outgoing.key
        answer, there = await self._told(key, None), key in self.ledger.there
        if answer == "unavailable":
            raise Unavailable("503")
        if answer == "lost_before":
            raise Unanswered("cut off")
        if not there:
            self.ledger.ambiguous.discard(key)
            return None
        if answer in ("undecided", "refused") and self.capabilities.answers_later:
            if answer == "refused":
                self.ledger.denied.add(key)
                raise Refused("not this month")
            return Receipt("", accepted=False)
        self.ledger.confirmed.add(key)
        return Receipt("N-probed")

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        for _ in ():
            yield Page((), "")

    async def _told(self, key: str, outgoing: Outgoing | None) -> str:
        if self.ledger.faultless:
            return "accepted" if outgoing else "honest"
        call = Call(self, key, outgoing, asyncio.get_running_loop().create_future())
        self.ledger.calls.append(call)
        try:
            return await call.answer
        finally:
            self.ledger.calls.remove(call)


def is_later(one: str, key: str) -> bool:
    """Say whether a key is of a later revision of what another one is of."""
    (chain, _, revision), (other, _, other_revision) = one.rpartition(":"), key.rpartition(":")
    return chain == other and int(revision) > int(other_revision)


def peer(capabilities: Capabilities, ledger: Ledger) -> Peer:
    """Return a System of its own kind."""
    made: Peer = type("OwnPeer", (Peer,), {"capabilities": capabilities})(ledger)
    return made
