"""Where work happens: divisions over time, Places with every System's own code for them, and where sources err."""

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

    __table_args__ = (
        Index("ix_place_division_name_key", "division", "name_key"),
        Index("ix_place_division_order_key", "division", "order_key"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    kind: str = Field(sa_type=Short)
    name: str = Field(default="")
    name_key: str = Field(default=None, sa_column_kwargs={"server_default": "", **_compared("name", comparable_name)})
    """The name as it is compared."""
    order_key: str = Field(
        default=None, sa_type=Bytewise, sa_column_kwargs={"server_default": "", **_compared("name", order_key)}
    )
    """The name as it sorts: by bytes, in the order people count."""
    division: str = Field(sa_type=Short)
    token: str = Field(unique=True, sa_type=Short)
    """Opaque content of the hub's own code sheet: says nothing about who lives there."""
    location: dict[str, Any] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(sa_type=Instant)
    linked_to: str | None = Field(default=None, sa_type=Id)
    """The Place this one turned out to be: codes and rows went there, Submissions filed here stay here."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when no System knows it any more; it is offered to nobody, what was filed here stays."""


class Alias(SQLModel, table=True):
    """A code by which a System, or an old sticker's issuer, knows a Place; where it stood before is PlaceHistory."""

    __table_args__ = ({"sqlite_with_rowid": False},)
    code_key: str = Field(default=None, primary_key=True, sa_column_kwargs=_compared("code", comparable))
    """The code as it is compared: case, width and blanks do not matter."""
    issuer: str = Field(primary_key=True, sa_type=Short)
    code: str
    """The code as its issuer writes it, and wants to hear it."""
    place_id: str = Field(index=True, sa_type=Id)
    """No foreign key: to check one for each code of a first reading costs a tenth of it, and no Place is deleted."""
    is_key: bool = False
    """The System's own id for the Place, which it wants to hear; else merely what a sticker says."""
    told_by: str = Field(sa_type=Short)
    """The System whose row says that the code stands here; its own row counts more than others'."""
    pull: str = Field(default="", sa_type=Short)
    row_key: str = ""
    """With `told_by` and `pull`: the row that says so."""
    since: datetime = Field(sa_type=Instant)
    """As of when it has stood here."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when no row says so any more; an ended code opens nothing and is sent nowhere."""
    decided_by: str = Field(default="", sa_type=Id)
    """Not empty: the person who said where it stands; no pull moves it."""


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
