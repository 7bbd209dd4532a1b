"""Writes deliveries into a System's exchange table and reads what became of them: I/O only, rows are in mapping.py."""

from collections.abc import AsyncIterator
from typing import ClassVar

from connectors.target_assessment.mapping import (
    check_filled,
    check_shape,
    read_columns,
    row_of,
    verdict,
    written_columns,
)
from connectors.target_assessment.settings import Settings
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt
from hub.sdk.doors import Doors
from hub.sdk.tables.address import TableAddress


class Connector:
    """One target-assessment System."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=True, probes=True, probes_changes=True, amends=True, withdraws=True, answers_later=True
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._doors = doors
        self._settings = settings
        password = settings.password.get_secret_value()
        self._address = TableAddress.parse(settings.url, settings.user, password, settings.authority)

    async def check(self) -> str:
        """Sign in, look at the table, and try the statement that will write rows on no row at all."""
        written = written_columns(self._settings)
        async with self._doors.tables.open(self._address) as session:
            shape = await session.look(self._settings.table)
            check_shape(shape, self._settings)
            check_filled(shape, written)
            await session.try_out(shape, written)
        return f"signed in; {shape.table} has the {len(written)} columns agreed on and may be written to"

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Put one row; the System reads it later and says by its flag what it thinks of it."""
        settings = self._settings
        async with self._doors.tables.open(self._address) as session:
            shape = await session.look(settings.table)
            check_shape(shape, settings)
            row = row_of(outgoing, settings, shape, self._doors.clock.now())
            check_filled(shape, [name for name, value in row.items() if value is not None])
            later = (settings.flag_column, settings.time_column)
            is_new = await session.put(shape, settings.key_column, row, loose=later)
        return Receipt("", accepted=False, answer=f"{settings.table} {row[settings.op_column]}", repeated=not is_new)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Return what the row's flag says; None when there is no row with this key.

        One whose COMMIT is still on its way then is not doubled: it makes the next push wait for it.
        """
        settings = self._settings
        async with self._doors.tables.open(self._address) as session:
            shape = await session.look(settings.table)
            check_shape(shape, settings)
            row = await session.find(shape, settings.key_column, outgoing.key, read_columns(settings))
        return None if row is None else verdict(row, outgoing.key, settings)

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:  # noqa: ARG002 - the contract's
        """Refuse: nothing is read from here."""
        raise Misconfigured(f"{source!r} cannot be pulled; this System gives nothing to read")
        yield
