"""What a pull could not settle by itself, kept until a later pull or a person does."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from hub.model.column import Id, Instant, Json, Short, Words, new_id


class ItemKind(StrEnum):
    """What is open."""

    ROW_LEFT_OUT = "row_left_out"
    """A row nobody can read, or without a usable key."""
    VALUE_NOT_UNDERSTOOD = "value_not_understood"
    """One field of a row; the rest of it is known."""
    CODES_TANGLED = "codes_tangled"
    """The codes of a row belong to different Places."""
    PLACES_TO_LINK = "places_to_link"
    """Two Systems' rows that look like one Place and share no code."""
    MARK_AHEAD = "mark_ahead"
    """The mark, or a row's own time, lies ahead of its source: later changes could be missed."""
    NOTHING_NEW = "nothing_new"
    """Nothing changed for more slots than this source usually stays quiet."""
    ROWS_MISSING = "rows_missing"
    """A whole reading found changes that reading on from the mark had not brought."""
    DOUBTED = "doubted"
    """Far fewer rows came than are known; nothing was taken away."""
    PULL_FAILED = "pull_failed"
    """The last run failed, and why."""


class ItemState(StrEnum):
    """How an open item stands."""

    OPEN = "open"
    SOLVED = "solved"
    """A later pull no longer met it, or a person settled what it is about."""
    DISMISSED = "dismissed"
    """A person said why it may stay so; it opens again only when what it is about changes."""


class OpenItem(SQLModel, table=True):
    """One thing of one pull that waits to be solved or dismissed."""

    __tablename__ = "open_item"
    __table_args__ = (
        Index("uq_open_item_open", "system", "pull", "kind", "row_key", "field", unique=True,
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("ix_open_item_system_pull_id", "system", "pull", "id"),
    )  # fmt: skip
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    system: str = Field(sa_type=Short)
    pull: str = Field(sa_type=Short)
    kind: ItemKind = Field(sa_type=Short)
    row_key: str = ""
    """The row's own id as it was told; empty for the pull as a whole, and for the rest beyond the named ones."""
    field: str = ""
    """The element, the part of the wiring (`place.division`), the code's issuer, the other Place; empty: the row."""
    value: str = Field(default="", sa_type=Words)
    """What was not understood, masked by the element's sensitivity."""
    reason: str = Field(default="", sa_type=Short)
    """Message key of its text in schemas/messages, such as `open_item.not_a_phone` or `unmapped.missing`."""
    params: dict[str, Any] = Field(sa_type=Json)
    place_id: str | None = Field(default=None, index=True, sa_type=Id)
    other_place_id: str | None = Field(default=None, sa_type=Id)
    """For places to link and codes that tangle: the other Place."""
    mark: str = Field(default="", sa_type=Short)
    """Fingerprint of what it is about, not a cursor: a dismissed item opens again when this differs."""
    first_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    times: int = 1
    """Runs that met it."""
    state: ItemState = Field(default=ItemState.OPEN, sa_type=Short)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_by: str = Field(default="", sa_type=Id)
    """The person; empty where a later pull no longer met it."""
    why: str = Field(default="", sa_type=Words)
