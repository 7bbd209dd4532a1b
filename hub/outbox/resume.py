"""Ends the pause of a System: when somebody says it is mended, or when its own check answers again."""

from hub.errors import Problem
from hub.logs import get_logger
from hub.outbox.engine import Engine
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
        try:
            await line.connector.check()
        except DeliveryFailure as failure:
            log.info("system.still_paused", system=system, kind=type(failure).__name__)
            continue
        await engine.store.write(lambda session, name=system: systems.unpause(session, name))  # type: ignore[misc]  # default binds the loop variable
        resumed.append(system)
    engine.ring(resumed)
    return resumed
