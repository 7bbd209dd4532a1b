"""Posts each payload with its key; 201 is the one success. Its rows are read in pages that never end twice alike."""

import json
from collections.abc import AsyncIterator
from typing import ClassVar

import httpx

from hub.sdk import Capabilities, Outgoing, Page, Receipt, Refused, Unavailable
from hub.sdk.doors import Doors
from tests.crash.systems.book.settings import Settings

PAGES = 2


class Connector:
    """One book."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=True, amends=True, withdraws=True, sources=("rows",)
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._base, self._name = settings.base_url, settings.name
        self._doors = doors

    async def check(self) -> str:
        await self._ask("GET", "rows-0")
        return "answers"

    async def push(self, outgoing: Outgoing) -> Receipt:
        answer = await self._ask("POST", self._name, outgoing.key, outgoing.payload)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Unavailable("closed")
        if answer.status_code != httpx.codes.CREATED:
            raise Refused(f"status {answer.status_code}")
        return Receipt(answer.text)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        answer = await self._ask("GET", f"find-{self._name}", outgoing.key)
        return Receipt(answer.text) if answer.status_code == httpx.codes.OK else None

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        for _ in range(PAGES):
            rows = json.loads((await self._ask("GET", f"rows-{cursor or 0}")).content)
            cursor = str(int(cursor or 0) + len(rows))
            yield Page(tuple(rows), cursor)

    async def _ask(self, method: str, path: str, key: str = "", body: bytes = b"") -> httpx.Response:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        request = httpx.Request(method, f"{self._base}/{path}", content=body, headers=headers)
        return await self._doors.http.send(request)
