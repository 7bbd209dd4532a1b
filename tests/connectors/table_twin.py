"""An exchange table in a real PostgreSQL, and a proxy before it that cuts, hangs or lies at any byte it is told to."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from connectors.target_assessment.connector import Connector
from connectors.target_assessment.settings import Settings
from hub.clock import SystemClock
from hub.sdk.doors import Doors, open_doors
from hub.sdk.egress import Egress
from hub.sdk.tables.address import TableAddress
from hub.sdk.tables.door import TableDoor

Side = Literal["sent", "answered"]
ACCOUNT, PASSWORD = "hub_twin", "secret"
COLUMNS = """
    id varchar(200) PRIMARY KEY, op varchar(1) NOT NULL, ref_id varchar(200), title varchar(40) NOT NULL,
    amount numeric(8, 2), sync_flag smallint NOT NULL DEFAULT 0, sync_msg varchar(200)
"""
_numbers = count(1)


@dataclass(frozen=True)
class Message:
    """One message of a stream: where it begins and ends in it, and what it is."""

    start: int
    end: int
    kind: bytes
    body: bytes


def messages(stream: bytes, *, opening: bool) -> Iterator[Message]:
    """Read a stream of PostgreSQL's protocol; a client's first message has no letter before its length."""
    at = 0
    while at < len(stream):
        skip = 0 if opening and at == 0 else 1
        end = at + skip + int.from_bytes(stream[at + skip : at + skip + 4], "big")
        yield Message(at, end, stream[at : at + skip], stream[at + skip + 4 : end])
        at = end


@dataclass
class Twin:
    """A proxy between door and database. `at` bytes of one side pass, then it cuts both lines, or falls silent."""

    path: str
    what: Literal["", "cut", "hang"] = ""
    side: Side = "sent"
    at: int = 0
    tls: ssl.SSLContext | None = None
    """Answers a request for TLS with it; None says that there is none, as this database does."""
    rewrite: Callable[[bytes], bytes] = bytes
    """Changes what the database answers."""
    port: int = 0
    connections: int = 0
    passed: dict[Side, bytearray] = field(default_factory=dict)
    carrying: set[asyncio.Task[None]] = field(default_factory=set)
    """The two directions of every connection under way; cancelling one ends its connection."""
    fell_silent: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def fail(self, what: Literal["", "cut", "hang"], side: Side = "sent", at: int = 0) -> None:
        """Say what happens to the next connections."""
        self.what, self.side, self.at = what, side, at
        self.fell_silent.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        if task := asyncio.current_task():
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        self.connections += 1
        if self.tls is not None:
            await reader.readexactly(8)
            writer.write(b"S")
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                await writer.start_tls(self.tls)
        far_reader, far_writer = await asyncio.open_unix_connection(self.path)
        passed = self.passed = {"sent": bytearray(), "answered": bytearray()}
        both = [
            asyncio.create_task(self._carry("sent", passed, reader, far_writer)),
            asyncio.create_task(self._carry("answered", passed, far_reader, writer)),
        ]
        self.carrying.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for end, task in zip((writer, far_writer), both, strict=True):
            end.transport.abort()
            task.cancel()
        await asyncio.wait(both)
        self.carrying.difference_update(both)

    async def _carry(
        self,
        side: Side,
        passed: dict[Side, bytearray],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while not self._is_over(side, passed) and (data := await reader.read(65_536)):
                if self._is_over(side, passed):
                    break
                data = self.rewrite(data) if side == "answered" else data
                room = self.at - len(passed[side]) if self.what and side == self.side else len(data)
                passed[side] += data[:room]
                writer.write(data[:room])
                await writer.drain()
            if self.what == "hang" and self._is_over(side, passed):
                self.fell_silent.set()
                await asyncio.Event().wait()

    def _is_over(self, side: Side, passed: dict[Side, bytearray]) -> bool:
        """Say whether this side passes nothing any more; a cut ends both: no answer to the last byte gets by."""
        reached = bool(self.what) and len(passed[self.side]) >= self.at
        return reached and (self.what == "cut" or side == self.side)

    async def stop(self) -> None:
        """End every connection under way."""
        for task in self.carrying:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)


@dataclass
class Exchange:
    """A table of its own behind a twin, as the department's people see it, and the hub's way to it."""

    socket: str
    database: str
    table: str
    twin: Twin

    @property
    def address(self) -> TableAddress:
        return TableAddress("postgresql", "127.0.0.1", self.twin.port, self.database, ACCOUNT, PASSWORD)

    def door(self, operation_s: float = 20, connect_s: float = 5) -> TableDoor:
        return TableDoor(self.egress(), connect_s=connect_s, operation_s=operation_s)

    def egress(self) -> Egress:
        return Egress.parse([f"127.0.0.1:{self.twin.port}"], allow_loopback=True)

    def settings(self, **changed: object) -> Settings:
        plain: dict[str, object] = {
            "url": f"postgresql://127.0.0.1:{self.twin.port}/{self.database}",
            "user": ACCOUNT,
            "password": PASSWORD,
            "encrypted": False,
            "table": self.table,
            "columns": {"title": {"column": "title", "chars": 40}, "amount": {"column": "amount"}},
        }
        return Settings.model_validate({**plain, **changed})

    def connector(self, operation_s: float = 20, connect_s: float = 5, **changed: object) -> Connector:
        """A connector with real doors, its door to tables with a patience of its own."""
        doors: Doors = open_doors(self.egress(), SystemClock())
        vars(doors)["tables"] = self.door(operation_s, connect_s)
        return Connector(self.settings(**changed), doors)

    async def do(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Do something as the department's administrator; `{t}` is the table. The twin goes on carrying meanwhile."""
        return await asyncio.to_thread(self._do, statement, values)

    def _do(self, statement: str, values: tuple[object, ...]) -> list[dict[str, Any]]:
        with psycopg.connect(
            f"host={self.socket} user=postgres dbname={self.database}", autocommit=True, row_factory=dict_row
        ) as admin:
            done = admin.execute(statement.replace("{t}", self.table).encode(), values or None)
            return done.fetchall() if done.description else []

    async def rows(self) -> list[dict[str, Any]]:
        return await self.do("SELECT * FROM {t} ORDER BY id")


