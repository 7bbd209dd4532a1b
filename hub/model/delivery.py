"""The obligation Record -> System: its states, which move to which, its attempts, who has it, why some never arise."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from hub.errors import Phrase
from hub.model.column import Blob, Id, Instant, Short, Words, new_id


class State(StrEnum):
    """Where a Delivery stands. Every one ends in a named state; none is ever dropped."""

    WAITING = "waiting"
    """Never tried, or held back behind another one or a paused System."""
    LEASED = "leased"
    """One worker holds it, until the lease runs out."""
    RETRY = "retry"
    """Tried, nothing reached the System, due again later."""
    TRANSPORTED = "transported"
    """The System has it and will say later whether it accepts."""
    DELIVERED = "delivered"
    """The System's declared success rule matched a complete answer."""
    UNKNOWN = "unknown"
    """Bytes left and no complete answer came: to be probed, or waiting for a person."""
    PARKED = "parked"
    """The System said no, or patience ran out: a person decides."""
    MANUAL = "manual"
    """A person enters it there by hand and confirms."""
    CANCELLED = "cancelled"
    """A person, or a newer revision, ended it with a reason."""

    @property
    def words(self) -> Phrase:
        """How pages and refusals name it."""
        return Phrase(f"stand.{self}")


Intent = Literal["create", "amend", "withdraw"]
"""What a System is asked to do with a Record."""
INTENTS: tuple[Intent, ...] = get_args(Intent)
OPEN = frozenset({State.WAITING, State.LEASED, State.RETRY, State.TRANSPORTED, State.UNKNOWN})
ENDED = frozenset({State.DELIVERED, State.CANCELLED})
MAY_WAIT = frozenset({State.WAITING, State.MANUAL, State.PARKED})
"""States in which one may still wait to learn what became of the one before it."""
BY_HAND = frozenset({State.PARKED, State.UNKNOWN, State.MANUAL})
"""States in which a person may enter it there, and so may take it first."""
LOST_THERE = "confirmed, and no longer there"
"""The reason of a parked one that its System had accepted; people read it as a sentence of its own."""
CHANGE_LOST = "confirmed, and the change is no longer there"
"""The same of a correction whose System still has what was corrected."""
LOST = {LOST_THERE: "lost", CHANGE_LOST: "change_lost"}
"""By reason, the sentence each is told in: `delivery.says.<name>` of schemas/messages."""
SUSPECT = 2
"""Workers in a row that died with a Delivery in hand, from which on it is tried with nothing else under way."""
NEVER_SENT = "withdrawn before it was sent"
"""The reason of a cancelled one whose Record was withdrawn in time; people read it as a sentence of its own."""
NOTHING_THERE = "nothing reached the system, so there is nothing to withdraw"
"""The reason of a cancelled withdrawal; people read it as a sentence of its own."""
_HELD = frozenset({State.WAITING, State.RETRY, State.TRANSPORTED, State.UNKNOWN})
_PERSON = frozenset({State.DELIVERED, State.CANCELLED, State.WAITING})

STANDING = (State.RETRY, State.TRANSPORTED, State.UNKNOWN, State.PARKED, State.MANUAL, State.CANCELLED)
"""States people look for; most Deliveries pass through none of them on their way from waiting to delivered."""
IS_STANDING = " OR ".join(f"state = '{state.value}'" for state in STANDING)
NOT_ENDED = "state NOT IN ('delivered', 'cancelled')"
IS_SUSPECT = f"lost >= {SUSPECT} AND due_at IS NOT NULL"
UNRECOGNISED = (
    f"(state NOT IN ({', '.join(repr(state.value) for state in State)})"
    f" OR intent NOT IN ({', '.join(map(repr, get_args(Intent)))}))"
)
"""Conditions of partial indexes: SQLite uses one only where a query repeats it word for word.

`UNRECOGNISED`: rows of a newer program, or of no program at all, which are shown and never sent.
"""

