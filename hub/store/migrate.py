"""Brings the database to this version's schema, and says whether it is there. Alembic does the work."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hub.store.engine import lock_file, open_writing

SCRIPTS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def newest() -> str | None:
    """Return the revision this program is made for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_current(connection: Connection) -> bool:
    """Say whether the database has exactly this program's schema: an older program refuses a newer one (F22)."""
    return MigrationContext.configure(connection).get_current_revision() == newest()


def migrate(url: str) -> None:
    """Upgrade the database; safe to run again after being killed half way, each revision is one transaction."""
    lock = lock_file(url)
    engine = open_writing(url)
    try:
        config = _config()
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()
        if lock is not None:
            lock.close()
