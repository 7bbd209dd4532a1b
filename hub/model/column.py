"""Column types and identifiers every row shares: UTC times, JSON on both databases, time-ordered ids."""

import hashlib
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

METADATA = SQLModel.metadata
METADATA.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A UTC-aware instant; SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; give SQLite the UTC wall time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be UTC-aware")
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the interface of TypeDecorator
        """Return the instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant: Any = UtcDateTime
Json: Any = JSON().with_variant(JSONB(), "postgresql")
Blob: Any = LargeBinary
Words: Any = Text
Id: Any = String(36)
Short: Any = String(80)
Bytewise: Any = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by its bytes, whatever language the database was made for."""
_TICKS = 1 << 12
"""Parts of a millisecond that fit beside it."""
_DRAWN = 512
"""Ids whose random digits are drawn at once."""


_id_lock = threading.Lock()
_last_tick = 0
_chances: list[str] = []
"""Random digits of coming ids. Each call to the system lets go of the interpreter, and an id is no secret."""
os.register_at_fork(after_in_child=_chances.clear)


def new_id() -> str:
    """Return a time-ordered UUID (version 7, RFC 9562 6.2 method 3), strictly growing within a process.

    Ordered flows and attempts are read back by id, so two made in the same millisecond must keep their order.
    """
    global _last_tick  # noqa: PLW0603 - one counter a process
    with _id_lock:
        tick = _last_tick = max(_last_tick + 1, time.time_ns() * _TICKS // 1_000_000)
        if not _chances:
            drawn = os.urandom(8 * _DRAWN).hex()
            _chances.extend(drawn[place : place + 16] for place in range(0, len(drawn), 16))
        rest = _chances.pop()
    moment = f"{tick:015x}"
    return f"{moment[:8]}-{moment[8:12]}-7{moment[12:]}-{_VARIANT[rest[0]]}{rest[1:4]}-{rest[4:]}"


def id_before(newest: str, span: timedelta) -> str:
    """Return what stands before every id made later than this span before a time-ordered one."""
    milliseconds = int(newest.replace("-", "")[:12], 16) - int(span.total_seconds() * 1000)
    moment = f"{max(0, milliseconds):012x}"
    return f"{moment[:8]}-{moment[8:]}-0000-0000-000000000000"


def id_since(span: timedelta) -> str:
    """Return what stands before every time-ordered id made later than this span before now."""
    now = f"{time.time_ns() // 1_000_000:012x}"
    return id_before(f"{now[:8]}-{now[8:]}-0000-0000-000000000000", span)


def named_id(namespace: UUID, name: str) -> str:
    """Return the UUID of a name (version 5, RFC 9562 5.5): the same name always gives the same id."""
    digest = hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).hexdigest()
    return _written(digest[:32], "5")


def timed_id(at: datetime, namespace: UUID, name: str) -> str:
    """Return the UUID of a name that belongs to a moment (version 8, RFC 9562 5.8): always the same, and in its time.

    Rows that come one after another must lie one beside another in every index: spread over all that is stored, each
    would touch pages of its own, and the more is stored the fewer of them are at hand.
    """
    return _timed(max(0, int(at.timestamp() * 1000)), namespace, name)


def child_id(of: str, namespace: UUID, name: str) -> str:
    """Return the UUID of a name under a row: in the time of that row, where its id tells one."""
    if of[14] != "8":
        return named_id(namespace, name)
    return _timed(int(of[:8] + of[9:13], 16), namespace, name)


def _timed(milliseconds: int, namespace: UUID, name: str) -> str:
    digest = hashlib.sha256(namespace.bytes + name.encode()).hexdigest()
    return _written(f"{milliseconds:012x}{digest[:20]}", "8")


_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def _written(digits: str, version: str) -> str:
    """Return 32 hexadecimal digits the way UUIDs are written, marked as one of this version (RFC 9562 4)."""
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
