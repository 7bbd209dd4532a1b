"""Which schema a database has, and how it gets this version's: made in one go where there is none, else step by step.

Only steps load Alembic. tests/store/test_migrations.py holds both ways to the very same schema.
"""

import threading
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from hub.errors import Problem
from hub.failpoint import passing
from hub.model import METADATA
from hub.store.engine import lock_file, open_writing
from hub.store.trouble import is_damage, translate

NEWEST = "0014"
"""The revision this program is made for: the last one in `migrations`."""
TURN = 0x46696C6C4F6E6365
"""Key of the advisory lock: "FillOnce" in ASCII."""
TURN_EVERY_S = 0.1
Heed = Callable[[], object]
"""Called where nothing is half done; may raise to end it there."""
_VERSION = "CREATE TABLE alembic_version (version_num VARCHAR(32) CONSTRAINT alembic_version_pkc PRIMARY KEY NOT NULL)"
"""Where Alembic looks which step was the last."""


def current(connection: Connection) -> str | None:
    """Return the revision of a database, None where it has no schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def is_current(connection: Connection) -> bool:
    """Say whether the database has exactly this program's schema: an older program refuses a newer one (F22)."""
    return current(connection) == NEWEST


def _wait_for_turn(connection: Connection, heed: Heed) -> None:
    """Let one process at a time migrate a PostgreSQL database; closing the connection ends the turn."""
    if connection.dialect.name != "postgresql":
        return
    ask, again = text("SELECT pg_try_advisory_lock(:turn)"), threading.Event()
    # Not the lock that waits: nobody could be heeded until the other one is done.
    while not connection.scalar(ask, {"turn": TURN}):
        heed()
        again.wait(TURN_EVERY_S)


def _make(connection: Connection) -> None:
    """Make this version's schema in an empty database."""
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(text(_VERSION))
    connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": NEWEST})


def _steps_to_newest(connection: Connection, heed: Heed) -> Callable[[Connection], None]:
    """Return what takes the missing steps, heeding between two; refuses a revision this program does not know (F22)."""
    from hub.store import steps  # noqa: PLC0415 - loading Alembic would be a tenth of every start

    there = current(connection)
    if there is not None and not steps.knows(there):
        raise Problem("store.newer", 503, revision=there)
    return partial(steps.take, missing=steps.missing(there), heed=heed)


def _bring_up(connection: Connection, heed: Heed) -> None:
    """Give the database this version's schema; nothing is changed before it is known how."""
    bring = _steps_to_newest(connection, heed) if inspect(connection).get_table_names() else _make
    # Alembic must begin its own transactions, or all revisions would share the one these looks opened.
    connection.commit()
    passing("migrate.begin")
    heed()
    bring(connection)
    passing("migrate.commit")
    connection.commit()


def migrate(url: str, heed: Heed = lambda: None) -> None:
    """Upgrade the database; safe to run again after being killed half way, each revision is one transaction.

    `heed` is called between two revisions and while another process has its turn; what it raises ends it there.
    Raises Problem when the database was made by a newer program, or another process holds a SQLite file.
    """
    lock = lock_file(url)
    engine = open_writing(url)
    try:
        with engine.connect() as connection:
            _wait_for_turn(connection, heed)
            if not is_current(connection):
                _bring_up(connection, heed)
    except DBAPIError as error:
        raise (translate(error) if is_damage(error) else error) from error
    finally:
        engine.dispose()
        if lock is not None:
            lock.close()
