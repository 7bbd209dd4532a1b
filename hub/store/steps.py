"""The steps from one schema to the next, as Alembic takes them. Loaded only where there is a step to take."""

from collections.abc import Callable, Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

SCRIPTS = Path(__file__).parent / "migrations"


def config() -> Config:
    """Return where Alembic finds the steps."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS))
    return made


def knows(revision: str | None) -> bool:
    """Say whether this program knows a revision, so that it can bring it up to date."""
    try:
        return revision is not None and ScriptDirectory.from_config(config()).get_revision(revision) is not None
    except CommandError:
        return False


def missing(revision: str | None) -> Sequence[str]:
    """Return the revisions a database at this one still lacks, the next one first."""
    script = ScriptDirectory.from_config(config())
    return [step.revision for step in script.iterate_revisions("head", revision or "base")][::-1]


def take(connection: Connection, missing: Sequence[str], heed: Callable[[], object]) -> None:
    """Take one step after the other, each in a transaction of its own; call `heed` before each."""
    for revision in missing:
        heed()
        bring_to(connection, revision)


def bring_to(connection: Connection, revision: str) -> None:
    """Bring the schema to a revision; within the transaction the connection is in, or else each step in its own."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)
