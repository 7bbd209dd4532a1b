"""Fills a hub's database inside the database: the rows one real submission left are repeated under other ids.

Whatever columns a table has are copied; only those that tell rows apart are computed. Ids the hub derives by hashing
are spread over the whole range, so that new rows fall between old ones all over the index; those of time grow.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any, Protocol

FAN_OUT = 3
PER_AUTHOR = 600
"""Submissions of each invented author."""
PER_PLACE = 10
OWN_PLACES = 100
"""Every so many Places lie in the village of the one who fills forms."""


class Database(Protocol):
    """A connection and the three things the two databases say differently."""

    def run(self, statement: str) -> list[Any]:
        """Run one statement and return its rows."""
        ...

    def series(self, count: int) -> str:
        """Return a table `n(i)` of the numbers from 1."""
        ...

    def hexed(self, value: str, digits: int) -> str:
        """Return an expression for a number in hexadecimal."""
        ...

    def earlier(self, column: str) -> str:
        """Return an expression for an instant `i` seconds earlier."""
        ...

    def columns(self, table: str) -> list[str]:
        """Return a table's columns."""
        ...

    def indexes(self) -> list[tuple[str, str]]:
        """Return names and statements of the indexes that can be dropped and made again."""
        ...


@dataclass(frozen=True)
class Sqlite:
    """The file of a hub that is not running."""

    connection: sqlite3.Connection

    def run(self, statement: str) -> list[Any]:
        return self.connection.execute(statement).fetchall()

    def series(self, count: int) -> str:
        return (
            f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n) AS n"
        )

    def hexed(self, value: str, digits: int) -> str:
        return f"printf('%0{digits}x', {value})"

    def earlier(self, column: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-' || n.i || ' seconds') || '000'"

    def columns(self, table: str) -> list[str]:
        return [row[1] for row in self.run(f"PRAGMA table_info({table})")]

    def indexes(self) -> list[tuple[str, str]]:
        return self.run("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")


@dataclass(frozen=True)
class Postgres:
    """A database of the embedded server."""

    connection: Any

    def run(self, statement: str) -> list[Any]:
        cursor = self.connection.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []

    def series(self, count: int) -> str:
        return f"generate_series(1::bigint, {count}) AS n(i)"

    def hexed(self, value: str, digits: int) -> str:
        return f"lpad(to_hex({value}), {digits}, '0')"

    def earlier(self, column: str) -> str:
        return f"{column} - n.i * interval '1 second'"

    def columns(self, table: str) -> list[str]:
        rows = self.run(
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        )
        return [row[0] for row in rows]

    def indexes(self) -> list[tuple[str, str]]:
        return self.run(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )


@dataclass(frozen=True)
class Filler:
    """Knows how many of what there are to be, and how their ids are made."""

    database: Database
    deliveries: int

    @property
    def records(self) -> int:
        return self.deliveries // FAN_OUT

    @property
    def authors(self) -> int:
        return max(2, self.records // PER_AUTHOR)

    @property
    def places(self) -> int:
        return places_of(self.deliveries)

    def spread(self, mark: int, value: str = "n.i") -> str:
        """Return a UUID over the whole range, growing with i, different for each mark."""
        step = (2**32 - 1) // (self.records + OWN_PLACES)
        first, last = self.database.hexed(f"({value}) * {step}", 8), self.database.hexed(value, 12)
        return f"{first} || '-000{mark}-5000-8000-' || {last}"

    def grown(self, mark: int, part: str = "0") -> str:
        """Return a UUID older than every one of today, growing with i."""
        digits = self.database.hexed(f"(n.i * 16 + {part})", 8)
        return f"'0100' || substr({digits}, 1, 4) || '-' || substr({digits}, 5, 4) || '-700{mark}-8000-000000000000'"

    def for_own(self, own: str, others: str) -> str:
        """Return one value for rows of the real author, who is the first of the invented, and one for the others'."""
        return f"CASE WHEN n.i % {self.authors} = 0 THEN {own} ELSE {others} END"

    def fill(self) -> None:
        """Fill all tables; the hub that owns the database is not running."""
        number = "CAST(substr(t.system, 8) AS INTEGER)"
        author = {"account_id": self.for_own("t.account_id", self.spread(1, f"n.i % {self.authors}"))}
        village = {"division": self.for_own("t.division", "'3307830' || (10 + n.i % 80) || '0' || (10 + n.i % 90)")}
        people = {"id": self.spread(1), "login": "'u' || n.i"}
        self._repeat("account", self.authors - 1, people, "SELECT * FROM account WHERE login = 'ada'")
        when = {"received_at": self.database.earlier("t.received_at")}
        ids = {"id": self.spread(2), "root_id": self.spread(2), "client_id": self.spread(3)}
        self._repeat("submission", self.records, {**author, **village, **when, **ids})
        ids = {"id": self.spread(4), "key": self.spread(5), "submission_id": self.spread(2)}
        self._repeat("record", self.records, {**village, **ids})
        ids = {"id": self.grown(6, number), "record_id": self.spread(4), "record_key": self.spread(5),
               "key": f"{self.spread(5)} || ':' || t.system || ':1'"}  # fmt: skip
        state = {"state": "CASE WHEN n.i % 1000 = 0 THEN 'parked' ELSE t.state END"}
        self._repeat("delivery", self.records, {**author, **village, **ids, **state})
        ids = {"id": self.grown(7, number), "delivery_id": self.grown(6, number)}
        tries = "SELECT a.*, d.system FROM attempt a JOIN delivery d ON d.id = a.delivery_id"
        self._repeat("attempt", self.records, ids, tries)
        ids = {"id": self.grown(8), "subject": self.spread(2)}
        accepted = "SELECT * FROM journal WHERE action = 'submission.accepted'"
        self._repeat("journal", self.records, {**author, **ids}, accepted)
        self._fill_places()

    def _fill_places(self) -> None:
        near = f"CASE WHEN n.i % {OWN_PLACES} = 0 THEN t.division ELSE '3307830' || (10 + n.i % 80) || '010' END"
        self._repeat("place", self.places, {"id": self.spread(9), "token": "'t' || n.i", "division": near})
        code = {"code": "'HH-' || n.i", "code_key": "'hh-' || n.i"}
        self._repeat("alias", self.places, {"place_id": self.spread(9), **code})
        self._repeat("pull_row", self.places, {"place_id": self.spread(9), "row_key": "'hh-' || n.i"})

    def _repeat(self, table: str, count: int, computed: dict[str, str], source: str = "") -> None:
        # A copy of the pattern: reading the table that is written would store the whole result aside first.
        self.database.run(f"CREATE TEMP TABLE pattern AS {source or f'SELECT * FROM {table}'}")
        names = self.database.columns(table)
        values = ", ".join(computed.get(name, f't."{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        self.database.run(
            f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {self.database.series(count)} CROSS JOIN pattern AS t"
        )
        self.database.run("DROP TABLE pattern")


def places_of(deliveries: int) -> int:
    """Return how many Places belong to so many Deliveries."""
    return max(OWN_PLACES, deliveries // FAN_OUT // PER_PLACE)


def own_places(deliveries: int) -> list[str]:
    """Return codes of Places in the village of the one who fills forms."""
    return [f"HH-{number}" for number in range(OWN_PLACES, places_of(deliveries) + 1, OWN_PLACES)]


def fill(database: Database, deliveries: int) -> None:
    """Fill a database whose indexes are put aside meanwhile."""
    indexes = database.indexes()
    for name, _ in indexes:
        database.run(f"DROP INDEX {name}")
    Filler(database, deliveries).fill()
    for _, statement in indexes:
        database.run(statement)
