"""Writes many rows of a table in one statement. Knows nothing of their meaning.

The drivers' own `executemany` steps row by row, and between steps every other thread fights for the interpreter. So all
rows travel at once: to SQLite as a list of values, to PostgreSQL as one JSON document, which it takes apart by itself.
Each is the slower way on the other (docs/decisions/0017).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from sqlalchemy import JSON, Column, Connection, Dialect, LargeBinary, Table
from sqlalchemy.exc import DBAPIError

from hub.model.column import UtcDateTime

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Rows: TypeAlias = "Sequence[Mapping[str, Any]] | Sequence[DataclassInstance]"
"""Rows by the names of their columns; a dataclass has a field for each of them."""
Found = Sequence[Any]
Bind = Callable[[Any], Any]

ROOMS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""How many rows a statement has room for: few kinds, so that all stay prepared. Room left over is filled with NULL.

With 32 columns the largest is still far below what either database takes (32,766 parameters).
"""
LARGEST_DOCUMENT = 2_000
"""Rows of one document: each statement costs a way to the server and back, and a document is held in memory."""


@dataclass(frozen=True)
class _Batch:
    """Some rows as one statement's parameters, the columns of the first row first."""

    columns: tuple[str, ...]
    room: int
    """Rows the statement is made for; a document is not counted."""
    values: tuple[Any, ...]


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all name the same columns, a never empty one first; raises ValueError when one does not."""
    for batch in _batches(connection, table, rows):
        run(connection, _insert_sql(table, batch.columns, batch.room, connection.dialect), batch.values)


def insert_all(connection: Connection, filled: Sequence[tuple[Table, Rows]]) -> None:
    """Insert rows of several tables as `insert_rows` does; PostgreSQL takes all of them in one statement."""
    if connection.dialect.name != "postgresql":
        for table, rows in filled:
            insert_rows(connection, table, rows)
        return
    given = [(table, _columns(table, rows), _document(rows)) for table, rows in filled if rows]
    if given:
        sql = _insert_all_sql(tuple((table, columns) for table, columns, _ in given), connection.dialect)
        run(connection, sql, tuple(document for _, _, document in given))


def insert_new_rows(connection: Connection, table: Table, rows: Rows) -> set[str]:
    """Insert the rows that clash with none there; return their ids."""
    new: set[str] = set()
    for batch in _batches(connection, table, rows):
        sql = _insert_sql(table, batch.columns, batch.room, connection.dialect) + " ON CONFLICT DO NOTHING RETURNING id"
        new.update(key for (key,) in run(connection, sql, batch.values))
    return new


def upsert_rows(connection: Connection, table: Table, key: tuple[str, ...], rows: Rows) -> None:
    """Insert rows, or where one with this key is there, set all its other given columns; each key may come once."""
    for batch in _batches(connection, table, rows):
        run(connection, _upsert_sql(table, key, batch.columns, batch.room, connection.dialect), batch.values)


@dataclass(frozen=True)
class Change:
    """One kind of update: which columns find a row, which condition it must still meet, what is set."""

    table: Table
    match: tuple[str, ...]
    """Columns of the given rows that must be equal; all other given ones are set."""
    sets: tuple[tuple[str, str], ...] = ()
    """Columns set to an SQL expression instead; `{name}` in it is the given value of that column."""
    guard: str = "TRUE"
    """A further condition on the table's own columns."""


def update_rows(connection: Connection, change: Change, rows: Rows) -> set[str]:
    """Change the rows that are found; return their ids. One that is not found any more is no error."""
    moved: set[str] = set()
    for batch in _batches(connection, change.table, rows):
        sql = _update_sql(change, batch.columns, batch.room, connection.dialect)
        moved.update(key for (key,) in run(connection, sql, batch.values))
    return moved


def find_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> Iterator[Found]:
    """Yield these columns of the rows that equal the given ones in all these name: one look into an index for each."""
    for batch in _batches(connection, table, rows):
        sql = _find_sql(table, batch.columns, columns, batch.room, connection.dialect)
        read = _reads(table, columns, connection.dialect)
        for found in run(connection, sql, batch.values):
            yield [make(value) if make else value for make, value in zip(read, found, strict=True)] if read else found


