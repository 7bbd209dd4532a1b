"""A System whose answers are changed on their way: the real simulator answers, somebody in between spoils it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from hub.clock import SystemClock
from hub.sdk import Connector
from hub.sdk.doors import Doors
from hub.sdk.egress import Egress
from hub.sdk.http import HttpDoor
from tests.connectors.system import System, part

Answer = dict[str, Any]
Change = Callable[[int, Answer], Any]
"""Handed the number of a list's answer (from 1) and the answer; returns what is said instead."""


class Rewriting(httpx.AsyncBaseTransport):
    """Carries requests to a real server and changes those answers that hold a list under `data`."""

    def __init__(self, listed: str) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._listed = listed
        self.change: Change = lambda _, answer: answer
        self.lists = 0

    def will(self, change: Change) -> None:
        """Change the lists answered from now on."""
        self.change, self.lists = change, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        await response.aclose()
        answer = json.loads(content)
        if isinstance(answer.get("data"), dict) and self._listed in answer["data"]:
            self.lists += 1
            content = json.dumps(self.change(self.lists, answer)).encode()
        return httpx.Response(response.status_code, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def rewritten(system: System, listed: str) -> AsyncIterator[tuple[Connector, Rewriting]]:
    """A connector to a running System, and who sits in between."""
    egress, between = Egress.parse(system.simulator.reaches(system.port), allow_loopback=True), Rewriting(listed)
    doors = Doors(HttpDoor(egress, transport=between), egress, SystemClock())
    try:
        yield part(system.kind, "connector").Connector(system.settings(), doors), between
    finally:
        await doors.aclose()
