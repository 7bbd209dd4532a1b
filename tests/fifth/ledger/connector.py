"""Posts each payload with its key; 201 is the one success."""

from collections.abc import AsyncIterator
from typing import ClassVar

import httpx

from hub.sdk import Capabilities, Outgoing, Page, Receipt
from hub.sdk.answers import check_status, unreadable
from hub.sdk.doors import Doors
from tests.fifth.ledger.settings import Settings

CREATED = 201


class Connector:
    """One ledger."""

    capabilities: ClassVar[Capabilities] = Capabilities(honours_key=True)

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._url = httpx.URL(settings.base_url)  # parsed once: a third of what a request costs
        self._doors = doors

    async def check(self) -> str:
        await self._doors.http.send(httpx.Request("GET", self._url))
        return "answers"

    async def push(self, outgoing: Outgoing) -> Receipt:
        headers = {"Idempotency-Key": outgoing.key, "Content-Type": "application/json"}
        answer = await self._doors.http.send(
            httpx.Request("POST", self._url, content=outgoing.payload, headers=headers)
        )
        check_status(answer, self._doors.clock.now())
        if answer.status_code != CREATED:
            raise unreadable(answer, "no receipt")
        return Receipt(answer.text)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        raise NotImplementedError("the ledger declares no probe")

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        raise NotImplementedError("the ledger declares no source")
        yield