def run(connection: Connection, sql: str, values: tuple[Any, ...] = ()) -> Sequence[Found]:
    """Run one statement as the driver takes it; return its rows as the driver gives them."""
    if connection.dialect.name != "sqlite":
        result = connection.exec_driver_sql(sql, values)
        return result.all() if result.returns_rows else ()
    # SQLAlchemy's own way costs ten times the statement. What it would do besides is for connections that break off.
    driver: Any = connection.dialect.dbapi
    try:
        return connection.connection.cursor().execute(sql, values).fetchall()  # type: ignore[no-any-return]  # as sqlite3 gives it
    except driver.Error as error:
        raise DBAPIError.instance(sql, None, error, driver.Error, dialect=connection.dialect) from error


def _batches(connection: Connection, table: Table, rows: Rows) -> Iterator[_Batch]:
    columns = _columns(table, rows)
    is_document = connection.dialect.name == "postgresql"
    most = LARGEST_DOCUMENT if is_document else ROOMS[-1]
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        if is_document:
            yield _Batch(columns, 0, (_document(some),))
            continue
        room = ROOMS[bisect_left(ROOMS, len(some))]
        spare = (None,) * (len(columns) * (room - len(some)))
        yield _Batch(columns, room, _flat(table, columns, some, connection.dialect) + spare)


def _columns(table: Table, rows: Rows) -> tuple[str, ...]:
    if not rows:
        return ()
    first = rows[0]
    if not isinstance(first, Mapping):
        return _fields(type(first))
    columns, keys = tuple(first), first.keys()
    if any(row.keys() != keys or row[columns[0]] is None for row in rows):  # type: ignore[union-attr,index]  # as the first
        raise ValueError(f"rows of {table.name} must all name {columns}, and the first of them must not be empty")
    return columns


