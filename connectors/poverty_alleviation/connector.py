"""Lays deliveries into a System's SFTP folder and collects its verdicts: I/O only, files are in mapping.py."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar

from connectors.poverty_alleviation.mapping import (
    households,
    result_name,
    snapshot_time,
    upload,
    upload_name,
    verdict,
)
from connectors.poverty_alleviation.settings import Settings
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt
from hub.sdk.doors import Doors
from hub.sdk.egress import SftpAddress

if TYPE_CHECKING:  # its library is loaded when the first file goes, not at start
    from hub.sdk.files import SftpSession

FLAG = ".ok"
"""A file counts only when an empty file of its name plus this lies beside it; both sides write the flag last."""
EXPORT_ENDING = f".csv{FLAG}"


class Connector:
    """One poverty-alleviation System."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=True, probes=True, amends=True, withdraws=True, answers_later=True, sources=("households",)
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

    async def probe(self, key: str) -> Receipt | None:
        """Return the verdict of the result file; undecided while only the upload lies there; None without either."""
        async with self._doors.files.open(self._address) as sftp:
            trace = await _trace(sftp, key)
            result = await sftp.read(f"out/{trace}") if trace == result_name(key) else None
            if trace is None:  # never arrived: only where there is a place it could have arrived at
                await _demand_folders(sftp)
        if result is not None:
            return verdict(result, key)
        return Receipt("", accepted=False, answer=trace) if trace else None

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield the newest export unless the cursor says it is known; the cursor is its name, `#row` while inside."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"{source!r} cannot be pulled here; this System has: households")
        async with self._doors.files.open(self._address) as sftp:
            exports = await sftp.names("pull", EXPORT_ENDING)
            newest = exports[-1].removesuffix(FLAG) if exports else ""
            known, _, row = cursor.partition("#")
            if not newest or newest < known or (newest == known and not row):
                return
            export = await sftp.read(f"pull/{newest}")
        if export is None:  # cleared away since its name was listed
            return
        start = int(row) if newest == known else 0
        for page in _pages(newest, export, start, self._page_rows):
            yield page


def _pages(name: str, export: bytes, start: int, size: int) -> list[Page]:
    """Return an export from a row on as pages; the last one's cursor is the bare name."""
    found = list(households(export))
    pages = []
    for first in range(start, max(len(found), start + 1), size):
        part, after = found[first : first + size], first + size
        is_last = after >= len(found)
        rows = tuple(each for each in part if not isinstance(each, str))
        notes = tuple(each for each in part if isinstance(each, str))
        position = name if is_last else f"{name}#{after}"
        pages.append(Page(rows, position, snapshot_time(name), complete=is_last and not start, notes=notes))
    return pages


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
