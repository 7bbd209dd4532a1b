"""The journal of who did what: ids and verbs, no values; when the hub went on from a copy; how much it did so far."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from hub.model.column import Id, Instant, Short, Words, new_id


class JournalEntry(SQLModel, table=True):
    """One deed, written in the transaction that did it."""

    __tablename__ = "journal"
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    at: datetime = Field(sa_type=Instant)
    account_id: str = Field(sa_type=Id)
    """Empty for what the hub does by itself."""
    action: str = Field(sa_type=Short)
    """`noun.past_tense`, for example `delivery.replayed`."""
    subject: str
    why: str = Field(default="", sa_type=Words)


class Epoch(SQLModel, table=True):
    """A new beginning: the hub went on from a copy, and what it did after the copy was taken is unknown to it."""

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    number: int
    """The first epoch, before any restore, is 1 and has no row."""
    began_at: datetime = Field(sa_type=Instant)
    copied_at: datetime = Field(sa_type=Instant)
    copy_digest: str = Field(sa_type=Short)


class Heartbeat(SQLModel, table=True):
    """That a row could be written: whether anything can is known only by writing something."""

    name: str = Field(primary_key=True, sa_type=Short)
    at: datetime = Field(sa_type=Instant)


class Tally(SQLModel, table=True):
    """How many rows of a kind had this name, up to its kind's mark: nobody counts millions of them again."""

    what: str = Field(primary_key=True, sa_type=Short)
    """`submission`, `delivery` or `attempt`; `cancelled` for Deliveries that were, and are erased."""
    name: str = Field(primary_key=True, sa_type=Short)
    """The System, or the outcome; `*` for all of them together, and that row bears the mark."""
    count: int = Field(default=0, sa_type=BigInteger)
    mark: str = Field(default="", sa_type=Short)
    """The last id, or the last time, that is counted in."""
