"""sqlite3's interface over apsw, as much of it as SQLAlchemy asks for, so that the real store runs on our own disk."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw

from tests.power.disk import Disk

Function = Callable[..., object]
TRANSLATED: tuple[tuple[type[Exception], type[sqlite3.Error]], ...] = (
    (apsw.ConstraintError, sqlite3.IntegrityError),
    (apsw.MismatchError, sqlite3.IntegrityError),
    (apsw.TooBigError, sqlite3.DataError),
    (apsw.CorruptError, sqlite3.DatabaseError),
    (apsw.NotADBError, sqlite3.DatabaseError),
    (apsw.Error, sqlite3.OperationalError),
)
"""What the standard library's module raises for the same result code; the first that fits."""


def translated(error: apsw.Error) -> sqlite3.Error:
    made = next(theirs for ours, theirs in TRANSLATED if isinstance(error, ours))
    return made(str(error).removeprefix(f"{type(error).__name__}: "))


class Driver:
    """A DBAPI module whose files lie on a Disk; hand it to `open_store`."""

    apilevel, threadsafety, paramstyle = "2.0", 3, "qmark"
    sqlite_version_info = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    sqlite_version = apsw.sqlite_lib_version()
    PARSE_DECLTYPES, PARSE_COLNAMES, Binary = 1, 2, memoryview
    Warning, Error, InterfaceError, DatabaseError = (
        sqlite3.Warning, sqlite3.Error, sqlite3.InterfaceError, sqlite3.DatabaseError,
    )  # fmt: skip
    DataError, OperationalError, IntegrityError = sqlite3.DataError, sqlite3.OperationalError, sqlite3.IntegrityError
    InternalError, ProgrammingError = sqlite3.InternalError, sqlite3.ProgrammingError
    NotSupportedError = sqlite3.NotSupportedError

    def __init__(self, disk: Disk, checkpoint_pages: int = 1_000) -> None:
        self._disk, self._checkpoint_pages = disk, checkpoint_pages

    def connect(self, address: str, **_: object) -> "_Connection":
        try:
            flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
            opened = apsw.Connection(address, flags=flags, vfs=self._disk.name)
        except apsw.Error as error:
            raise translated(error) from error
        if not opened.readonly("main"):
            opened.wal_autocheckpoint(self._checkpoint_pages)
        return _Connection(opened)


class _Connection:
    def __init__(self, opened: apsw.Connection) -> None:
        self.opened = opened
        self.isolation_level: str | None = None

    def cursor(self) -> "_Cursor":
        return _Cursor(self.opened)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "_Cursor":
        return self.cursor().execute(statement, values)

    def create_function(
        self, name: str, many: int, function: Callable[..., object], *, deterministic: bool = False
    ) -> None:
        self.opened.create_scalar_function(name, function, many, deterministic=deterministic)

    def commit(self) -> None:
        if self.opened.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.opened.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        self.opened.close()


class _Cursor:
    """Reads every row at once; statements here are small."""

    arraysize = 1

    def __init__(self, opened: apsw.Connection) -> None:
        self._opened = opened
        self._rows: list[tuple[Any, ...]] = []
        self.description: tuple[Any, ...] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "_Cursor":
        self.description, self._rows, self.rowcount = None, [], -1
        cursor = self._opened.cursor()
        cursor.exec_trace = self._describe
        before = self._opened.total_changes()
        try:
            self._rows = cursor.execute(statement, tuple(values)).fetchall()
        except apsw.Error as error:
            raise translated(error) from error
        if statement.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}:
            self.rowcount = self._opened.changes() if self._opened.total_changes() > before else 0
            self.lastrowid = self._opened.last_insert_rowid()
        return self

    def executemany(self, statement: str, all_values: Iterable[Sequence[Any]]) -> "_Cursor":
        changed = 0
        for values in all_values:
            changed += max(0, self.execute(statement, values).rowcount)
        self.rowcount = changed
        return self

    def _describe(self, cursor: apsw.Cursor, _statement: str, _values: object) -> bool:
        columns = cursor.get_description()
        self.description = tuple((name, *[None] * 6) for name, *_ in columns) or None
        return True

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        size = size or self.arraysize
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._rows = []
