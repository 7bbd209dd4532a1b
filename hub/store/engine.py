"""Opens the database: one writing side, one read-only side, the pragmas and locks that keep the promises."""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import orjson
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from hub.errors import Problem
from hub.private import make_private
from hub.store.bulk import run
from hub.store.folders import make_folder
from hub.store.lanes import Reader, Writer
from hub.store.lanes.writer import Vector
from hub.store.trouble import Damage, Translate, translate
from hub.store.whereabouts import DatabaseFile

T = TypeVar("T")
Item = TypeVar("Item")
BUSY_WAIT_MS = 5_000
WRITER_WAIT_MS = 2_000
"""Whoever comes while one group waits for the file waits for two: within the 5 s nobody is kept longer than (F8)."""
PREPARED = 512
"""Statements the writer keeps prepared: those of bulk.py alone are more than the driver's own 128."""
MOST_LOG_BYTES = 32 * 1024 * 1024
"""SQLite's log is cut back to this once nobody reads what is old; `hub_log_bytes` tells how large it is."""
READERS = 4
POSTGRES_WRITERS = 3


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def _loads(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON; SQLite gives a bare number back as a number, since its JSON columns have numeric affinity."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


class Store:
    """The database as the rest of the hub sees it: `read` in threads, `write` through the one writer."""

    def __init__(
        self,
        writing: Engine,
        reading: Engine,
        *,
        writers: int,
        translate: Translate = translate,
        file: DatabaseFile | None = None,
    ) -> None:
        self.writing = writing
        self.file = file
        """The one file of it all on SQLite; a server keeps its own."""
        self._reading = reading
        self._translate = translate
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._looker = Reader(reading, translate)
        self.writer = Writer(writing, translate, writers, file)

    async def read(self, query: Callable[[Session], T]) -> T:
        """Run a query on a read-only connection in a thread and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, query)

    async def look(self, query: "Vector[Item, T]", item: Item) -> T:
        """Ask a question many ask at once: those of one moment share one query."""
        return await self._looker.look(query, item)

    def read_now(self, query: Callable[[Session], T]) -> T:
        """Run a query in this thread."""
        try:
            with Session(self._reading, expire_on_commit=False) as session:
                return query(session)
        except Exception as error:
            raise self._translate(error) from error

    async def write(self, write: Callable[[Session], T]) -> T:
        """Run a write in the writer's next group and return once it is on disk."""
        return await self.writer.write(write)

    def log_bytes(self) -> int:
        """Return how large SQLite's log is; it grows while somebody reads what is old (F12)."""
        log = Path(f"{self.writing.url.database}-wal")
        return log.stat().st_size if self.writing.dialect.name == "sqlite" and log.exists() else 0

    async def close(self) -> None:
        """Finish queued writes and let go of the files."""
        await self.writer.close()
        await self._looker.close()
        self._readers.shutdown(wait=True)
        self._reading.dispose()
        self.writing.dispose()
        if self.file is not None:
            self.file.release()


def open_store(url: str, durability: Literal["full", "relaxed"] = "full", driver: Any = sqlite3) -> Store:  # noqa: ANN401 - a DBAPI module
    """Open the database at `url`; raises Problem when another process holds it or it breaks our promises.

    `driver` stands in for sqlite3 where a test owns the disk below it.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, durability, driver)
    return _open_postgres(parsed, durability)


def open_writing(url: str) -> Engine:
    """Return an engine for migrations and set-up, with the same pragmas as the writer's."""
    parsed = make_url(url)
    return _sqlite_engine(parsed, "full") if parsed.get_backend_name() == "sqlite" else _postgres_engine(parsed)


def open_reading(url: str) -> Engine:
    """Return an engine that can only read, for a copy beside a running hub."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_reading(parsed, sqlite3)
    return _postgres_engine(parsed).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def lock_file(url: str) -> IO[str] | None:
    """Take the lock of a SQLite file: before 3.51.3 two writing processes can corrupt a WAL (faults.md, finding 2)."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    make_folder(Path(parsed.database).parent)
    make_private(Path(parsed.database + ".lock"))
    handle = Path(parsed.database + ".lock").open("a", encoding="ascii")  # noqa: SIM115 - held as long as the store
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise Problem("store.held", 503, database=parsed.database) from error
    return handle


def _open_sqlite(url: URL, durability: Literal["full", "relaxed"], driver: Any) -> Store:  # noqa: ANN401 - a DBAPI module
    lock = lock_file(url.render_as_string(hide_password=False))
    writing, reading = _sqlite_engine(url, durability, driver), _sqlite_reading(url, driver)
    damage, file = Damage(), DatabaseFile(Path(str(url.database)), lock)
    event.listen(writing, "begin", damage.refuse, insert=True)
    event.listen(writing, "begin", file.begin, insert=True)
    event.listen(reading, "connect", file.demand_same)
    try:
        with writing.connect():
            """The first connection makes the file and switches it to WAL, so that readers find it."""
    except DBAPIError as error:
        file.release()
        raise translate(error) from error
    file.note()
    return Store(writing, reading, writers=1, translate=damage.translate, file=file)


def _sqlite_engine(url: URL, durability: str, driver: Any = sqlite3) -> Engine:  # noqa: ANN401 - a DBAPI module
    if url.database:
        make_private(Path(url.database))
    engine = create_engine(
        url, module=driver, json_serializer=_dumps, json_deserializer=_loads, hide_parameters=True, poolclass=QueuePool,
        pool_size=1, max_overflow=0, connect_args={"check_same_thread": False, "cached_statements": PREPARED},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        synchronous = "FULL" if durability == "full" else "NORMAL"
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is erased must not lie about in the file, nor copies that earlier moves left
            f"journal_size_limit={MOST_LOG_BYTES}",
            f"busy_timeout={WRITER_WAIT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's Connection, untyped in events
        run(connection, "BEGIN IMMEDIATE")

    return engine


def _sqlite_reading(url: URL, driver: Any) -> Engine:  # noqa: ANN401 - a DBAPI module
    """Read-only by the file's mode, not by good will: such a connection can neither write nor checkpoint."""
    address = f"file:{url.database}?mode=ro"
    engine = create_engine(
        "sqlite://", module=driver,
        creator=lambda: driver.connect(address, uri=True, check_same_thread=False, isolation_level=None),
        json_serializer=_dumps, json_deserializer=_loads, hide_parameters=True, poolclass=QueuePool,
        pool_size=READERS, max_overflow=READERS,
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout={BUSY_WAIT_MS}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's Connection, untyped in events
        run(connection, "BEGIN")

    return engine


def _open_postgres(url: URL, durability: Literal["full", "relaxed"]) -> Store:
    writing = _postgres_engine(url)
    if durability == "full":
        try:
            _demand_durable(writing)
        except Exception:
            writing.dispose()
            raise
    reading = _postgres_engine(url).execution_options(postgresql_readonly=True)
    return Store(writing, reading, writers=POSTGRES_WRITERS)


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url, json_serializer=_dumps, json_deserializer=_loads, hide_parameters=True,
        pool_size=READERS, max_overflow=READERS, pool_timeout=BUSY_WAIT_MS / 1000, pool_pre_ping=True,
    )  # fmt: skip


def _demand_durable(engine: Engine) -> None:
    """Refuse a server that may lose what it confirmed (F4)."""
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if connection.execute(text(f"SHOW {setting}")).scalar_one() == "off":
                raise Problem("store.not_durable", 503, setting=setting)
