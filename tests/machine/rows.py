"""What the database holds after a step, read past the hub on a connection of its own."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from tests.builders import Loose


class Owed(NamedTuple):
    """A Delivery."""

    id: str
    key: str
    record_id: str
    record_key: str
    revision: int
    system: str
    flow: str
    intent: str
    payload: bytes
    state: str
    lease_token: str | None
    attempts: int
    after_id: str | None
    order_key: str | None


class Try(NamedTuple):
    """An Attempt."""

    id: str
    delivery_id: str
    kind: str
    ended_at: Loose
    outcome: str


class Sent(NamedTuple):
    """A Submission."""

    id: str
    client_id: str
    root_id: str
    revision: int
    erased_at: Loose
    withdrawn_by: str | None
    moved_to: str | None
    moved_from: str | None


class Fact(NamedTuple):
    """A Record."""

    id: str
    key: str
    revision: int
    record: str
    submission_id: str
    withdrawn: bool


class Skipped(NamedTuple):
    """A flow that listens and does not get a Record."""

    record_id: str
    system: str
    flow: str
    code: str


class Taken(NamedTuple):
    """That a person has an entry by hand."""

    delivery_id: str
    account_id: str
    until: Loose


class Moved(NamedTuple):
    """A move of a Delivery's state the database saw."""

    old: str
    new: str


@dataclass
class Rows:
    """Everything of one moment."""

    deliveries: list[Owed]
    attempts: list[Try]
    submissions: list[Sent]
    records: list[Fact]
    skips: list[Skipped]
    takes: list[Taken]
    moves: list[Moved]

    def root_of(self, submission_id: str) -> str:
        """Return the first revision of a Submission."""
        return next(row.root_id for row in self.submissions if row.id == submission_id)

    def of_root(self, root_id: str) -> list[Owed]:
        """Return the Deliveries of a Submission with all its revisions."""
        sent = {row.id for row in self.submissions if row.root_id == root_id}
        facts = {row.id for row in self.records if row.submission_id in sent}
        return [row for row in self.deliveries if row.record_id in facts]

    def withdrawn_roots(self) -> set[str]:
        """Return the first revisions of what is withdrawn and not erased."""
        return {row.root_id for row in self.submissions if row.withdrawn_by is not None and row.erased_at is None}

    def chains_of(self, root_id: str) -> dict[tuple[str, str, str], list[Owed]]:
        """Return the Deliveries of a Submission by Record and flow, the oldest revision first."""
        chains: dict[tuple[str, str, str], list[Owed]] = {}
        for row in sorted(self.of_root(root_id), key=lambda row: row.revision):
            chains.setdefault((row.record_key, row.system, row.flow), []).append(row)
        return chains

    def open_of(self, submission_id: str) -> list[Owed]:
        """Return what of a Submission has not ended, or waits behind something of it."""
        theirs = {row.id for row in self.of_root(self.root_of(submission_id))}
        return [
            row
            for row in self.deliveries
            if (row.id in theirs or row.after_id in theirs) and row.state not in ("delivered", "cancelled")
        ]


def read_at(found: Loose) -> datetime:
    """Return an instant as either database gives it."""
    at = found if isinstance(found, datetime) else datetime.fromisoformat(found)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


KINDS: dict[str, type[Loose]] = {
    "delivery": Owed, "attempt": Try, "submission": Sent, "record": Fact, "skip": Skipped, "take": Taken,
}  # fmt: skip


def tables(url: str, kinds: dict[str, type[Loose]]) -> tuple[Callable[[], dict[str, list[Loose]]], Callable[[], None]]:
    """Return what reads these tables, the same object while nobody wrote, and what ends its connection."""
    connection: Loose
    if url.startswith("sqlite"):
        connection = sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True, isolation_level=None)
    else:
        connection = psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)

    last: tuple[Loose, dict[str, list[Loose]]] = (None, {})

    def read() -> dict[str, list[Loose]]:
        nonlocal last
        version = connection.execute("PRAGMA data_version").fetchone() if url.startswith("sqlite") else None
        if version is not None and version == last[0]:
            return last[1]
        found: dict[str, list[Loose]] = {}
        for table, kind in kinds.items():
            rows = connection.execute(f"SELECT {', '.join(kind._fields)} FROM {table}").fetchall()
            found[table] = [kind._make(row) for row in rows]
        last = version, found
        return found

    return read, connection.close


def reader(url: str) -> tuple[Callable[[], Rows], Callable[[], None]]:
    """Return what reads a database's rows, and what ends its connection."""
    read, close = tables(url, KINDS | {"(SELECT DISTINCT old, new FROM moves) moves": Moved})

    def rows() -> Rows:
        *found, moves = read().values()
        return Rows(*found, moves=moves)

    return rows, close
