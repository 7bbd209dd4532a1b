"""Ends the pause of a System: when somebody says it is mended, or when its own check answers again.

A check only reads. What it was a push that began, it cannot end alone: first the Delivery of that push is settled, by
asking the System about it or, where that is safe, by sending it again, all others waiting meanwhile.
"""

import asyncio
from datetime import datetime

from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.delivery import ENDED, Delivery, State
from hub.model.system import SystemState
from hub.outbox.capacity import Line
from hub.outbox.decide.backoff import is_over
from hub.outbox.engine import Engine
from hub.outbox.hand import Deed
from hub.outbox.record import end_pause
from hub.sdk.errors import DeliveryFailure
from hub.store import Session
from hub.store.clock import instant
from hub.store.query import systems
from hub.store.query.journal import add_entries, entry

log = get_logger(__name__)


def resume(session: Session, system: str, deed: Deed) -> None:
    """Let Deliveries flow to a System again; raises Problem when it is not paused."""
    row = systems.states(session, [system])[system]
    if not row.paused_reason:
        raise Problem("system.not_paused", 409, system=system)
    row.paused_reason, row.paused_at, row.paused_by = "", None, None
    row.failures, row.open_until = 0, None
    session.add(row)
    add_entries(session, [entry(deed.at, deed.who.id, "system.resumed", system, deed.why)])


async def check_paused(engine: Engine) -> list[str]:
    """Try each paused System's settings and credentials without sending; resume those that answer."""
    found = await engine.store.read(lambda session: (systems.pauses(session), instant(session, engine.clock)))
    paused, now = found
    waited = [row for row in paused if row.system in engine.lines and is_over(row.open_until, now)]
    ended = await asyncio.gather(*(_try_to_end(engine, row) for row in waited))
    resumed = sorted(row.system for row, is_ended in zip(waited, ended, strict=True) if is_ended)
    engine.ring(resumed)
    return resumed


async def _try_to_end(engine: Engine, pause: SystemState) -> bool:
    """End one pause if its check answers and the push that began it is settled, trying that one alone; say whether."""
    if not await _is_mended(pause.system, engine.lines[pause.system]):
        return False
    if pause.paused_by is not None and not await engine.store.read(lambda session: _is_settled(session, pause)):
        await engine.try_alone(pause.system, pause.paused_by)
        return pause.system not in await engine.store.read(systems.paused)
    return await engine.store.write(lambda session: _unpause(session, pause, instant(session, engine.clock)))


def _is_settled(session: Session, pause: SystemState) -> bool:
    """Say whether it is known what became of the push that began a pause, so that only its check is left to answer."""
    row = session.get(Delivery, pause.paused_by)
    if row is None:  # erased, with all that was owed
        return True
    return row.state in ENDED | {State.TRANSPORTED, State.MANUAL} or (row.state == State.PARKED and not row.repeat)


async def _is_mended(system: str, line: Line) -> bool:
    """Ask a System's own check; whatever goes wrong in it means no, and the others are still asked."""
    try:
        async with asyncio.timeout(line.answer_within.total_seconds()):
            await line.connector.check()
    except (DeliveryFailure, TimeoutError) as failure:
        log.info("system.still_paused", system=system, kind=type(failure).__name__)
        return False
    except Exception:  # a connector's own fault is no reason to leave the other Systems unasked
        log.exception("system.check_failed", system=system)
        return False
    return True


def _unpause(session: Session, pause: SystemState, now: datetime) -> bool:
    """End a pause unless somebody did, or another one has begun since it was looked at."""
    row = systems.states(session, [pause.system])[pause.system]
    if (row.paused_at, row.paused_by) != (pause.paused_at, pause.paused_by) or not row.paused_reason:
        return False
    end_pause(session, row, now, pushed=False)
    session.add(row)
    passing("resume.written")
    return True
