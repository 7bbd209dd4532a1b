"""Asks Systems once more about what they confirmed: what one has lost since is parked for a person (F61).

Only where the Connector can say for certain that a key is not there. What was still under way when its turn came, what
a later revision took the place of, and what only a person confirmed are not asked about.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.column import id_before, new_id
from hub.model.delivery import LOST_THERE, Attempt, State
from hub.model.system import SystemState
from hub.outbox.claim import claimed
from hub.outbox.decide.settle import Outcome, Result
from hub.outbox.engine import Engine
from hub.store import Session
from hub.store.query import deliveries, systems
from hub.store.query.journal import add_entries, entry

log = get_logger(__name__)
AFTER: Final = timedelta(hours=20)
"""Late enough for what a System loses over night, early enough to tell within a day."""
BACK: Final = timedelta(days=2)
"""A hub that never asked this System begins with what is so much older; nobody wants years asked about at once."""
MOST: Final = 500
"""Deliveries of one System gone through in one turn."""
_THERE = frozenset({Outcome.ACCEPTED, Outcome.TRANSPORTED})
_GONE = frozenset({Outcome.ABSENT, Outcome.REFUSED})


@dataclass(frozen=True)
class _Gone:
    """What a System has no more, and when it was asked about it."""

    result: Result
    asked_at: datetime


async def look_again(engine: Engine) -> list[str]:
    """Ask every System that flows and can tell about what is due for it; return the Deliveries that are gone."""
    able = [name for name, line in engine.lines.items() if line.connector.capabilities.probes]
    before = engine.clock.now() - AFTER
    due = await engine.store.read(lambda session: _due(session, able, before))
    return [gone for name in due for gone in await _look(engine, name, before)]


def _due(session: Session, able: Collection[str], before: datetime) -> list[str]:
    """Return the Systems there is something to ask; most have nothing new most of the time."""
    return [name for name in sorted(systems.flowing(session, able)) if _next(session, name, before, 1)]


async def _look(engine: Engine, system: str, before: datetime) -> list[str]:
    """Go on where the last turn ended, up to what cannot be answered now."""
    rows = await engine.store.read(lambda session: _next(session, system, before, MOST))
    through, gone = "", list[_Gone]()
    for row in rows:
        if _is_to_be_there(row):
            asked_at = engine.clock.now()
            result = await engine.ask(claimed(row, kind="probe"))
            if result.outcome in _GONE:
                gone.append(_Gone(result, asked_at))
            elif result.outcome not in _THERE:
                break
        through = row["id"]
    if not through:
        return []
    now = engine.clock.now()
    parked = await engine.store.write(lambda session: _keep(session, system, through, gone, now))
    for delivery_id in parked:
        log.warning("delivery.lost_there", delivery_id=delivery_id, system=system)
    return parked


def _next(session: Session, system: str, before: datetime, most: int) -> list[Mapping[str, Any]]:
    state = session.get(SystemState, system)
    through = state.looked_through if state else None
    return deliveries.made_before(session, system, through or id_before(new_id(), AFTER + BACK), before, most)


def _is_to_be_there(row: Mapping[str, Any]) -> bool:
    """Say whether the System itself confirmed a Delivery and nothing has taken its place since."""
    delivered = row["state"] == State.DELIVERED and row["confirmed"]
    return delivered and row["intent"] != "withdraw" and not row["superseded"]


def _keep(session: Session, system: str, through: str, gone: Sequence[_Gone], now: datetime) -> list[str]:
    """Park what is gone, unless somebody replayed it meanwhile, and remember how far the System was asked."""
    parked = [one.result.claim.delivery_id for one in gone if _park(session, one, now)]
    add_entries(session, [entry(now, "", "delivery.lost_there", delivery_id) for delivery_id in parked])
    passing("look.written")
    state = systems.states(session, [system])[system]
    state.looked_through = max(state.looked_through or "", through)
    session.add(state)
    return parked


def _park(session: Session, one: _Gone, now: datetime) -> bool:
    result, claim = one.result, one.result.claim
    reason = LOST_THERE if result.outcome is Outcome.ABSENT else result.reason
    values = {"state": State.PARKED, "reason": reason, "settled_at": now, "due_at": None}
    if not deliveries.move(session, claim.delivery_id, State.DELIVERED, **values):
        return False
    evidence = Attempt(id=claim.attempt_id, delivery_id=claim.delivery_id, kind=claim.kind, number=claim.attempts,
                       started_at=one.asked_at, ended_at=now, outcome=result.outcome, reason=reason)  # fmt: skip
    session.add(evidence)
    return True