MOVES: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.LEASED, State.CANCELLED, State.UNKNOWN}),
    State.LEASED: _HELD | {State.DELIVERED, State.PARKED, State.MANUAL},
    State.RETRY: frozenset({State.LEASED, State.CANCELLED, State.PARKED, State.WAITING, State.UNKNOWN}),
    State.TRANSPORTED: frozenset({State.LEASED, State.PARKED}),
    State.UNKNOWN: _PERSON | {State.LEASED},
    State.PARKED: _PERSON,
    State.MANUAL: _PERSON - {State.WAITING},
    State.DELIVERED: frozenset({State.WAITING, State.PARKED}),
    State.CANCELLED: frozenset(),
}
"""Legal moves; `DELIVERED -> WAITING` is a replay somebody asked for, with the same bytes and key.

`DELIVERED -> PARKED`: the System confirmed it, was asked again, and has it no more.

`WAITING -> UNKNOWN` and `RETRY -> UNKNOWN`: a copy was restored, and it may have been sent after the copy was taken.
"""


def is_recognised(state: str, intent: str) -> bool:
    """Say whether this program knows how a Delivery stands and what is asked for; only such a one is ever sent."""
    return state in set(State) and intent in INTENTS


def may_move(old: State, new: State) -> bool:
    """Say whether a Delivery may go from one state to the other."""
    return new in MOVES[old]


class Delivery(SQLModel, table=True):
    """One Record owed to one System by one flow, with the bytes frozen when it was made."""

    __table_args__ = (
        Index("ix_delivery_system_due_at", "system", "due_at", sqlite_where=text("due_at IS NOT NULL"),
              postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_delivery_leased_until", "leased_until", sqlite_where=text("leased_until IS NOT NULL"),
              postgresql_where=text("leased_until IS NOT NULL")),
        Index("ix_delivery_after_id", "after_id", sqlite_where=text("after_id IS NOT NULL"),
              postgresql_where=text("after_id IS NOT NULL")),
        Index("ix_delivery_order_key", "order_key", sqlite_where=text(f"order_key IS NOT NULL AND {NOT_ENDED}"),
              postgresql_where=text(f"order_key IS NOT NULL AND {NOT_ENDED}")),
        Index("ix_delivery_record_key_system", "record_key", "system"),
        Index("ix_delivery_system_id", "system", "id"),
        Index("ix_delivery_suspect", "due_at", sqlite_where=text(IS_SUSPECT), postgresql_where=text(IS_SUSPECT)),
        Index("ix_delivery_unrecognised", "id", sqlite_where=text(UNRECOGNISED),
              postgresql_where=text(UNRECOGNISED)),
        Index("ix_delivery_standing", "state", "system", "id", "due_at", sqlite_where=text(IS_STANDING),
              postgresql_where=text(IS_STANDING)),
        CheckConstraint("state IN (" + ", ".join(f"'{state.value}'" for state in State) + ")", name="state"),
        CheckConstraint("(state = 'leased') = (lease_token IS NOT NULL)", name="lease"),
    )  # fmt: skip
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    key: str = Field(unique=True)
    """`record key:system/flow:revision`: the idempotency key, the same on every attempt and replay."""
    record_id: str = Field(foreign_key="record.id", sa_type=Id)
    record_key: str = Field(sa_type=Id)
    record: str = Field(sa_type=Short)
    revision: int
    system: str = Field(sa_type=Short)
    flow: str = Field(sa_type=Short)
    flow_version: str = Field(sa_type=Short)
    intent: Intent = Field(sa_type=Short)
    payload: bytes = Field(sa_type=Blob)
    digest: str = Field(sa_type=Short)
    account_id: str = Field(sa_type=Id)
    division: str = Field(sa_type=Short)
    state: State = Field(sa_type=Short)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it may be claimed; None means not by a machine."""
    lease_token: str | None = Field(default=None, sa_type=Id)
    leased_until: datetime | None = Field(default=None, sa_type=Instant)
    attempts: int = 0
    """Tries that counted; a try ended by our own misconfiguration does not."""
    after_id: str | None = Field(default=None, sa_type=Id)
    """Held until that Delivery ends: the revision before this one, or its predecessor in an ordered flow."""
    order_key: str | None = Field(default=None)
    repeat: bool = False
    """An earlier try, or one before a replay, may have had its effect there."""
    amends: str = ""
    """The System's number of what this one amends or withdraws, known once the revision before was delivered."""
    remote_id: str = ""
    reason: str = Field(default="", sa_type=Words)
    refusal: str | None = Field(default=None, sa_type=Words)
    """A no that is not sure to be the System's own; it parks with it once a probe finds nothing there."""
    lost: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Workers in a row that died with it in hand, or overran its lease."""
    created_at: datetime = Field(sa_type=Instant)
    replayed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When a person last asked to send it again; patience counts from then."""
    transported_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


