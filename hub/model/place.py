"""Where work happens: divisions over time, Places with every System's own code for them, and what is known of them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field, SQLModel

from hub.model.column import Bytewise, Id, Instant, Json, Short, Words, new_id
from hub.model.natural_order import order_key
from hub.text import comparable, comparable_name

CODE_PREFIX = "FO1:"
"""What the hub's own printed codes begin with; the token behind it is random."""


class Division(SQLModel, table=True):
    """One administrative division as it was during a time (valid) and as we knew it during a time (recorded)."""

    __table_args__ = (Index("ix_division_code_valid_from", "code", "valid_from"),)
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    code: str = Field(sa_type=Short)
    name: str = Field(sa_type=Short)
    level: str = Field(sa_type=Short)
    parent_code: str = Field(default="", index=True, sa_type=Short)
    successor_code: str = Field(default="", sa_type=Short)
    valid_from: date
    valid_to: date | None = None
    recorded_at: datetime = Field(sa_type=Instant)
    superseded_at: datetime | None = Field(default=None, sa_type=Instant)


def _compared(column: str, compared: Callable[[str], str]) -> dict[str, Any]:
    """Make a column hold another one as it is compared, where a row is added without it."""

    def default(context: DefaultExecutionContext) -> str:
        given: Mapping[str, str] = context.get_current_parameters()  # type: ignore[no-untyped-call]  # SQLAlchemy's
        return compared(given[column])

    return {"default": default}


class Place(SQLModel, table=True):
    """What a code stands on: a household, a river segment, an office."""

    __table_args__ = (Index("ix_place_division_order_key", "division", "order_key"),)
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    kind: str = Field(sa_type=Short)
    name: str = Field(default="")
    name_key: str = Field(default=None, sa_column_kwargs={"server_default": "", **_compared("name", comparable_name)})
    """The name as it is compared."""
    order_key: str = Field(
        default=None, sa_type=Bytewise, sa_column_kwargs={"server_default": "", **_compared("name", order_key)}
    )
    """The name as it sorts: by bytes, in the order people count."""
    division: str = Field(index=True, sa_type=Short)
    token: str = Field(unique=True, sa_type=Short)
    """Opaque content of the hub's own code sheet: says nothing about who lives there."""
    location: dict[str, Any] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)


class Alias(SQLModel, table=True):
    """A code by which a System, or an old sticker's issuer, knows a Place."""

    issuer: str = Field(primary_key=True, sa_type=Short)
    code: str = Field(primary_key=True)
    code_key: str = Field(default=None, sa_column_kwargs={"server_default": "", **_compared("code", comparable)})
    """The code as it is compared: case, width and blanks do not matter."""
    place_id: str = Field(foreign_key="place.id", index=True, sa_type=Id)
    is_key: bool = False
    """The System's own id for the Place, which it wants to hear; else merely what a sticker says."""
    told_by: str = Field(sa_type=Short)
    """The System whose pull brought this alias."""
    as_of: datetime = Field(sa_type=Instant)
    __table_args__ = (Index("ix_alias_code_key", "code_key"),)


class Snapshot(SQLModel, table=True):
    """What one System says one data element of one Place is, and as of when."""

    place_id: str = Field(foreign_key="place.id", primary_key=True, sa_type=Id)
    element: str = Field(primary_key=True, sa_type=Short)
    system: str = Field(primary_key=True, sa_type=Short)
    value: Any = Field(sa_type=Json)
    as_of: datetime = Field(sa_type=Instant)
    pull_id: str = Field(sa_type=Id)


class Discrepancy(SQLModel, table=True):
    """Somebody on the spot says otherwise than a source; kept for the source, which alone may change its value."""

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    submission_id: str = Field(foreign_key="submission.id", index=True, sa_type=Id)
    place_id: str = Field(foreign_key="place.id", index=True, sa_type=Id)
    division: str = Field(sa_type=Short)
    element: str = Field(sa_type=Short)
    system: str = Field(index=True, sa_type=Short)
    theirs: Any = Field(sa_type=Json)
    theirs_as_of: datetime = Field(sa_type=Instant)
    ours: Any = Field(default=None, sa_type=Json)
    """None when the officer refused the value without giving another."""
    found_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    settlement: str = Field(default="", sa_type=Words)
