"""Hands fresh Deliveries over in memory: leased by the transaction that makes them, sent as soon as it is on disk.

Only what finds a free seat goes this way. Everything else, and everything after a crash, is found in the database.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from hub.logs import get_logger
from hub.model.delivery import State
from hub.outbox.claim import LEASE_MARGIN, claimed, lease_row
from hub.outbox.decide.settle import Claim
from hub.store import Session, Store, doorbell
from hub.store.query import leases, systems

log = get_logger(__name__)
Row = dict[str, Any]
Seats = Mapping[str, timedelta]
"""Ids of Deliveries a free slot is kept for, each with the time its attempt may take."""


class Outbox(Protocol):
    """What intake needs of the outbox; the engine is one."""

    def seat(self, rows: Iterable[Mapping[str, Any]]) -> Seats:
        """Keep a free slot for those of these new Deliveries that may be sent the moment they are on disk."""
        ...

    def hand_over(self, seated: Iterable[Mapping[str, Any]], claims: Sequence[Claim]) -> None:
        """Send what was leased in its seat, free the seats nobody took; `seated` are the rows that had one."""
        ...

    def ring(self, systems: Iterable[str]) -> None:
        """Say that these Systems may have something due."""
        ...


@dataclass(frozen=True)
class Elsewhere:
    """The outbox of a process that delivers nothing itself: it has no slots, and tells those that deliver."""

    store: Store

    def seat(self, rows: Iterable[Mapping[str, Any]]) -> Seats:  # noqa: ARG002 - the interface of Outbox
        """Keep no slot."""
        return {}

    def hand_over(self, seated: Iterable[Mapping[str, Any]], claims: Sequence[Claim]) -> None:
        """Do nothing: nothing had a seat."""

    def ring(self, systems: Iterable[str]) -> None:
        """Tell the other processes; those that miss it look for themselves."""
        if self.store.writing.dialect.name == "postgresql":
            self.store.writer.write_item(doorbell.ring, frozenset(systems)).add_done_callback(_note_unheard)


def _note_unheard(rung: "asyncio.Future[None]") -> None:
    if not rung.cancelled() and rung.exception() is not None:
        log.warning("doorbell.not_rung", kind=type(rung.exception()).__name__)


def lease_fresh(session: Session, rows: Iterable[Row], seats: Seats, now: datetime) -> list[Claim]:
    """Turn new rows that have a seat into leased ones where their System takes any now; return the claims.

    A System with an open breaker or a pause is left to the worker's own claim, which knows how to probe.
    """
    seated = [row for row in rows if row["id"] in seats and row["due_at"] is not None]
    flowing = systems.flowing(session, {row["system"] for row in seated})
    claims = []
    for row in seated:
        if row["system"] in flowing:
            claim = claimed({**row, "replayed_at": None, "refusal": None, "lost": 0})
            until = now + seats[row["id"]] + LEASE_MARGIN
            row.update(
                state=State.LEASED,
                lease_token=claim.attempt_id,
                leased_until=until,
                due_at=None,
                attempts=claim.attempts,
            )
            claims.append(claim)
    return claims


def attempt_rows(claims: Sequence[Claim], now: datetime) -> list[Row]:
    """Return the open attempts that go with fresh leases."""
    return [leases.attempt_row(lease_row(claim, now, now)) for claim in claims]
