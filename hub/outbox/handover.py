"""Hands fresh Deliveries over in memory: leased by the transaction that makes them, sent as soon as it is on disk.

Only what finds a free seat goes this way. Everything else, and everything after a crash, is found in the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from hub.model.delivery import State
from hub.outbox.claim import LEASE_MARGIN, claimed, lease_row
from hub.outbox.decide.settle import Claim
from hub.store import Session
from hub.store.query import deliveries, systems

Row = dict[str, Any]
Seats = Mapping[str, timedelta]
"""Ids of Deliveries a free place is kept for, each with the time its attempt may take."""


class Outbox(Protocol):
    """What intake needs of the outbox; the engine is one."""

    def seat(self, rows: Iterable[Mapping[str, Any]]) -> Seats:
        """Keep a free place for those of these new Deliveries that may be sent the moment they are on disk."""
        ...

    def hand_over(self, seated: Iterable[Mapping[str, Any]], claims: Sequence[Claim]) -> None:
        """Send what was leased in its seat, free the seats nobody took; `seated` are the rows that had one."""
        ...

    def ring(self, systems: Iterable[str]) -> None:
        """Say that these Systems may have something due."""
        ...


def lease_fresh(session: Session, rows: Iterable[Row], seats: Seats, now: datetime) -> list[Claim]:
    """Turn new rows that have a seat into leased ones where their System takes any now; return the claims.

    A System with an open breaker or a pause is left to the worker's own claim, which knows how to probe.
    """
    seated = [row for row in rows if row["id"] in seats and row["due_at"] is not None]
    flowing = systems.flowing(session, {row["system"] for row in seated})
    claims = []
    for row in seated:
        if row["system"] in flowing:
            claim = claimed({**row, "replayed_at": None})
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
    return [deliveries.attempt_row(lease_row(claim, now, now)) for claim in claims]
