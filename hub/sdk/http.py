"""The guarded HTTP door: one request out, one complete answer back. Reads no meaning into the answer.

No redirects, cookies, proxies or environment, no decompression, no second try. A request that never left raises
Unavailable; one that may have left without a complete answer raises Unanswered, or Unavailable for GET and HEAD,
which change nothing.
"""

import asyncio
import re
import ssl
from typing import Final, cast

import httpx

from hub.clock import Clock
from hub.sdk.door.answer import ANSWER_BYTES, Answer, Broken, Header, fault_of
from hub.sdk.door.pool import Endpoint, Pool
from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unanswered, Unavailable

CONNECT_S: Final = 5.0
DEADLINE_S: Final = 30.0

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTHS: Final = frozenset((b"content-length", b"transfer-encoding"))
_PORTS: Final = {"http": 80, "https": 443}


def changes_nothing(request: httpx.Request) -> bool:
    """Say whether a request can only read."""
    return request.method in ("GET", "HEAD")


def inconclusive(request: httpx.Request, reason: str) -> Unanswered | Unavailable:
    """Return what an answer that settles nothing means for this request."""
    return Unavailable(reason) if changes_nothing(request) else Unanswered(reason)


class HttpDoor:
    """One System's way out over HTTP. `transport` is the seam tests swap."""

    def __init__(
        self,
        egress: Egress,
        *,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._egress = egress
        self._pool = Pool(egress, tls, clock=clock)
        self._transport = transport
        self._permitted: dict[tuple[str, bytes], Endpoint] = {}

    async def send(self, request: httpx.Request, *, deadline_s: float | None = None) -> httpx.Response:
        """Send once; return the complete answer, whatever its status. Raises Unavailable, Misconfigured, Unanswered."""
        to = self._permit(request.url)
        body = await request.aread()
        written = _head(request, len(body)) + body
        deadline_s = DEADLINE_S if deadline_s is None else deadline_s
        try:
            if self._transport is not None:
                async with asyncio.timeout(deadline_s):
                    return await _through(self._transport, request)
            return await self._exchange(request, to, written, deadline_s)
        except TimeoutError as late:
            raise inconclusive(request, f"no complete answer within {deadline_s:g} s") from late
        except Broken as failure:
            raise inconclusive(request, str(failure)) from failure

    async def aclose(self) -> None:
        """Close the connections kept alive."""
        await self._pool.aclose()
        if self._transport is not None:
            await self._transport.aclose()

    async def _exchange(
        self, request: httpx.Request, to: Endpoint, written: bytes, deadline_s: float
    ) -> httpx.Response:
        until = asyncio.get_running_loop().time() + deadline_s
        # Connecting gives up first, so that a deadline hit always means bytes may have left.
        connection = await self._pool.take(to, min(CONNECT_S, deadline_s / 2))
        answer = Answer(request.method)
        if await connection.exchange(written, answer, until):
            self._pool.keep(to, connection)
        return _response(answer.status, answer.headers, answer.body, request)

    def _permit(self, url: httpx.URL) -> Endpoint:
        """Return where an address leads, if this System may be reached there. Grants never change."""
        if url.scheme not in _PORTS or url.userinfo:
            raise Misconfigured(
                f"{url.scheme}://{url.host}: only http and https addresses without a user name are sent to"
            )
        named = (url.scheme, url.netloc)
        if named not in self._permitted:
            to = Endpoint(url.raw_host.decode(), url.port or _PORTS[url.scheme], url.scheme == "https")
            self._egress.permit(to.host, to.port)
            self._permitted[named] = to
        return self._permitted[named]


def _head(request: httpx.Request, body_bytes: int) -> bytes:
    """Write the head of a request; the length it names is that of the body, whatever the request says."""
    given = [(name.lower(), name, value) for name, value in request.headers.raw]
    if [value for key, _, value in given if key == b"host"] != [request.url.netloc]:
        raise Misconfigured(f"the Host header does not say {request.url.host}")
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [name + b": " + value for key, name, value in given if key not in _LENGTHS]
    if _CONTROL.search(b"\t".join(lines)):
        raise Misconfigured(f"a header for {request.url.host} holds a line break or control character")
    said = {key for key, _, _ in given}
    if b"accept" not in said:
        lines.append(b"Accept: */*")
    if body_bytes or said & _LENGTHS:
        lines.append(b"Content-Length: %d" % body_bytes)
        if b"content-type" not in said:
            lines.append(b"Content-Type: application/octet-stream")
    return b"\r\n".join((*lines, b"", b""))


async def _through(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Send through a transport of the tests' own, held to the same rules."""
    try:
        response = await transport.handle_async_request(request)
        headers: list[Header] = response.headers.raw
        fault, body = fault_of(request.method, response.status_code, headers), bytearray()
        async for chunk in cast("httpx.AsyncByteStream", response.stream):
            body += chunk
            if len(body) > ANSWER_BYTES:
                fault = fault or f"the answer is larger than {ANSWER_BYTES} bytes"
                break
        await response.aclose()
    except httpx.ConnectError as failure:
        raise Unavailable(f"{request.url.host}: no connection ({type(failure).__name__})") from failure
    except httpx.TransportError as failure:
        raise Broken(f"{request.url.host}: the answer broke off ({type(failure).__name__})") from failure
    if fault:
        raise Broken(fault)
    return _response(response.status_code, headers, bytes(body), request)


def _response(status: int, headers: list[Header], body: bytes, request: httpx.Request) -> httpx.Response:
    response = httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), request=request)
    # httpx would read its own stream through decoders and context managers, for a third of what an exchange costs.
    response._content = body  # noqa: SLF001 - no public way
    return response
