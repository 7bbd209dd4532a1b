"""Brings the database to this version's schema, and says whether it is there. Alembic does the work."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.errors import Problem
from hub.failpoint import passing
from hub.store.engine import lock_file, open_writing
from hub.store.trouble import is_damage, translate

SCRIPTS = Path(__file__).parent / "migrations"
TURN = 0x46696C6C4F6E6365
"""Key of the advisory lock: "FillOnce" in ASCII."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


@cache
def newest() -> str | None:
    """Return the revision this program is made for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str | None) -> bool:
    """Say whether this program knows a revision, so that it can bring it up to date."""
    try:
        return revision is not None and ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def bring_to(connection: Connection, revision: str) -> None:
    """Bring the schema to a revision within the transaction the connection is in."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def current(connection: Connection) -> str | None:
    """Return the revision of a database, None where it has no schema."""
    return MigrationContext.configure(connection).get_current_revision()


def is_current(connection: Connection) -> bool:
    """Say whether the database has exactly this program's schema: an older program refuses a newer one (F22)."""
    return MigrationContext.configure(connection).get_current_revision() == newest()


def _wait_for_turn(connection: Connection) -> None:
    """Let one process at a time migrate a PostgreSQL database; closing the connection ends the turn."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:turn)"), {"turn": TURN})


def _refuse_newer(connection: Connection) -> None:
    """Refuse a revision this program does not know, before anything is changed (F22)."""
    current = MigrationContext.configure(connection).get_current_revision()
    try:
        ScriptDirectory.from_config(_config()).get_revision(current or "base")
    except CommandError as error:
        raise Problem("store.newer", 503, revision=current) from error


def migrate(url: str) -> None:
    """Upgrade the database; safe to run again after being killed half way, each revision is one transaction.

    Raises Problem when the database was made by a newer program, or another process holds a SQLite file.
    """
    lock = lock_file(url)
    engine = open_writing(url)
    try:
        config = _config()
        with engine.connect() as connection:
            _wait_for_turn(connection)
            _refuse_newer(connection)
            # Alembic must begin its own transactions, or all revisions would share the one these looks opened.
            connection.commit()
            passing("migrate.begin")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            passing("migrate.commit")
            connection.commit()
    except DBAPIError as error:
        raise (translate(error) if is_damage(error) else error) from error
    finally:
        engine.dispose()
        if lock is not None:
            lock.close()
