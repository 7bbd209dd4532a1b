"""Patience for reads and the life of a token."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hub.sdk.errors import Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.reading import Token, TokenExpired, Tokens, patiently


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Reader:
    """A read that fails as told before it succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "read"


async def test_two_failures_are_forgiven() -> None:
    reader = Reader(Unavailable("busy"), Unanswered("cut"))
    assert await patiently(reader, first_wait_s=0.001) == "read"
    assert reader.calls == 3


@pytest.mark.parametrize("last", [Unavailable("busy"), Unanswered("cut")])
async def test_the_third_one_counts_and_a_read_is_never_of_unknown_outcome(last: Exception) -> None:
    reader = Reader(Unavailable("busy"), Unavailable("busy"), last)
    with pytest.raises(Unavailable, match=str(last)):
        await patiently(reader, first_wait_s=0.001)
    assert reader.calls == 3


@pytest.mark.parametrize("verdict", [Refused("no"), Misconfigured("no"), TokenExpired()])
async def test_a_verdict_is_not_asked_for_again(verdict: Exception) -> None:
    reader = Reader(verdict)
    with pytest.raises(type(verdict)):
        await patiently(reader, first_wait_s=0.001)
    assert reader.calls == 1


class Desk:
    """Issues numbered tokens that live ten seconds."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.issued = 0
        self.tokens = Tokens(self.clock, self._issue)

    async def _issue(self) -> Token:
        self.issued += 1
        issued = self.issued
        await asyncio.sleep(0)
        return Token(f"t{issued}", lives_s=10)


async def echo(token: str) -> str:
    return token


async def test_a_token_is_fetched_once_for_all_who_ask() -> None:
    desk = Desk()
    assert set(await asyncio.gather(*(desk.tokens.use(echo) for _ in range(20)))) == {"t1"}
    assert desk.issued == 1


async def test_a_token_is_renewed_before_it_dies() -> None:
    desk = Desk()
    await desk.tokens.use(echo)
    desk.clock.seconds = 7.9
    assert await desk.tokens.use(echo) == "t1"
    desk.clock.seconds = 8.1
    assert await desk.tokens.use(echo) == "t2"


async def test_a_token_called_expired_is_renewed_once_for_all_who_were_told() -> None:
    desk = Desk()

    async def call(token: str) -> str:
        if token == "t1":
            await asyncio.sleep(0)
            raise TokenExpired
        return token

    assert set(await asyncio.gather(*(desk.tokens.use(call) for _ in range(20)))) == {"t2"}
    assert desk.issued == 2


async def test_a_system_that_refuses_each_new_token_is_stopped() -> None:
    desk = Desk()
    tried = []

    async def refuse(token: str) -> str:
        tried.append(token)
        raise TokenExpired

    with pytest.raises(Misconfigured, match="just issued"):
        await desk.tokens.use(refuse)
    assert tried == ["t1", "t2"]


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(Token("secret", 10))
