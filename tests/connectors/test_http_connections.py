"""The connections of the HTTP door: kept a moment, never trusted, opened to judged addresses only."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from hub.sdk.door.answer import Answer, Broken
from hub.sdk.door.pool import Endpoint, Pool
from hub.sdk.door.trust import check_peer
from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unanswered, Unavailable
from hub.sdk.http import HttpDoor
from tests.builders import until
from tests.connectors.sink import CLOSE, HANG, Sink, answer
from tests.connectors.test_http_door import door_to


def post(sink: Sink, content: bytes = b"{}", method: str = "POST") -> httpx.Request:
    return httpx.Request(method, sink.url, content=content)


@asynccontextmanager
async def named(sink: Sink, lookup: Callable[[str, int], Awaitable[list[str]]]) -> AsyncIterator[HttpDoor]:
    """A door to a sink that goes by a name."""
    door = HttpDoor(Egress.parse([f"system.example:{sink.port}"], allow_loopback=True, lookup=lookup))
    try:
        yield door
    finally:
        await door.aclose()


async def test_a_hundred_at_once_have_a_connection_each_and_share_them_afterwards() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(0.05, answer())
        for _ in range(3):
            answers = await asyncio.gather(*(door.send(post(sink)) for _ in range(100)))
            assert [each.status_code for each in answers] == [200] * 100
        assert (sink.connections, len(sink.requests)) == (100, 300)


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with Sink() as sink:
        sink.say(answer())
        pool = Pool(Egress.parse(sink.reaches, allow_loopback=True), keep_s=0.1)
        to = Endpoint("127.0.0.1", sink.port, tls=False)
        first, second = await pool.take(to, 1), await pool.take(to, 1)
        pool.keep(to, first)
        await asyncio.sleep(0.06)
        pool.keep(to, second)
        assert await pool.take(to, 1) is second
        await asyncio.sleep(0.06)
        assert (first.is_at_rest(), second.is_at_rest()) == (False, True)
        pool.keep(to, second)
        time.sleep(0.15)  # noqa: ASYNC251 - the loop is busy, so no timer has come to close it
        third = await pool.take(to, 1)
        assert third is not second
        await pool.aclose()
        assert not third.is_at_rest()


@pytest.mark.parametrize(
    "extra", [b"HTTP/1.1 200 Said\r\nContent-Length: 2\r\n\r\n{}", b"rubbish", b"HTTP/1.1 200"], ids=repr
)
@pytest.mark.parametrize("pause_s", [0, 0.05])
async def test_what_comes_unasked_is_never_taken_for_the_next_answer(extra: bytes, pause_s: float) -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer(body=b"1"), *([pause_s] if pause_s else []), extra).say(answer(body=b"2"))
        assert (await door.send(post(sink))).content == b"1"
        await asyncio.sleep(0.1)
        assert (await door.send(post(sink))).content == b"2"
        assert sink.connections == 2


@pytest.mark.parametrize(
    "head", [answer(headers="Connection: close\r\n"), b"HTTP/1.0 200 Said\r\nContent-Length: 0\r\n\r\n"]
)
async def test_a_system_that_wants_no_second_request_gets_none(head: bytes) -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(head)
        for _ in range(2):
            assert (await door.send(post(sink))).status_code == 200
        assert sink.connections == 2


async def test_an_answer_to_half_a_request_is_taken_and_its_connection_dropped() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer(413), HANG, after=10).say(answer())
        big = b"x" * 30_000_000
        assert (await door.send(post(sink, big))).status_code == 413
        assert (await door.send(post(sink))).status_code == 200
        assert sink.connections == 2


async def test_an_answer_to_head_ends_with_its_head() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer(200, b"", length=5)).say(answer(body=b"1"))
        response = await door.send(httpx.Request("HEAD", sink.url))
        assert (response.headers["content-length"], response.content) == ("5", b"")
        assert (await door.send(post(sink))).content == b"1"
        assert sink.connections == 1


async def test_a_body_that_comes_after_the_head_all_the_same_ends_the_connection() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer(200, b"12345"))
        for _ in range(2):
            assert (await door.send(httpx.Request("HEAD", sink.url))).content == b""
        assert sink.connections == 2


async def test_interim_answers_are_passed_over_and_an_offer_to_upgrade_is_declined() -> None:
    async with Sink() as sink, door_to(sink) as door:
        early = b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
        sink.say(
            b"HTTP/1.1 100 Continue\r\n\r\n", 0.01, early, answer(headers="Upgrade: h2c\r\nConnection: Upgrade\r\n")
        )
        for _ in range(2):
            response = await door.send(post(sink))
            assert (response.status_code, response.content, "link" in response.headers) == (200, b"{}", False)
        assert sink.connections == 1


async def test_a_cancelled_request_takes_its_connection_with_it() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(0.2, answer(body=b"late")).say(answer(body=b"2"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await door.send(post(sink))
        await asyncio.sleep(0.2)
        assert (await door.send(post(sink))).content == b"2"
        assert sink.connections == 2


@pytest.mark.parametrize(
    "said", [(HANG,), (b"rubbish",), (answer(), b"more"), (answer(headers="Connection: close\r\n"),)]
)
async def test_a_connection_that_is_not_kept_is_dropped_at_once(said: tuple[str | bytes, ...]) -> None:
    async with Sink() as sink:
        sink.say(*said, HANG)
        pool = Pool(Egress.parse(sink.reaches, allow_loopback=True))
        connection = await pool.take(Endpoint("127.0.0.1", sink.port, tls=False), 1)
        with contextlib.suppress(TimeoutError, Broken):
            until_s = asyncio.get_running_loop().time() + 0.1
            assert not await connection.exchange(b"GET / HTTP/1.1\r\n\r\n", Answer("GET"), until_s)
        assert not connection.is_at_rest()
        async with asyncio.timeout(1):
            await connection.aclose()
        await pool.aclose()


async def test_a_transport_of_the_tests_own_goes_nowhere_else_either() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text="ok"))
    door = HttpDoor(Egress.parse(["system.example:80"]), transport=transport)
    assert (await door.send(httpx.Request("GET", "http://system.example/"))).status_code == 200
    with pytest.raises(Misconfigured, match="reaches"):
        await door.send(httpx.Request("GET", "http://other.example/"))


async def test_giving_up_on_connecting_at_any_moment_leaves_nothing_to_wait_for() -> None:
    """uvloop tells nobody of a connection that was made and given up on within the same moment."""
    async with Sink() as sink:
        sink.say(HANG)
        pool = Pool(Egress.parse(sink.reaches, allow_loopback=True))
        for turns in range(200):
            taking = asyncio.create_task(pool.take(Endpoint("127.0.0.1", sink.port, tls=False), 1))
            for _ in range(turns % 20):
                await asyncio.sleep(0)
            taking.cancel()
            await asyncio.wait([taking])
        async with asyncio.timeout(0.5):
            await pool.aclose()


async def test_closing_the_door_ends_what_is_under_way() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(HANG)
        asking = asyncio.create_task(door.send(post(sink)))
        await until(lambda: bool(sink.requests))
        await door.aclose()
        with pytest.raises(Unanswered):
            await asking


async def test_the_length_of_a_request_is_that_of_its_body() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer())
        await door.send(httpx.Request("POST", sink.url, content=parts()))
        await door.send(httpx.Request("POST", sink.url, content=b"abc", headers={"Content-Length": "1"}))
        await door.send(httpx.Request("POST", sink.url))
        assert [each.rpartition(b"\r\n\r\n")[2] for each in sink.requests] == [b"abc", b"abc", b""]
        for each in sink.requests:
            assert each.lower().count(b"content-length: ") == 1
            assert b"transfer-encoding" not in each.lower()
        assert sink.connections == 1


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F59")
@pytest.mark.parametrize("failure", [socket.gaierror(-2, "Name or service not known"), OSError("timed out")], ids=repr)
async def test_a_name_that_does_not_resolve_was_not_sent_and_is_asked_for_again(failure: OSError) -> None:
    asked = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        if len(asked) == 1:
            raise failure
        return ["127.0.0.1"]

    async with Sink() as sink, named(sink, lookup) as door:
        sink.say(answer(headers="Connection: close\r\n"))
        url = f"http://system.example:{sink.port}/"
        with pytest.raises(Unavailable, match=f"no connection .{type(failure).__name__}"):
            await door.send(httpx.Request("POST", url, content=b"{}"))
        assert sink.connections == 0
        for _ in range(3):
            assert (await door.send(httpx.Request("POST", url, content=b"{}"))).status_code == 200
        assert (len(asked), sink.connections) == (2, 3)


@pytest.mark.fault("F59")
async def test_a_resolver_that_takes_a_minute_holds_up_nobody_and_is_asked_once() -> None:
    asked = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        await asyncio.sleep(60)
        return ["127.0.0.1"]

    async with Sink() as sink, named(sink, lookup) as slow, door_to(sink) as other:
        sink.say(answer())
        began = time.monotonic()
        request = httpx.Request("POST", f"http://system.example:{sink.port}/", content=b"{}")
        waiting = [asyncio.create_task(slow.send(request, deadline_s=0.6)) for _ in range(20)]
        await asyncio.sleep(0)
        assert (await other.send(post(sink))).status_code == 200
        assert time.monotonic() - began < 0.3
        failures = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in failures] == [Unavailable] * 20
        with pytest.raises(Unavailable, match="TimeoutError"):
            await slow.send(request, deadline_s=0.1)
        assert (len(asked), len(sink.requests)) == (1, 1)
        assert time.monotonic() - began < 1.5


async def test_the_second_address_is_tried_where_the_first_is_dead() -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    async with Sink() as sink, named(sink, lookup) as door:
        sink.say(answer())
        url = f"http://system.example:{sink.port}/"
        assert (await door.send(httpx.Request("POST", url, content=b"{}"))).status_code == 200
        assert b"host: system.example" in sink.requests[0].lower()


async def test_a_name_without_an_address_is_unavailable() -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return []

    async with Sink() as sink, named(sink, lookup) as door:
        with pytest.raises(Unavailable, match="no connection"):
            await door.send(httpx.Request("GET", f"http://system.example:{sink.port}/"))


@pytest.mark.parametrize(
    ("peer", "verdict"),
    [(("10.0.0.1", 80), None), (None, OSError), (("10.0.0.2", 80), Misconfigured), (("::1", 80, 0, 0), Misconfigured)],
)
def test_the_other_end_must_be_the_address_that_was_judged(
    peer: tuple[object, ...] | None, verdict: type[Exception] | None
) -> None:
    if verdict is None:
        check_peer("10.0.0.1", peer, "system.example:80")
    else:
        with pytest.raises(verdict):
            check_peer("10.0.0.1", peer, "system.example:80")


async def test_a_connection_lost_before_anything_was_sent_is_unavailable() -> None:
    async with Sink() as sink:
        sink.say(CLOSE, after=0)
        pool = Pool(Egress.parse(sink.reaches, allow_loopback=True))
        connection = await pool.take(Endpoint("127.0.0.1", sink.port, tls=False), 1)
        await connection.aclose()
        with pytest.raises(Unavailable, match="closed at once"):
            await connection.exchange(b"GET / HTTP/1.1\r\n\r\n", None, 0)  # type: ignore[arg-type]  # never looked at
        await pool.aclose()
