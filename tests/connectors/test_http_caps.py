"""Answers over HTTP and SOAP as large as may be and as many-pieced as can be: taken in or refused without a stop."""

import contextlib

import httpx
import pytest

from hub.sdk.answers import read_json
from hub.sdk.door.answer import ANSWER_BYTES
from hub.sdk.errors import Unanswered
from tests.connectors.measured import measured
from tests.connectors.sink import HANG, Flood, Sink, Step, answer, drip
from tests.connectors.soap import around, envelope, understood
from tests.connectors.test_http_door import door_to

MOST_MB, MOST_BLOCKED_S = 20, 0.1
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SAID: dict[str, tuple[Step, ...]] = {
    "chunks of a byte": (CHUNKED, Flood(b"1\r\na\r\n" * 10_000, 100)),
    "chunks and what may stand beside them": (CHUNKED, Flood(b"1;" + b"e" * 1_000 + b"\r\na\r\n", 10_000)),
    "trailers": (CHUNKED + b"0\r\n", Flood(b"X-A: 1\r\n" * 1_000, 1_000)),
    "interim answers": (Flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, 100),),
    "a length that lies": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", Flood(b"x" * 65_536, 1_000)),
    "several answers": (Flood(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" * 100, 10_000),),
}
JSON = {
    "deep": "[" * ANSWER_BYTES,
    "many numbers": "[" + "1," * (ANSWER_BYTES // 2 - 2) + "1]",
    "many names": "{" + ",".join(f'"{number}":0' for number in range(95_000)) + "}",
    "escapes": '"' + "\\u4e00" * (ANSWER_BYTES // 6 - 1) + '"',
    "a long number": "9" * ANSWER_BYTES,
}
XML = {"many": "<a/>x" * 200_000, "deep": "<a>" * 330_000, "comments": "<!--a-->" * 125_000, "long": "x" * 1_000_000}


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("steps", SAID.values(), ids=SAID.keys())
async def test_an_answer_in_too_many_pieces_holds_nobody_up(steps: tuple[Step, ...]) -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(*steps, HANG)
        async with measured() as seen:
            with pytest.raises(Unanswered, match="answer"):
                await door.send(httpx.Request("POST", sink.url, content=b"{}"), deadline_s=20)
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(*drip(CHUNKED + b"1\r\na\r\n" * 10_000, 0.01))
        with pytest.raises(Unanswered, match="no complete answer within"):
            await door.send(httpx.Request("POST", sink.url, content=b"{}"), deadline_s=0.5)


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("text", JSON.values(), ids=JSON.keys())
async def test_the_largest_answer_is_read_without_a_stop(text: str) -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer(body=text.encode()))
        async with measured() as seen:
            response = await door.send(httpx.Request("POST", sink.url, content=b"{}"))
            with contextlib.suppress(Unanswered):
                read_json(response)
    assert seen.blocked_s < MOST_BLOCKED_S, seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("text", XML.values(), ids=XML.keys())
@pytest.mark.parametrize("where", ["outer", "inner"])
async def test_the_largest_soap_answer_is_read_without_a_stop(text: str, where: str) -> None:
    body = (around(text) if where == "outer" else envelope(text[:250_000])).encode()
    async with measured() as seen:
        with pytest.raises(Unanswered):
            understood(body)
    assert seen.blocked_s < MOST_BLOCKED_S, seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_system_that_reads_nothing_costs_no_more_than_the_request() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(HANG, after=1)
        async with measured() as seen:
            with pytest.raises(Unanswered, match="no complete answer within"):
                await door.send(httpx.Request("POST", sink.url, content=bytes(20_000_000)), deadline_s=0.5)
    assert (seen.grew_mb < 3 * 20 + MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen
