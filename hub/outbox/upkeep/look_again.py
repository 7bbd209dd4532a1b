"""Asks Systems once more about what they confirmed: what one has lost since is parked for a person (F61).

Only where the Connector can say for certain that a key is not there. What was still under way when its turn came, what
a later revision took the place of, and what only a person confirmed are not asked about.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.column import id_since
from hub.model.delivery import CHANGE_LOST, LOST_THERE, Attempt, State
from hub.model.system import SystemState
from hub.outbox.claim import claimed
from hub.outbox.decide.settle import Outcome, Result
from hub.outbox.engine import Engine
from hub.sdk import Capabilities
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
    """What a System has no more, when it was asked about it, and why it is parked."""

    row: Mapping[str, Any]
    result: Result
    asked_at: datetime
    reason: str


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
    can = engine.lines[system].connector.capabilities
    through, gone = "", list[_Gone]()
    for row in rows:
        if _is_to_be_there(row):
            found = await _ask(engine, row, can)
            if found is None:
                break
            gone += found
        through = row["id"]
    if not through:
        return []
    now = engine.clock.now()
    parked = await engine.store.write(lambda session: _keep(session, system, through, gone, now))
    for delivery_id in parked:
        log.warning("delivery.lost_there", delivery_id=delivery_id, system=system)
    return parked


async def _ask(engine: Engine, row: Mapping[str, Any], can: Capabilities) -> list[_Gone] | None:
    """Ask about one Delivery; return what is gone, nothing if it is there, None while the System cannot say.

    A System that keeps our key only with what is new is asked about what a correction changed. One that has the record
    and not the correction has lost the correction alone.
    """
    asked_at, own, reason = engine.clock.now(), claimed(row, kind="probe"), LOST_THERE
    result = await engine.ask(own) if can.can_tell_of(row["intent"]) else None
    if result is not None and result.outcome not in _GONE:
        return [] if result.outcome in _THERE else None
    if result is None or (result.outcome is Outcome.ABSENT and row["intent"] == "amend"):
        of_first, reason = await _ask_of_first(engine, row), CHANGE_LOST
        if of_first is not None and of_first.outcome not in _THERE | _GONE:
            return None
        if of_first is not None and of_first.outcome in _GONE:
            result, reason = replace(of_first, claim=own), LOST_THERE
    if result is None:
        return []
    said = result.reason if result.outcome is Outcome.REFUSED else reason
    return [_Gone(row, result, asked_at, said)]


async def _ask_of_first(engine: Engine, row: Mapping[str, Any]) -> Result | None:
    """Ask about the Delivery that made what this one changed; None where the System itself never confirmed it."""
    first = await engine.store.read(lambda session: deliveries.created(session, row))
    return None if first is None else await engine.ask(claimed(first, kind="probe"))


def _next(session: Session, system: str, before: datetime, most: int) -> list[Mapping[str, Any]]:
    """Return what comes after the last one asked about; a mark ahead of now was left by a clock that was ahead."""
    state, newest = session.get(SystemState, system), id_since(timedelta(0))
    mark = state.looked_through if state else None
    through = mark if mark is not None and mark < newest else id_since(AFTER + BACK)
    return deliveries.made_before(session, system, (through, newest), before, most)


def _is_to_be_there(row: Mapping[str, Any]) -> bool:
    """Say whether the System itself confirmed a Delivery and nothing has taken its place since."""
    delivered = row["state"] == State.DELIVERED and row["confirmed"]
    return delivered and row["intent"] != "withdraw" and not row["superseded"]


def _keep(session: Session, system: str, through: str, gone: Sequence[_Gone], now: datetime) -> list[str]:
    """Park what is gone, unless something became of it meanwhile, and remember how far the System was asked."""
    parked = [one.row["id"] for one in gone if _park(session, one, now)]
    add_entries(session, [entry(now, "", "delivery.lost_there", delivery_id) for delivery_id in parked])
    passing("look.written")
    state = systems.states(session, [system])[system]
    mark = state.looked_through or ""
    state.looked_through = through if mark > id_since(timedelta(0)) else max(mark, through)
    session.add(state)
    return parked


def _park(session: Session, one: _Gone, now: datetime) -> bool:
    """Park one that stands as it stood when the System was asked: neither sent again since nor corrected."""
    claim, delivery_id = one.result.claim, one.row["id"]
    values = {"state": State.PARKED, "reason": one.reason, "settled_at": now, "due_at": None}
    if not deliveries.move_settled(session, delivery_id, one.row["settled_at"], **values):
        return False
    evidence = Attempt(
        id=claim.attempt_id, delivery_id=delivery_id, kind=claim.kind, number=claim.attempts,
        started_at=one.asked_at, ended_at=now, outcome=one.result.outcome, reason=one.reason,
    )  # fmt: skip
    session.add(evidence)
    return True
