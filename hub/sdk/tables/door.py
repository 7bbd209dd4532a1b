"""The guarded door to exchange tables: a row is there once, exactly as it was given, or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Final

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unavailable
from hub.sdk.tables import postgres
from hub.sdk.tables.address import TableAddress
from hub.sdk.tables.line import Line
from hub.sdk.tables.session import TableSession

CONNECT_S: Final = 5.0
OPERATION_S: Final = 30.0

_SCHEME: Final = "postgresql"
"""The one kind of database known so far; whatever is its own lies in `postgres`."""
_wire: ContextVar[postgres.Wire] = ContextVar("wire")
"""The line a session has just connected; SQLAlchemy, which would connect by itself, is handed this one."""


class TableDoor:
    """One System's way out to tables."""

    def __init__(self, egress: Egress, *, connect_s: float = CONNECT_S, operation_s: float = OPERATION_S) -> None:
        self._egress = egress
        self._connect_s = connect_s
        self._operation_s = operation_s
        self._engines: dict[TableAddress, AsyncEngine] = {}

    @contextlib.asynccontextmanager
    async def open(self, address: TableAddress) -> AsyncIterator[TableSession]:
        """Open a session, which ends `operation_s` later at the latest; what it did not commit is as if never sent.

        Raises Unavailable when not reached, Misconfigured when either side is not trusted.
        """
        if address.scheme != _SCHEME:
            raise Misconfigured(f"no database is known as {address.scheme!r}, only {_SCHEME}")
        async with contextlib.aclosing(Line(address.place)) as line:
            wire = await self._connect(address, line)
            _wire.set(wire)
            session = TableSession(self._engine(address), line)
            deadline = asyncio.get_running_loop().call_later(self._operation_s, line.cut, "no answer in time")
            try:
                await session.begin()
                yield session
            finally:
                deadline.cancel()
                await session.close()
                await wire.close()

    async def _connect(self, address: TableAddress, line: Line) -> postgres.Wire:
        try:
            async with asyncio.timeout(self._connect_s):
                literals = await self._egress.resolve(address.host, address.port)
                await line.connect(literals, address.port, self._connect_s / 2)
                return await postgres.connect(address, line.port, self._operation_s)
        except psycopg.Error as failure:
            if line.fault:
                raise Unavailable(f"{address.place}: {line.fault}") from None
            raise postgres.not_let_in(failure, address.place) from None
        except (OSError, TimeoutError) as failure:
            raise Unavailable(f"{address.place}: no connection ({type(failure).__name__})") from failure

    def _engine(self, address: TableAddress) -> AsyncEngine:
        """Return what writes statements for this database; it keeps no connection."""
        if address not in self._engines:
            self._engines[address] = create_async_engine(
                f"{postgres.ENGINE}://", async_creator=_handed, poolclass=NullPool, hide_parameters=True,
                use_native_hstore=False,
            )  # fmt: skip
        return self._engines[address]


async def _handed() -> postgres.Wire:
    return _wire.get()
