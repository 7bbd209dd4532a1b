"""What the hub remembers of erasing by term: until when its clock was believed, and why nothing is erased now."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from hub.model.column import Instant, Short

ONLY = "submission"
"""What the one row is about."""


class Retention(SQLModel, table=True):
    """One row, made when the hub first looks at its clock."""

    kind: str = Field(default=ONLY, primary_key=True, sa_type=Short)
    believed_at: datetime = Field(sa_type=Instant)
    """The latest moment the clock showed while it was believed, by any process or by a person."""
    odd_until: datetime | None = Field(default=None, sa_type=Instant)
    """What is dated up to here, though later than now, a person has called a slip of the clock."""
    held: str = Field(default="", sa_type=Short)
    """Why nothing is erased by term: a doubt about the clock, or `share`; empty when it is."""
