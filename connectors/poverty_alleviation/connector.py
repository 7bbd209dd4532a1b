"""Lays deliveries into a System's SFTP folder and collects its verdicts: I/O only, files are in mapping.py."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar

from connectors.poverty_alleviation.mapping import (
    households,
    result_ending,
    snapshot_time,
    upload,
    upload_ending,
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
        """Sign in and look into the three folders."""
        async with self._doors.files.open(self._address) as sftp:
            counts = {folder: len(await sftp.names(folder)) for folder in ("in", "out", "pull")}
        return "signed in; files there: " + ", ".join(f"{folder} {count}" for folder, count in counts.items())

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Lay the file down, its flag last; the System reads it later and answers in a file of its own."""
        payload = json.loads(outgoing.payload)
        data = upload(outgoing.flow, outgoing.intent, outgoing.key, outgoing.amends, payload)
        async with self._doors.files.open(self._address) as sftp:
            waiting, answered = await _trace(sftp, outgoing.key)
            name = answered or waiting or upload_name(outgoing.flow, outgoing.key, self._doors.clock.now())
            if not (answered or waiting):
                await sftp.put(f"in/{name}", data)
                await sftp.put(f"in/{name}{FLAG}", b"")
        return Receipt("", accepted=False, answer=name, repeated=bool(answered or waiting))

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Return the verdict of the result file; undecided while only the upload lies there; None without either."""
        async with self._doors.files.open(self._address) as sftp:
            waiting, answered = await _trace(sftp, outgoing.key)
            result = await sftp.read(f"out/{answered}") if answered else None
        if result is not None:
            return verdict(result, outgoing.key)
        return Receipt("", accepted=False, answer=waiting) if waiting or answered else None

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield the newest export unless the cursor says it is known; the cursor is its name, `#row` while inside."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"{source!r} cannot be pulled here; this System has: households")
        async with self._doors.files.open(self._address) as sftp:
            exports = [name for name in await sftp.names("pull") if name.endswith(f".csv{FLAG}")]
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


async def _trace(sftp: "SftpSession", key: str) -> tuple[str, str]:
    """Return the names under which a key waits in `in` and is answered in `out`, empty where it is not.

    `in` is read first: the System writes its answer before it clears the upload away, so a key that is gone from
    `in` is already to be seen in `out`.
    """
    waiting = _named(await sftp.names("in"), upload_ending(key) + FLAG)
    answered = _named(await sftp.names("out"), result_ending(key) + FLAG)
    return waiting, answered


def _named(names: list[str], ending: str) -> str:
    return next((name.removesuffix(FLAG) for name in names if name.endswith(ending)), "")
