"""A bell between processes on PostgreSQL: who commits work rings, who delivers hears it. Never the record.

What nobody heard is found by the engine's own look at the database; the bell only spares the wait.
"""

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import Engine, text
from sqlmodel import Session

from hub.logs import get_logger

log = get_logger(__name__)
CHANNEL = "hub_due"
MOST_BYTES = 7_000
"""PostgreSQL takes 8,000 in one message; where the names are longer the bell says "look" instead."""
AGAIN_AFTER_S = 1.0


def ring(session: Session, rung: Sequence[frozenset[str]]) -> list[None]:
    """Tell every listening process, at this commit, which Systems may have something due."""
    names = ",".join(sorted(frozenset[str]().union(*rung)))
    session.connection().execute(_NOTIFY, {"names": names if len(names.encode()) <= MOST_BYTES else ""})
    return [None] * len(rung)


_NOTIFY = text(f"SELECT pg_notify('{CHANNEL}', :names)")


async def listen(engine: Engine, hear: Callable[[Sequence[str]], None]) -> None:
    """Pass on what is rung, for ever; no names mean all. A lost connection is made again."""
    import psycopg  # noqa: PLC0415 - a hub on SQLite starts without PostgreSQL's library

    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                async for note in connection.notifies():
                    hear(note.payload.split(",") if note.payload else ())
        except psycopg.Error as error:
            log.warning("doorbell.lost", kind=type(error).__name__)
            await asyncio.sleep(AGAIN_AFTER_S)
