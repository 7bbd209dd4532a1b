"""What the hub remembers of each System: its breaker and pause, its pulls and how far they came."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from hub.model.column import Id, Instant, Short, Words, new_id


class Breaker(StrEnum):
    """Whether deliveries flow to a System."""

    CLOSED = "closed"
    """They flow."""
    OPEN = "open"
    """It failed several times in a row: nothing goes until `open_until`."""
    PROBING = "probing"
    """Exactly one Delivery is on its way to see whether it is back."""


class SystemState(SQLModel, table=True):
    """Health of one System as the outbox sees it; survives restarts, shared by all workers."""

    __tablename__ = "system_state"
    system: str = Field(primary_key=True, sa_type=Short)
    breaker: Breaker = Field(default=Breaker.CLOSED, sa_type=Short)
    failures: int = 0
    """Failures in a row; while it is paused, tries in a row that began another pause."""
    open_until: datetime | None = Field(default=None, sa_type=Instant)
    """While PROBING: when the probe counts as lost. While it is paused: when the next try may be made."""
    paused_reason: str = Field(default="", sa_type=Words)
    """Not empty: our settings or credentials are wrong, nothing goes until somebody mended them."""
    paused_at: datetime | None = Field(default=None, sa_type=Instant)
    paused_by: str | None = Field(default=None, sa_type=Id)
    """The Delivery whose push began the pause: the pause ends by itself only when that one is answered."""
    last_success_at: datetime | None = Field(default=None, sa_type=Instant)
    last_failure_at: datetime | None = Field(default=None, sa_type=Instant)
    last_reason: str = Field(default="", sa_type=Words)
    looked_through: str | None = Field(default=None, sa_type=Id)
    """The last Delivery, by id, the System was asked about again after it had confirmed."""


class PullOutcome(StrEnum):
    """How a pull ended."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    """The process died while it ran; whole pages it had stored count."""
    DOUBTED = "doubted"
    """What came looked wrong (far fewer rows than known); nothing known was taken away."""


class Pull(SQLModel, table=True):
    """One run that fetched known values from a System."""

    __table_args__ = (
        UniqueConstraint("system", "name", "slot_at"),
        Index("uq_pull_running", "system", "name", unique=True, sqlite_where=text("outcome = 'running'"),
              postgresql_where=text("outcome = 'running'")),
        Index("ix_pull_system_name_started_at", "system", "name", "started_at"),
    )  # fmt: skip
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    system: str = Field(sa_type=Short)
    name: str = Field(sa_type=Short)
    slot_at: datetime = Field(sa_type=Instant)
    """The planned time this run answers for; unique, so that two schedulers start it once."""
    started_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: PullOutcome = Field(sa_type=Short)
    whole: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """It read every row the System holds, not only what is newer than the mark."""
    rows: int = 0
    """Rows that came and could be read, unchanged ones among them."""
    changed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Rows that were new or said something else than before."""
    ended: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Rows the System no longer has."""
    left_out: int = 0
    reason: str = Field(default="", sa_type=Words)


class PullCursor(SQLModel, table=True):
    """How far a pull came: its mark moves once a page is stored; a page that comes twice changes nothing."""

    __tablename__ = "pull_cursor"
    system: str = Field(primary_key=True, sa_type=Short)
    name: str = Field(primary_key=True, sa_type=Short)
    cursor: str = Field(default="", sa_type=Words)
    rows_known: int = 0
    moved_at: datetime = Field(sa_type=Instant)
    whole_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the last whole reading ended that was not doubted."""
    whole_as_of: datetime | None = Field(default=None, sa_type=Instant)
    """As of when, by the System's own time, it was complete: every row that has not ended is confirmed as of then."""
    flow_version: str = Field(default="", sa_type=Short, sa_column_kwargs={"server_default": ""})
    """How rows were read by the last whole reading; where that changed, all are read anew."""
    distrusted: str = Field(default="", sa_type=Words, sa_column_kwargs={"server_default": ""})
    """Not empty: why the mark is not trusted; the next reading is a whole one."""
    quiet_slots: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Slots in a row that brought nothing new."""
