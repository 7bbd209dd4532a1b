"""What surrounds every answer: a cap on the body, the headers browsers obey, and a plain 500 when we fail."""

import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.catalog.messages import Messages
from hub.errors import Problem
from hub.logs import get_logger
from hub.settings import Settings
from hub.store.blobs import MOST_BYTES as MOST_PHOTO_BYTES
from hub.web.problems import Cut, problem_of, refuse
from hub.web.security import header, is_secure

MOST_BODY_BYTES = {
    "/api/v1/attachments/": MOST_PHOTO_BYTES,
    "/api/v1/submissions": 2 * 1024 * 1024,
    "/api/v1/sessions": 8 * 1024,
    "": 128 * 1024,
}
"""By how an address begins. To sign in takes little, and strangers may try; a thousand ids take 40 KB."""
_CSP = (
    # The scanner is WebAssembly; the component library has a data: font and writes style attributes.
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
_NO_STORE, _NO_CACHE = (b"cache-control", b"no-store"), (b"cache-control", b"no-cache")
Operation = Callable[[Request], Awaitable[Response]]
RawHeaders = tuple[tuple[bytes, bytes], ...]
log = get_logger(__name__)


def _raw(headers: dict[str, str]) -> RawHeaders:
    """Return headers as they go over the wire, made once."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


class Edge:
    """ASGI middleware around an app."""

    def __init__(self, app: ASGIApp, settings: Settings, messages: Messages) -> None:
        self._app = app
        self._messages = messages
        self._headers = _raw({**_ALWAYS, **(_HTTPS_ONLY if is_secure(settings) else {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cache = _NO_STORE if scope["path"].startswith("/api/") else _NO_CACHE
        await self._answer(scope, receive, _Dressed(send, self._headers, cache))

    async def _answer(self, scope: Scope, receive: Receive, send: "_Dressed") -> None:
        most = next(most for begin, most in MOST_BODY_BYTES.items() if scope["path"].startswith(begin))
        if _announced(scope) > most:
            await refuse(Problem("request.too_large", 413, most=most), self._messages)(scope, receive, send)
            return
        try:
            await self._app(scope, _capped(receive, most), send)
        except ClientDisconnect:
            return  # a phone out of reach is no failure of ours, and nobody is left to answer
        except Exception as error:
            if send.has_started:
                raise
            number = _log_failure(scope, error)
            await refuse(Problem("hub.failed", 500, id=number), self._messages, id=number)(scope, receive, send)


def straight(operation: Operation, messages: Messages) -> ASGIApp:
    """Return the app that answers with one operation and its problems, and nothing of the framework's."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await operation(Request(scope, receive))
        except (Problem, HTTPException) as error:
            response = refuse(problem_of(error), messages)
        await response(scope, receive, send)

    return answer


def past(app: ASGIApp, posted: Mapping[str, ASGIApp]) -> ASGIApp:
    """Return the app with a way past all its layers for what is posted to these paths."""

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        found = posted.get(scope["path"], app) if scope.get("method") == "POST" else app
        return found(scope, receive, send)

    return answer


async def body_of(request: Request) -> bytes:
    """Return a body, capped by the edge already; the framework's own reading costs as much as the rest of it."""
    parts, more = [], True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


class _Dressed:
    """A `send` that adds our headers and remembers whether the answer has begun."""

    def __init__(self, send: Send, headers: RawHeaders, cache: tuple[bytes, bytes]) -> None:
        self._send = send
        self._headers = headers
        self._cache = cache
        self.has_started = False

    async def __call__(self, message: Message) -> None:
        """Send one message on."""
        if message["type"] == "http.response.start":
            self.has_started = True
            given = message["headers"]
            cached = () if b"cache-control" in dict(given) else (self._cache,)
            message["headers"] = [*given, *self._headers, *cached]
        await self._send(message)


def _announced(scope: Scope) -> int:
    """Return how long the body says it is; what is no number is left to the counting."""
    length = header(scope, b"content-length") or ""
    return int(length) if length.isdecimal() else 0


def _capped(receive: Receive, most: int) -> Receive:
    """Return a `receive` that stops when more than `most` bytes came, whatever the headers said."""
    received = 0

    async def count() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise Cut(most)
        return message

    return count


def _log_failure(scope: Scope, error: Exception) -> str:
    """Log where it failed, not what the exception says: its text may hold what somebody sent."""
    number = secrets.token_hex(6)
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
    route = getattr(scope.get("route"), "path", "")
    log.error("request.failed", id=number, kind=type(error).__name__, route=route, frames=frames)
    return number
