"""The HTTP clients compared: httpx objects through the aiohttp transport, the hub's own door, a bare protocol."""

import asyncio
from collections import deque
from typing import Any, Protocol

import aiohttp
import httptools
import httpx
from httpx_aiohttp import AiohttpTransport

from hub.sdk.egress import Egress
from hub.sdk.errors import DeliveryFailure
from hub.sdk.http import HttpDoor


class Client(Protocol):
    """Posts to one System."""

    async def post(self, payload: bytes, key: str) -> int:
        """Return the status of a complete answer; raises OSError when there was none."""
        ...


class HttpxClient:
    """httpx.Request in, httpx.Response out, no client object between."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/inspections"
        self._transport = AiohttpTransport(client=aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))

    async def post(self, payload: bytes, key: str) -> int:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        request = httpx.Request("POST", self._url, content=payload, headers=headers)
        try:
            response = await self._transport.handle_async_request(request)
            await response.aread()
        except httpx.TransportError as failure:
            raise OSError(str(failure)) from failure
        return response.status_code


class DoorClient:
    """The guarded door of the hub: what a ceiling with the same HTTP client means."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/inspections"
        self._door = HttpDoor(Egress.parse([f"127.0.0.1:{port}"], allow_loopback=True))

    async def aclose(self) -> None:
        await self._door.aclose()

    async def post(self, payload: bytes, key: str) -> int:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        try:
            response = await self._door.send(httpx.Request("POST", self._url, content=payload, headers=headers))
        except DeliveryFailure as failure:
            raise OSError(str(failure)) from failure
        return response.status_code


class Wire(asyncio.Protocol):
    """One kept connection of the client written by hand."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(exc)))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer


class HandClient:
    """A pool of such connections. No TLS, no deadlines, no caps: a ceiling, not a product."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[Wire] = deque()
        self._head = (
            f"POST /inspections HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            "Idempotency-Key: %b\r\nContent-Length: %d\r\n\r\n"
        ).encode()

    async def post(self, payload: bytes, key: str) -> int:
        wire = await self._wire()
        status = await wire.ask(self._head % (key.encode(), len(payload)) + payload)
        self._idle.append(wire)
        return status

    async def _wire(self) -> Wire:
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open:
                return wire
        _, made = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", self._port)
        return made


CLIENTS: dict[str, type[HttpxClient | DoorClient | HandClient]] = {
    "httpx": HttpxClient,
    "door": DoorClient,
    "hand": HandClient,
}