def open_to_hub(socket: str) -> None:
    """Let the hub's account into any database of a server by password only, and make it."""
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ACCOUNT]).fetchone():
            return
        (file,) = admin.execute("SHOW hba_file").fetchone() or ("",)
        with open(file, encoding="utf-8") as had:  # noqa: PTH123 - a path the server tells
            rules = had.read()
        with open(file, "w", encoding="utf-8") as has:  # noqa: PTH123 - as above
            has.write(f"local all {ACCOUNT} scram-sha-256\n{rules}")
        admin.execute(f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{PASSWORD}'")
        admin.execute("SELECT pg_reload_conf()")


def made_database(socket: str, encoding: str = "UTF8") -> str:
    """Make a database of some character set, once, and return its name."""
    name = f"exchange_{encoding.lower()}"
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            how = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            admin.execute(f"CREATE DATABASE {name} {how}")
    return name


@asynccontextmanager
async def exchanging(socket: str, encoding: str = "UTF8", columns: str = COLUMNS) -> AsyncIterator[Exchange]:
    """A fresh exchange table, granted to the hub, behind a twin that is well-behaved so far."""
    open_to_hub(socket)
    twin = Twin(f"{socket}/.s.PGSQL.5432")
    exchange = Exchange(socket, made_database(socket, encoding), f"kh{next(_numbers)}", twin)
    await exchange.do(f"CREATE TABLE {{t}} ({columns})")
    await exchange.do(f"GRANT SELECT, INSERT ON {{t}} TO {ACCOUNT}")
    server = await asyncio.start_server(twin.serve, "127.0.0.1", 0)
    twin.port = server.sockets[0].getsockname()[1]
    try:
        yield exchange
    finally:
        await twin.stop()
        server.close()
        await exchange.do("DROP TABLE IF EXISTS {t} CASCADE")
