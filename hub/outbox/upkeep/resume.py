"""Ends the pause of a System: when somebody says it is mended, or when its own check answers again."""

import asyncio
from datetime import datetime

from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.outbox.engine import Engine, Line
from hub.outbox.hand import Deed
from hub.sdk.errors import DeliveryFailure
from hub.store import Session
from hub.store.query import systems
from hub.store.query.journal import add_entries, entry

log = get_logger(__name__)


def resume(session: Session, system: str, deed: Deed) -> None:
    """Let Deliveries flow to a System again; raises Problem when it is not paused."""
    row = systems.states(session, [system])[system]
    if not row.paused_reason:
        raise Problem("system.not_paused", 409, system=system)
    row.paused_reason, row.paused_at = "", None
    session.add(row)
    add_entries(session, [entry(deed.at, deed.who.id, "system.resumed", system, deed.why)])


async def check_paused(engine: Engine) -> list[str]:
    """Try each paused System's settings and credentials without sending; resume those that answer."""
    resumed = []
    for system in await engine.store.read(systems.paused):
        line = engine.lines.get(system)
        if line is None:
            continue
        if await _is_mended(system, line):
            await engine.store.write(lambda session, name=system: _unpause(session, name, engine.clock.now()))  # type: ignore[misc]  # default binds the loop variable
            resumed.append(system)
    engine.ring(resumed)
    return resumed


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


def _unpause(session: Session, system: str, now: datetime) -> None:
    systems.unpause(session, system)
    passing("resume.written")
    add_entries(session, [entry(now, "", "system.resumed", system, "its own check answered")])