@lru_cache(maxsize=64)
def _fields(kind: "type[DataclassInstance]") -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _document(rows: Rows) -> str:
    return orjson.dumps(rows, _plain, orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _plain(value: object) -> str:
    """Return bytes as the text they are (what is kept as bytes here is always UTF-8), moments with their zone."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        return _moment(value)
    raise TypeError(f"rows cannot hold {type(value).__name__}")


@lru_cache(maxsize=1024)  # few moments and many rows
def _moment(value: datetime) -> str:
    if value.tzinfo is None:  # the server would take it for its own wall time
        raise ValueError("a stored time must be UTC-aware")
    return value.isoformat()


def _flat(table: Table, columns: tuple[str, ...], rows: Rows, dialect: Dialect) -> tuple[Any, ...]:
    width = len(columns)
    get = _getter(columns, isinstance(rows[0], Mapping))
    values = list(chain.from_iterable(map(get, rows)))
    for place, bind in _binds(table, columns, dialect):
        values[place::width] = map(bind, values[place::width])
    return tuple(values)


@lru_cache(maxsize=256)
def _getter(columns: tuple[str, ...], is_mapping: bool) -> Callable[[Any], tuple[Any, ...]]:
    get: Callable[[Any], Any] = itemgetter(*columns) if is_mapping else attrgetter(*columns)
    return get if len(columns) > 1 else lambda row: (get(row),)


@lru_cache(maxsize=256)
def _binds(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[tuple[int, Bind], ...]:
    """Return the places of columns whose values SQLAlchemy changes on their way to this driver, and how."""
    binds = [_bind(table.c[name], dialect) for name in columns]
    return tuple((place, bind) for place, bind in enumerate(binds) if bind is not None)


def _bind(column: Column[Any], dialect: Dialect) -> Bind | None:
    bind: Bind | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    # Few moments and many rows: to write the same one anew each time would cost more than all other columns.
    return lru_cache(maxsize=1024)(bind) if bind is not None and isinstance(column.type, UtcDateTime) else bind


@lru_cache(maxsize=128)
def _reads(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[Bind | None, ...]:
    """Return how SQLAlchemy changes what the driver gives for each column; nothing where none needs it."""
    kinds = [table.c[name].type.dialect_impl(dialect) for name in columns]
    reads = tuple(kind.result_processor(dialect, None) for kind in kinds)
    return reads if any(reads) else ()


@lru_cache(maxsize=512)
def _insert_sql(table: Table, columns: tuple[str, ...], room: int, dialect: Dialect) -> str:
    names = ", ".join(_quoted(table.c[name], dialect) for name in columns)
    given = [*_given(table, columns, dialect).values()]
    return (
        f"INSERT INTO {_quoted(table, dialect)} ({names}) "  # noqa: S608 - names come from the model
        f"SELECT {', '.join(given)} FROM {_source(table, columns, room, dialect)} WHERE {given[0]} IS NOT NULL"
    )


@lru_cache(maxsize=128)
def _upsert_sql(table: Table, key: tuple[str, ...], columns: tuple[str, ...], room: int, dialect: Dialect) -> str:
    found = ", ".join(_quoted(table.c[name], dialect) for name in key)
    names = [_quoted(table.c[name], dialect) for name in columns if name not in key]
    sets = ", ".join(f"{name} = excluded.{name}" for name in names)
    return f"{_insert_sql(table, columns, room, dialect)} ON CONFLICT ({found}) DO UPDATE SET {sets}"


@lru_cache(maxsize=128)
def _insert_all_sql(given: tuple[tuple[Table, tuple[str, ...]], ...], dialect: Dialect) -> str:
    # Keys between the tables are looked at when the whole statement is done.
    parts = [f"t{place} AS ({_insert_sql(table, columns, 0, dialect)})" for place, (table, columns) in enumerate(given)]
    return f"WITH {', '.join(parts)} SELECT"


@lru_cache(maxsize=512)
def _update_sql(change: Change, columns: tuple[str, ...], room: int, dialect: Dialect) -> str:
    table, own = change.table, _quoted(change.table, dialect)
    new = _given(table, columns, dialect)
    made = {name: new[name] for name in columns if name not in change.match}
    made |= {name: expression.format(**new) for name, expression in change.sets}
    sets = ", ".join(f"{_quoted(table.c[name], dialect)} = {value}" for name, value in made.items())
    same = " AND ".join(f"{own}.{_quoted(table.c[name], dialect)} = {new[name]}" for name in change.match)
    return (
        f"UPDATE {own} SET {sets} FROM {_source(table, columns, room, dialect)} "  # noqa: S608 - names come from the model
        f"WHERE {same} AND {change.guard} RETURNING {own}.id"
    )


@lru_cache(maxsize=128)
def _find_sql(table: Table, match: tuple[str, ...], columns: tuple[str, ...], room: int, dialect: Dialect) -> str:
    own, given = _quoted(table, dialect), _given(table, match, dialect)
    wanted = ", ".join(f"{own}.{_quoted(table.c[name], dialect)}" for name in columns)
    same = " AND ".join(f"{own}.{_quoted(table.c[name], dialect)} = {value}" for name, value in given.items())
    # A cross join keeps its order on SQLite, which else reads the whole table for more than one row.
    return f"SELECT {wanted} FROM {_source(table, match, room, dialect)} CROSS JOIN {own} WHERE {same}"  # noqa: S608 - names come from the model


def _given(table: Table, columns: tuple[str, ...], dialect: Dialect) -> dict[str, str]:
    """Return the expression that gives each column's value in a row that was sent."""
    if dialect.name == "postgresql":
        return {name: _in_document(table.c[name], dialect) for name in columns}
    return {name: f"v.column{place}" for place, name in enumerate(columns, 1)}


def _in_document(column: Column[Any], dialect: Dialect) -> str:
    value = f"v.{_quoted(column, dialect)}"
    if isinstance(column.type, JSON):
        return f"coalesce({value}, 'null')"
    return f"convert_to({value}, 'UTF8')" if isinstance(column.type, LargeBinary) else value


def _source(table: Table, columns: tuple[str, ...], room: int, dialect: Dialect) -> str:
    """Return what the rows are read from, named `v`."""
    if dialect.name == "postgresql":
        kinds = [f"{_quoted(table.c[name], dialect)} {_sent_as(table.c[name], dialect)}" for name in columns]
        return f"json_to_recordset(%s) AS v({', '.join(kinds)})"
    one = "(" + ", ".join("?" * len(columns)) + ")"
    return f"(VALUES {', '.join([one] * room)}) AS v"


def _sent_as(column: Column[Any], dialect: Dialect) -> str:
    return "text" if isinstance(column.type, LargeBinary) else column.type.compile(dialect)


def _quoted(named: Table | Column[Any], dialect: Dialect) -> str:
    return dialect.identifier_preparer.quote(named.name)
