"""How Deliveries stood when a copy was taken, and their moves, one statement each. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, update
from sqlmodel import Session, col

from hub.model.delivery import ENDED, Attempt, Delivery, State


@dataclass(frozen=True)
class Standing:
    """Deliveries of one System that stood alike."""

    system: str
    state: State
    held: bool
    """Behind another one."""
    probing: bool
    """Leased for a probe, not for a push."""
    transported: bool
    count: int = 0


def standings(session: Session) -> Sequence[Standing]:
    """Return how the Deliveries stand that have not ended."""
    held, sent = col(Delivery.after_id).is_not(None), col(Delivery.transported_at).is_not(None)
    query = (
        select(col(Delivery.system), col(Delivery.state), held, col(Attempt.kind), sent, func.count())
        .outerjoin(Attempt, col(Attempt.id) == col(Delivery.lease_token))
        .where(col(Delivery.state).not_in(ENDED))
        .group_by(col(Delivery.system), col(Delivery.state), held, col(Attempt.kind), sent)
    )
    return [
        Standing(system, State(state), bool(held), kind == "probe", bool(sent), count)
        for system, state, held, kind, sent, count in session.connection().execute(query)
    ]


def move_standing(session: Session, standing: Standing, **values: object) -> int:
    """Change all Deliveries that stand like this; whoever leased one is gone. A reason is added to what is there."""
    delivery = Delivery.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    if why := values.get("reason"):
        # Why a person has to enter or withdraw it there is still what they must know.
        values["reason"] = case((delivery.c.reason == "", why), else_=delivery.c.reason + f"; {why}")
    found = update(delivery).where(
        delivery.c.system == standing.system,
        delivery.c.state == standing.state,
        delivery.c.after_id.is_not(None) == standing.held,
        delivery.c.transported_at.is_not(None) == standing.transported,
    )
    if standing.state is State.LEASED:
        kind = "probe" if standing.probing else "push"
        found = found.where(delivery.c.lease_token.in_(select(col(Attempt.id)).where(col(Attempt.kind) == kind)))
        values |= {"lease_token": None, "leased_until": None}
    return session.connection().execute(found.values(**values)).rowcount


def close_open_attempts(session: Session, at: datetime, reason: str) -> None:
    """Close the attempts under way when the copy was taken; nobody will."""
    attempt = Attempt.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    still_open = update(attempt).where(attempt.c.ended_at.is_(None))
    session.connection().execute(still_open.values(ended_at=at, outcome="lost", reason=reason))
