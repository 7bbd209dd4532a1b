"""An access token, fetched once for all, renewed early, and renewed once more when the System calls it expired."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from hub.clock import Clock
from hub.sdk.errors import Misconfigured
from hub.sdk.reading.patience import patiently

EARLY: Final = 0.8
"""The share of its life after which a token is renewed, so that none expires on its way."""
T = TypeVar("T")


class TokenExpired(Exception):
    """Raised by a connector when the System said, before doing anything, that the token is no longer good."""


@dataclass(frozen=True)
class Token:
    """What a token fetch gave."""

    text: str = field(repr=False)
    lives_s: float


class Tokens:
    """The token of one System."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[Token]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._text = ""
        self._good_until = 0.0

    async def use(self, call: Callable[[str], Awaitable[T]]) -> T:
        """Run `call` with a token; once more with a new one if it raises TokenExpired, then Misconfigured."""
        text = await self._current()
        try:
            return await call(text)
        except TokenExpired:
            self._forget(text)
        try:
            return await call(await self._current())
        except TokenExpired as again:
            raise Misconfigured("a token it has just issued is refused") from again

    async def _current(self) -> str:
        async with self._lock:
            if not self._text or self._clock.monotonic() >= self._good_until:
                token = await patiently(self._fetch)
                self._text = token.text
                self._good_until = self._clock.monotonic() + token.lives_s * EARLY
            return self._text

    def _forget(self, text: str) -> None:
        # Another call may have renewed it meanwhile; only the one that failed is thrown away.
        if self._text == text:
            self._text = ""
