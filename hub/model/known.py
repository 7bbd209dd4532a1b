"""What Systems say of Places: each row as last told, the values it makes known, and what was told before."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from hub.model.column import Id, Instant, Json, Short, new_id


class PullRow(SQLModel, table=True):
    """One row of a System as last told: which Place it is about, by which codes, and what it says of it.

    A row that comes again unchanged costs one look at its digest and no write.
    """

    __tablename__ = "pull_row"
    __table_args__ = ({"sqlite_with_rowid": False},)
    system: str = Field(primary_key=True, sa_type=Short)
    pull: str = Field(primary_key=True, sa_type=Short)
    row_key: str = Field(primary_key=True)
    """The System's own id of the row, as it is compared."""
    place_id: str = Field(index=True, sa_type=Id)
    digest: str = Field(default="", sa_type=Short)
    """Of what the wiring reads of the row, and of the wiring; empty where the row is to be merged again."""
    codes: list[list[str]] = Field(sa_type=Json)
    """The codes it gives its Place beside its own key: [issuer, code]."""
    known: dict[str, Any] = Field(sa_type=Json)
    """What it says, by element."""
    changed: dict[str, str] = Field(sa_type=Json)
    """Element -> as of when it says so, for those that changed after `since`."""
    since: datetime = Field(sa_type=Instant)
    """As of when the row was first told."""
    as_of: datetime = Field(sa_type=Instant)
    """As of when it was last told differently; a whole reading confirms it without a write (PullCursor.whole_as_of)."""
    pull_id: str = Field(sa_type=Id)
    """The run that wrote this."""
    unread_since: datetime | None = Field(default=None, sa_type=Instant)
    """Since when it comes in a form nobody can read; what it said before is not confirmed since."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when the System no longer has it; nothing of an ended row is offered."""
    decided_by: str = Field(default="", sa_type=Id)
    """Not empty: the person who said which Place it is about; no code moves it."""


@dataclass(frozen=True)
class Snapshot:
    """What one System says one data element of one Place is: a value of one of its rows."""

    place_id: str
    element: str
    system: str
    value: Any
    as_of: datetime
    """As of when it was last told or confirmed."""
    pull_id: str = ""
    since: datetime | None = None
    """As of when it has been the same."""


class Fate(StrEnum):
    """Why something told of a Place no longer holds there."""

    CHANGED = "changed"
    """The same row says another value now."""
    MOVED = "moved"
    """The code or row stands on another Place now."""
    ENDED = "ended"
    """The row or the System says so, or says nothing any more."""
    LINKED = "linked"
    """A person said that both Places are one."""
    PARTED = "parted"
    """A person said that it is about another Place."""


class PlaceHistory(SQLModel, table=True):
    """What was told of a Place and no longer holds; only added to. First readings write none."""

    __tablename__ = "place_history"
    __table_args__ = (Index("ix_place_history_system_id", "system", "id"),)
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    at: datetime = Field(sa_type=Instant)
    place_id: str = Field(index=True, sa_type=Id)
    system: str = Field(sa_type=Short)
    """Whose row told it."""
    pull: str = Field(sa_type=Short)
    row_key: str
    element: str = Field(default="", sa_type=Short)
    """The element of a value; empty for a code."""
    issuer: str = Field(default="", sa_type=Short)
    """The issuer of a code; empty for a value."""
    value: Any = Field(sa_type=Json)
    """The earlier value, or the code."""
    since: datetime = Field(sa_type=Instant)
    fate: Fate = Field(sa_type=Short)
    moved_to: str | None = Field(default=None, sa_type=Id)
    """The Place it stands on now, where it moved."""
    pull_id: str = Field(default="", sa_type=Id)
    """The run that found it."""
    account_id: str = Field(default="", sa_type=Id)
    """The person who said so; empty for what a pull found."""