_OF_NOTHING = hashlib.sha256(b"").hexdigest()


def is_unmapped(row: Delivery) -> bool:
    """Say whether a Delivery is parked because the wiring could not express its Record: no bytes were ever made."""
    return row.state == State.PARKED and row.digest == _OF_NOTHING


HELD_FOR = timedelta(minutes=30)
"""Longer than entering one takes, and than a browser lets a page sleep that renews it every few minutes; after a closed
tab others wait no longer than this."""
CLOCKS_APART = timedelta(minutes=5)
"""What is held for so much longer than anything is held was written while a clock was ahead, and holds nobody up."""


class Take(SQLModel, table=True):
    """That one person has an entry by hand for a while, so that nobody enters it there a second time meanwhile."""

    delivery_id: str = Field(foreign_key="delivery.id", primary_key=True, sa_type=Id)
    account_id: str = Field(foreign_key="account.id", sa_type=Id)
    until: datetime = Field(sa_type=Instant)
    """Then it is free again; no job has to free it."""


class Reminder(SQLModel, table=True):
    """That an entry by hand is late: one for each, for the office that owns the System, open until the entry ends."""

    __table_args__ = (
        Index("ix_reminder_open", "delivery_id", sqlite_where=text("closed_at IS NULL"),
              postgresql_where=text("closed_at IS NULL")),
    )  # fmt: skip
    delivery_id: str = Field(foreign_key="delivery.id", primary_key=True, sa_type=Id)
    department: str = Field(sa_type=Short)
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)


class Attempt(SQLModel, table=True):
    """One try: inserted when claimed, closed with its result; one left open by a dead worker reads as unknown."""

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    """Also the lease token: who holds the lease is who made this attempt."""
    delivery_id: str = Field(foreign_key="delivery.id", index=True, sa_type=Id)
    kind: str = Field(sa_type=Short)
    """push or probe."""
    number: int
    started_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: str = Field(default="", sa_type=Short)
    reason: str = Field(default="", sa_type=Words)
    answer: str = Field(default="", sa_type=Words)


WAITS = "waits_at IS NOT NULL"


class Skip(SQLModel, table=True):
    """A flow that listens for this kind of Record and does not get this one, with the reason people are told."""

    __table_args__ = (Index("ix_skip_waits_at", "waits_at", sqlite_where=text(WAITS), postgresql_where=text(WAITS)),)
    record_id: str = Field(foreign_key="record.id", primary_key=True, sa_type=Id)
    system: str = Field(primary_key=True, sa_type=Short)
    flow: str = Field(primary_key=True, sa_type=Short)
    code: str = Field(sa_type=Short)
    """`condition`, `unmapped` or `unchanged`."""
    reason_zh: str = Field(default="", sa_type=Words)
    reason_en: str = Field(default="", sa_type=Words)
    waits_at: str | None = Field(default=None, sa_type=Id)
    """The Place the flow's condition looks at; when more is known of it, the condition is asked again."""
