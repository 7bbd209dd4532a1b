"""What the database's errors mean to people: busy, full, gone. Nothing else reads driver errors."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.errors import Problem

Translate = Callable[[Exception], Exception]
"""Says what an error of the database means to people."""

_CONFLICTS = {"40001", "40P01"}
_FULL = ("database or disk is full", "disk i/o error", "no space left", "readonly database")
_DAMAGED = ("disk image is malformed", "file is not a database", "malformed database schema")
RETRY_AFTER_SECONDS = 5


class Taken(Exception):
    """A unique key or other constraint of the database said no; the driver's error is the cause."""


def is_conflict(error: BaseException) -> bool:
    """Say whether the same transaction may simply be tried again (PostgreSQL serialisation failure or deadlock)."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONFLICTS


def is_lost(error: BaseException) -> bool:
    """Say whether the connection broke: then nobody knows whether the transaction was committed."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_busy(error: BaseException) -> bool:
    """Say whether another process held the database for as long as we wait."""
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig).lower()


def is_damage(error: BaseException | None) -> bool:
    """Say whether the database found its own file damaged."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return any(sign in str(original).lower() for sign in _DAMAGED)


def translate(error: Exception) -> Exception:
    """Turn a database that cannot write now into a Problem; leave everything else as it is."""
    if isinstance(error, IntegrityError):
        taken = Taken(str(error.orig))
        taken.__cause__ = error
        return taken
    if isinstance(error, PoolTimeout) or is_conflict(error):
        return Problem("store.busy", 503, retry_after=RETRY_AFTER_SECONDS)
    if is_damage(error) or not isinstance(error, OperationalError):
        return Problem("store.damaged", 503) if is_damage(error) else error
    text = str(error.orig).lower()
    if any(sign in text for sign in _FULL):
        return Problem("store.full", 507, retry_after=60)
    if "locked" in text or "busy" in text:
        return Problem("store.busy", 503, retry_after=RETRY_AFTER_SECONDS)
    return Problem("store.unavailable", 503, retry_after=RETRY_AFTER_SECONDS)


@dataclass
class Damage:
    """Whether anybody met a damaged page; then nothing is written until the next start: it would damage more (F11)."""

    met: bool = False

    def translate(self, error: Exception) -> Exception:
        """Note damage, and say what the error means to people."""
        self.met = self.met or is_damage(error)
        return translate(error)

    def refuse(self, _connection: object) -> None:
        """Let no transaction begin that could write."""
        if self.met:
            raise Problem("store.damaged", 503)
