"""A session with a database: look at a table, find a row, put one. One transaction at a time, nothing half done."""

import asyncio
from collections.abc import Collection, Coroutine
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.sdk.errors import DeliveryFailure, Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.tables import postgres
from hub.sdk.tables.line import Line
from hub.sdk.tables.shape import Column, Kind, Row, Shape, check_storable, difference, holder_of

T = TypeVar("T")
_KINDS: Final[dict[type, Kind]] = {
    str: "text",
    int: "number",
    float: "number",
    Decimal: "number",
    bool: "truth",
    datetime: "time",
    date: "day",
}


class _Taken(Unavailable):
    """Another row holds what must be unique."""


class TableSession:
    """An open session. Every call ends when the session's time is up; when the line breaks they raise Unavailable."""

    def __init__(self, engine: AsyncEngine, line: Line) -> None:
        self._connection = engine.connect()
        self._place = line.place
        self._line = line
        self._tables: dict[str, sa.TableClause] = {}

    async def begin(self) -> None:
        """Get ready to speak; Misconfigured when it is another database than its URL says."""
        try:
            await self._done(self._connection.start())
        except AssertionError as failure:  # SQLAlchemy's word for a version it cannot read
            raise Misconfigured(f"{self._place}: {failure}") from failure

    async def close(self) -> None:
        """Let go of the line; what was not committed never happened."""
        if self._connection.sync_connection is not None:
            await self._connection.invalidate()
            await self._connection.close()

    async def look(self, table: str) -> Shape:
        """Return what a table is like; Misconfigured when there is none of that name."""
        schema, _, name = table.rpartition(".")
        try:
            columns, unique = await self._done(self._connection.run_sync(_look, name, schema or None))
        except NoSuchTableError:
            raise Misconfigured(f"{self._place}: there is no table {table}, or none this account may see") from None
        named = (sa.column(each["name"], each["type"]) for each in columns)
        self._tables[table] = sa.table(name, *named, schema=schema or None)
        return Shape(table, {each["name"]: _column(each) for each in columns}, unique)

    async def try_out(self, shape: Shape, columns: Collection[str]) -> None:
        """Write no row at all into some columns: Misconfigured when the account may not, or may not read them."""
        table = self._tables[shape.table]
        nothing = sa.select(*(table.c[name] for name in columns)).where(sa.false())
        await self._done(self._connection.execute(sa.insert(table).from_select(list(columns), nothing)))
        await self._done(self._connection.rollback())

    async def find(self, shape: Shape, key: str, value: str, columns: Collection[str]) -> Row | None:
        """Return some columns of the row that holds a value in its key column; None when there is no such row."""
        table = self._tables[shape.table]
        # Two are enough to know that there are too many.
        asked = sa.select(*(table.c[name] for name in columns)).where(table.c[key] == value).limit(2)
        try:
            rows = (await self._done(self._connection.execute(asked))).mappings().all()
        except Refused as no:  # nothing was given that could be refused: what is there cannot be read
            raise Misconfigured(f"{shape.table}: {no.reason}") from no
        if len(rows) > 1:
            raise Misconfigured(f"{shape.table}: several rows have one key; {key} must be unique")
        return dict(rows[0]) if rows else None

    async def put(self, shape: Shape, key: str, row: Row, loose: Collection[str] = ()) -> bool:
        """Put a row and commit, once every value was read back as it was given; False when it was there already.

        `key` names the column that makes it one. `loose` names those that may have changed since in a row that was
        there. Refused when a value comes back otherwise or another row has the key. When the line breaks: Unavailable
        before COMMIT has left, and nothing is there; Unanswered after.
        """
        check_storable(row)
        is_new = await self._insert(shape, row)
        there = await self.find(shape, key, str(row[key]), row)
        if is_new and there is None:
            raise Misconfigured(f"{shape.table}: the row did not stay; a rule or trigger there takes it away")
        if there is None:
            raise Refused(f"{shape.table}: another row already holds what must be unique there", "TAKEN")
        given = row if is_new else {name: value for name, value in row.items() if name not in loose}
        differs = difference(given, there)
        if differs and is_new:
            raise Refused(f"{shape.table}: the database changes what it is given; {differs}", "CHANGED")
        if differs:
            raise Refused(f"{shape.table}: another row has this key; {differs}", "CONFLICT")
        if is_new:
            await self._done(self._connection.commit(), broken=Unanswered)
        return is_new

    async def _insert(self, shape: Shape, row: Row) -> bool:
        """Insert, not yet for good; False, with nothing done, when what must be unique is there already."""
        try:
            await self._done(self._connection.execute(sa.insert(self._tables[shape.table]).values(dict(row))), row)
        except _Taken:
            await self._done(self._connection.rollback())
            return False
        return True

    async def _done(
        self, work: Coroutine[Any, Any, T], row: Row | None = None, broken: type[DeliveryFailure] = Unavailable
    ) -> T:
        """Wait for the driver and say what its errors mean; whoever stops waiting cuts the line."""
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._line.cut("nobody waits any more")
            await asyncio.wait([task])
            raise
        except DBAPIError as failure:
            # Not chained: what the driver says repeats the row, and chains are logged.
            raise self._meaning(failure, row or {}, broken) from None

    def _meaning(self, failure: DBAPIError, row: Row, broken: type[DeliveryFailure]) -> DeliveryFailure:
        if postgres.is_broken(failure):
            why = self._line.fault or f"the connection broke ({type(failure.orig).__name__})"
            return broken(f"{self._place}: {why}")
        if postgres.state_of(failure) == postgres.TAKEN:
            return _Taken(f"{self._place}: what must be unique is there already")
        if postgres.state_of(failure) == postgres.UNWRITABLE:
            character, charset = postgres.unwritable(failure)
            where = holder_of(character, row)
            return Refused(f"{where}: U+{ord(character):04X} cannot be kept in {charset}; remove it", "CHARACTER")
        return postgres.meaning_of(failure, self._place)


def _look(connection: sa.Connection, table: str, schema: str | None) -> tuple[list[Any], frozenset[str]]:
    """Read a table's columns, and which of them are unique by themselves."""
    inspector = sa.inspect(connection)
    columns = inspector.get_columns(table, schema)
    # An index with a condition lets the same value in twice.
    whole = (
        index
        for index in inspector.get_indexes(table, schema)
        if index["unique"] and not any(option.endswith("_where") for option in index.get("dialect_options", {}))
    )
    together = [index["column_names"] for index in whole]
    together.append([*inspector.get_pk_constraint(table, schema)["constrained_columns"]])
    return list(columns), frozenset(str(names[0]) for names in together if len(names) == 1)


def _column(found: Any) -> Column:  # noqa: ANN401 - what SQLAlchemy read about a column
    try:
        kind = _KINDS.get(found["type"].python_type, "other")
    except NotImplementedError:
        kind = "other"
    fills_itself = found["default"] is not None or found.get("identity") or found.get("computed")
    length = getattr(found["type"], "length", None)
    return Column(found["name"], kind, length, required=not (found["nullable"] or fills_itself))
