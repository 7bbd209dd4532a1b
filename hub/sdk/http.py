"""The guarded HTTP door: one request out, one complete answer back. Reads no meaning into the answer.

No redirects, cookies, proxies or environment, no decompression. A request that never left raises Unavailable; one
that may have left without a complete answer raises Unanswered, or Unavailable for GET and HEAD, which change nothing.
"""

import asyncio
import re
import socket
import ssl
from typing import Final, cast

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unanswered, Unavailable

CONNECT_S: Final = 5.0
DEADLINE_S: Final = 30.0
ANSWER_BYTES: Final = 1024 * 1024
ANSWER_HEADERS: Final = 64
# Below the 5 s after which common servers drop an idle connection: a POST that meets the drop is Unanswered.
KEEP_ALIVE_S: Final = 3.0

_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpx.ConnectError)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def inconclusive(request: httpx.Request, reason: str) -> Unanswered | Unavailable:
    """Return what an answer that settles nothing means for this request."""
    return Unavailable(reason) if request.method in ("GET", "HEAD") else Unanswered(reason)


class HttpDoor:
    """One System's way out over HTTP. `transport` is the seam tests swap."""

    def __init__(
        self, egress: Egress, *, tls: ssl.SSLContext | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._egress = egress
        self._tls = tls
        self._transport = transport

    async def send(self, request: httpx.Request, *, deadline_s: float | None = None) -> httpx.Response:
        """Send once; return the complete answer, whatever its status. Raises Unavailable, Misconfigured, Unanswered."""
        self._check(request)
        deadline_s = DEADLINE_S if deadline_s is None else deadline_s
        # Connecting gives up first, so that a deadline hit always means bytes may have left.
        connect_s = min(CONNECT_S, deadline_s / 2)
        request.extensions["timeout"] = {"connect": connect_s, "pool": connect_s}
        if self._transport is None:
            self._transport = self._open_transport()
        try:
            async with asyncio.timeout(deadline_s):
                # Twice round the loop: a kept connection that was closed while we were busy is then seen to be closed.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                return await _exchange(self._transport, request)
        except TimeoutError as late:
            raise inconclusive(request, f"no complete answer within {deadline_s:g} s") from late
        except (httpx.TransportError, aiohttp.ClientError, OSError) as failure:
            raise _say(request, failure) from failure

    async def aclose(self) -> None:
        """Close the connections kept alive."""
        if self._transport is not None:
            await self._transport.aclose()

    def _check(self, request: httpx.Request) -> None:
        url = request.url
        if url.scheme not in ("http", "https") or url.userinfo:
            raise Misconfigured(
                f"{url.scheme}://{url.host}: only http and https addresses without a user name are sent to"
            )
        if any(_CONTROL.search(part) for pair in request.headers.raw for part in pair):
            raise Misconfigured(f"a header for {url.host} holds a line break or control character")
        if request.headers.get("host") != url.netloc.decode():
            raise Misconfigured(f"the Host header does not say {url.host}")
        self._egress.permit(url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80))

    def _open_transport(self) -> AiohttpTransport:
        tls = self._tls or httpx.create_ssl_context(trust_env=False)
        connector = aiohttp.TCPConnector(
            limit=0, ssl=tls, resolver=_GuardedResolver(self._egress), ttl_dns_cache=10, keepalive_timeout=KEEP_ALIVE_S
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
            max_headers=ANSWER_HEADERS,
        )
        # aiohttp sends a PUT or DELETE again by itself when a kept connection breaks; only the outbox may do that.
        session._retry_connection = False  # noqa: SLF001 - no public switch
        return AiohttpTransport(client=session, verify=tls, trust_env=False)


class _GuardedResolver(AbstractResolver):
    """Gives aiohttp only addresses the egress guard judged, so what was checked is what is connected to."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the literals say it
    ) -> list[ResolveResult]:
        return [_resolved(host, literal, port) for literal in await self._egress.resolve(host, port)]

    async def close(self) -> None:
        return


def _resolved(hostname: str, literal: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    return ResolveResult(
        hostname=hostname, host=literal, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    response = await transport.handle_async_request(request)
    try:
        _check_framing(request, response)
        body = bytearray()
        async for chunk in cast("httpx.AsyncByteStream", response.stream):
            body += chunk
            if len(body) > ANSWER_BYTES:
                raise inconclusive(request, f"the answer is larger than {ANSWER_BYTES} bytes")
    finally:
        await response.aclose()
    return httpx.Response(response.status_code, headers=response.headers, content=bytes(body), request=request)


def _check_framing(request: httpx.Request, response: httpx.Response) -> None:
    headers = response.headers
    if len(headers.raw) > ANSWER_HEADERS:
        raise inconclusive(request, f"the answer has more than {ANSWER_HEADERS} headers")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise inconclusive(request, f"the answer is packed as {headers['content-encoding']!r}, which was not asked for")
    if response.is_informational:
        raise inconclusive(request, f"the answer is an interim status {response.status_code}")
    framed = "content-length" in headers or "transfer-encoding" in headers
    empty = request.method == "HEAD" or response.status_code in (204, 304)
    if not framed and not empty and headers.get("connection", "").lower() != "close":
        raise inconclusive(request, "the answer does not say where it ends")


def _say(request: httpx.Request, failure: Exception) -> Exception:
    cause = failure.__cause__ if isinstance(failure, httpx.TransportError) and failure.__cause__ else failure
    place = f"{request.url.host}:{request.url.port or request.url.scheme}"
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return Misconfigured(f"{place}: its certificate is not trusted: {cause.certificate_error}")
    if isinstance(cause, _NEVER_LEFT):
        return Unavailable(f"{place}: no connection ({type(cause).__name__})")
    return inconclusive(request, f"{place}: the answer broke off ({type(cause).__name__})")
