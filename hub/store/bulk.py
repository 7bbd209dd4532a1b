"""Writes many rows of a table in one statement a chunk, on both databases alike. Knows nothing of their meaning.

The drivers' own `executemany` steps row by row, and between steps every other thread fights for the interpreter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Row, Table

from hub.model.column import UtcDateTime

Rows = Sequence[Mapping[str, Any]]
Found = Row[*tuple[Any, ...]]
Bind = Callable[[Any], Any] | None

MAX_CHUNK = 128
"""Rows of one statement; with 32 columns still far below what either database takes (32,766 parameters)."""


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all name the same columns; raises KeyError or ValueError when one does not."""
    if not rows:
        return
    columns = tuple(rows[0])
    for chunk in _chunks(rows):
        sql = _insert_sql(table, columns, len(chunk), connection.dialect)
        connection.exec_driver_sql(sql, _flat(table, columns, chunk, connection.dialect))


def insert_new_rows(connection: Connection, table: Table, rows: Rows) -> set[str]:
    """Insert the rows that clash with none there; return their ids."""
    new: set[str] = set()
    columns = tuple(rows[0]) if rows else ()
    for chunk in _chunks(rows):
        sql = _insert_sql(table, columns, len(chunk), connection.dialect) + " ON CONFLICT DO NOTHING RETURNING id"
        new.update(row[0] for row in connection.exec_driver_sql(sql, _flat(table, columns, chunk, connection.dialect)))
    return new


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
    columns = tuple(rows[0]) if rows else ()
    for chunk in _chunks(rows):
        sql = _update_sql(change, columns, len(chunk), connection.dialect)
        values = _flat(change.table, columns, chunk, connection.dialect)
        moved.update(row[0] for row in connection.exec_driver_sql(sql, values))
    return moved


def find_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> Iterator[Found]:
    """Yield these columns of the rows that equal the given ones in all these name: one look into an index for each."""
    match = tuple(rows[0]) if rows else ()
    for chunk in _chunks(rows):
        sql = _find_sql(table, match, columns, len(chunk), connection.dialect)
        yield from connection.exec_driver_sql(sql, _flat(table, match, chunk, connection.dialect))


def _chunks(rows: Rows) -> Iterator[Rows]:
    """Cut into powers of two, so that a handful of statements serves every length and stays prepared."""
    start, size = 0, MAX_CHUNK
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


def _flat(table: Table, columns: tuple[str, ...], rows: Rows, dialect: Dialect) -> tuple[Any, ...]:
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"rows of {table.name} must all name {columns}")
    binds = _binds(table, columns, dialect)
    return tuple(chain.from_iterable(
        [row[name] if bind is None else bind(row[name]) for name, bind in binds] for row in rows
    ))  # fmt: skip


@lru_cache(maxsize=256)
def _binds(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[tuple[str, Bind], ...]:
    """Return each column with what SQLAlchemy does to its values on their way to this database's driver."""
    return tuple((name, _bind(table.c[name], dialect)) for name in columns)


def _bind(column: Column[Any], dialect: Dialect) -> Bind:
    bind: Bind = column.type.dialect_impl(dialect).bind_processor(dialect)
    # Few moments and many rows: to write the same one anew each time would cost more than all other columns.
    return lru_cache(maxsize=1024)(bind) if bind is not None and isinstance(column.type, UtcDateTime) else bind


@lru_cache(maxsize=512)
def _insert_sql(table: Table, columns: tuple[str, ...], count: int, dialect: Dialect) -> str:
    names = ", ".join(_quoted(table.c[name], dialect) for name in columns)
    return f"INSERT INTO {_quoted(table, dialect)} ({names}) VALUES {_places(len(columns), count, dialect)}"  # noqa: S608 - names come from the model


@lru_cache(maxsize=512)
def _update_sql(change: Change, columns: tuple[str, ...], count: int, dialect: Dialect) -> str:
    table, own = change.table, _quoted(change.table, dialect)
    new = {name: _cast(f"v.column{place}", table.c[name], dialect) for place, name in enumerate(columns, 1)}
    made = {name: new[name] for name in columns if name not in change.match}
    made |= {name: expression.format(**new) for name, expression in change.sets}
    sets = ", ".join(f"{_quoted(table.c[name], dialect)} = {value}" for name, value in made.items())
    same = " AND ".join(f"{own}.{_quoted(table.c[name], dialect)} = {new[name]}" for name in change.match)
    values = _places(len(columns), count, dialect)
    return (
        f"UPDATE {own} SET {sets} FROM (VALUES {values}) AS v "  # noqa: S608 - names come from the model
        f"WHERE {same} AND {change.guard} RETURNING {own}.id"
    )


@lru_cache(maxsize=128)
def _find_sql(table: Table, match: tuple[str, ...], columns: tuple[str, ...], count: int, dialect: Dialect) -> str:
    own = _quoted(table, dialect)
    wanted = ", ".join(f"{own}.{_quoted(table.c[name], dialect)}" for name in columns)
    same = " AND ".join(
        f"{own}.{_quoted(table.c[name], dialect)} = {_cast(f'v.column{place}', table.c[name], dialect)}"
        for place, name in enumerate(match, 1)
    )
    # A cross join keeps its order on SQLite, which else reads the whole table for more than one row.
    values = _places(len(match), count, dialect)
    return f"SELECT {wanted} FROM (VALUES {values}) AS v CROSS JOIN {own} WHERE {same}"  # noqa: S608 - names come from the model


def _cast(value: str, column: Column[Any], dialect: Dialect) -> str:
    """Say a value's type where a list of values has none of its own; SQLite compares and stores what it is given."""
    return value if dialect.name == "sqlite" else f"CAST({value} AS {column.type.compile(dialect)})"


def _places(columns: int, rows: int, dialect: Dialect) -> str:
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    one = "(" + ", ".join([mark] * columns) + ")"
    return ", ".join([one] * rows)


def _quoted(named: Table | Column[Any], dialect: Dialect) -> str:
    return dialect.identifier_preparer.quote(named.name)
