"""Lays deliveries into a System's SFTP folder and collects its verdicts: I/O only, files are in mapping.py."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from connectors.poverty_alleviation.exports import FLAG, Export, newest_export, pages, read_ahead, require_whole
from connectors.poverty_alleviation.mapping import (
    result_name,
    upload,
    upload_name,
    verdict,
)
from connectors.poverty_alleviation.settings import Settings
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt, Unavailable
from hub.sdk.doors import Doors
from hub.sdk.egress import SftpAddress

if TYPE_CHECKING:  # its library is loaded when the first file goes, not at start
    from hub.sdk.files import SftpSession

EXPORT_ENDING = f".csv{FLAG}"
READINGS = 3
"""Of exports that are cleared away while they are read."""


class Connector:
    """One poverty-alleviation System."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=True,
        probes=True,
        probes_changes=True,
        amends=True,
        withdraws=True,
        answers_later=True,
        sources=("households",),
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._doors = doors
        self._page_rows = settings.page_rows
        password = settings.password.get_secret_value()
        self._address = SftpAddress(settings.host, settings.port, settings.user, password, settings.host_key)

    async def check(self) -> str:
        """Sign in, look for the folders and into the one whose names are not known before."""
        async with self._doors.files.open(self._address) as sftp:
            await _demand_folders(sftp)
            exports = len(await sftp.names("pull", EXPORT_ENDING))
        return f"signed in; in and out are there, exports to read: {exports}"

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Lay the file down, its flag last; the System reads it later and answers in a file of its own."""
        payload = json.loads(outgoing.payload)
        data = upload(outgoing.flow, outgoing.intent, outgoing.key, outgoing.amends, payload)
        async with self._doors.files.open(self._address) as sftp:
            trace = await _trace(sftp, outgoing.key)
            if trace is None:
                await sftp.put(f"in/{upload_name(outgoing.key)}", data)
                await sftp.put(f"in/{upload_name(outgoing.key)}{FLAG}", b"")
        return Receipt("", accepted=False, answer=trace or upload_name(outgoing.key), repeated=trace is not None)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Return the verdict of the result file; undecided while only the upload lies there; None without either."""
        async with self._doors.files.open(self._address) as sftp:
            trace = await _trace(sftp, outgoing.key)
            result = await sftp.read(f"out/{trace}") if trace == result_name(outgoing.key) else None
            if trace is None:  # never arrived: only where there is a place it could have arrived at
                await _demand_folders(sftp)
        if result is not None:
            return verdict(result, outgoing.key)
        return Receipt("", accepted=False, answer=trace) if trace else None

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield the newest export unless it is known; the cursor is its name and a hash, `#row` while inside it."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"{source!r} cannot be pulled here; this System has: households")
        async with self._doors.files.open(self._address) as sftp:
            export, ahead = await self._export(sftp, cursor)
        found = pages(export, cursor, self._page_rows) if export.mark != cursor else [Page((), cursor)] * bool(ahead)
        for page in found:
            yield replace(page, ahead=ahead)
            ahead = ""

    async def _export(self, sftp: "SftpSession", cursor: str) -> tuple[Export, str]:
        """Read the newest export whole, and say what lies ahead of it; anew if it is replaced or cleared meanwhile."""
        for _ in range(READINGS):
            choice = newest_export(await sftp.names("pull", EXPORT_ENDING), self._doors.clock.now())
            data = await sftp.read(f"pull/{choice.name}")
            flag = await sftp.read(f"pull/{choice.name}{FLAG}")
            if data is not None and flag is not None:
                export = Export(choice.name, data)
                require_whole(export, flag)
                return export, " ".join(filter(None, (choice.ahead, read_ahead(cursor, choice.name))))
        raise Unavailable(f"exports were cleared away {READINGS} times while they were read")


async def _trace(sftp: "SftpSession", key: str) -> str | None:
    """Return the name under which a key is answered in `out`, or else waits in `in`; None where it is in neither.

    Both are asked for by name: years of answers lie there. `in` is asked first: the System writes its answer before it
    clears the upload away, so a key that is gone from `in` is already to be seen in `out`.
    """
    waits = await sftp.has(f"in/{upload_name(key)}{FLAG}")
    if await sftp.has(f"out/{result_name(key)}{FLAG}"):
        return result_name(key)
    return upload_name(key) if waits else None


async def _demand_folders(sftp: "SftpSession") -> None:
    """Raise Misconfigured where the folders are not there: a name in none of them would say nothing."""
    for folder in ("in", "out"):
        if not await sftp.has(folder):
            raise Misconfigured(f"the folder {folder} is not there, or this account may not see it")
