"""Ten thousand answers no System should give, from one seed: each is classified, none is an accident."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from hub.clock import SystemClock
from hub.sdk.answers import check_status, read_object
from hub.sdk.door.answer import ANSWER_BYTES, ANSWER_HEADERS, Answer
from hub.sdk.errors import DeliveryFailure, Unanswered
from tests.connectors.answering import LOGIN_PAGE, SOAP_11, page, success
from tests.connectors.sink import CLOSE, Sink, answer, answer_json
from tests.connectors.test_http_door import door_to

SEED: Final = 20261122
IN_PROCESS: Final = 10_000
OVER_A_SOCKET: Final = 200
GOOD: Final = success("garbage_scoring")
CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
SEEDLINGS: Final = (
    page("application/json", GOOD),
    page("text/xml", SOAP_11.encode()),
    page("text/html; charset=gbk", LOGIN_PAGE.encode("gb18030")),
    CHUNKED,
    b"HTTP/1.1 100 Continue\r\n\r\n" + answer_json({"code": "200"}),
    b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" + GOOD,
    answer(204, b""),
    answer(503, b"busy", "Retry-After: 120\r\n"),
    answer(302, b"", "Location: http://127.0.0.1:1/\r\n"),
)
PIECES: Final = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",",
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 101 x\r\n\r\n", b"HTTP/9.9", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x02\x00",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: +2\r\n",
    b"Content-Length: 9999999999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Content-Encoding: br\r\n",
    b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b"X-A: 1\r\n" * 70, b"a" * 20_000, b"[" * 5_000,
    b"\xff\xfe", b"\xef\xbb\xbf", "成功".encode("gb18030"),
)  # fmt: skip


def mutated(dice: random.Random) -> bytes:
    """An answer with one to four things wrong with it; some are only noise."""
    if dice.random() < 0.03:
        return dice.randbytes(dice.randrange(300))
    text = bytearray(dice.choice(SEEDLINGS))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(text) + 1)
        to = min(len(text), at + dice.choice((0, 1, 1, 2, 5, 40)))
        match dice.randrange(5):
            case 0:
                text[at:to] = dice.choice(PIECES)
            case 1:
                text[at:to] = dice.randbytes(to - at)
            case 2:
                del text[at:to]
            case 3:
                text[at:at] = text[at:to]
            case _:
                del text[at:]
    return bytes(text)


def torn(text: bytes, dice: random.Random) -> Iterator[bytes]:
    """The same bytes in the pieces in which a network may bring them."""
    while text:
        size = dice.choice((1, 2, 7, 100, 65_536))
        yield text[:size]
        text = text[size:]


def taken(text: bytes, dice: random.Random, method: str) -> Answer:
    """What the door makes of these bytes and an orderly end; it stops at a fault or the end, as the connection does."""
    read = Answer(method)
    for piece in torn(text, dice):
        read.feed(piece)
        if read.fault or read.complete:
            break
    if not read.fault:
        read.end()
    read.release()
    return read


def meaning(read: Answer, method: str) -> str:
    """What a connector makes of it."""
    if not read.complete:
        return "broken" if read.fault else "cut"
    request = httpx.Request(method, "http://127.0.0.1/")
    response = httpx.Response(read.status, headers=read.headers, content=read.body, request=request)
    try:
        check_status(response, SystemClock().now())
        read_object(response)
    except DeliveryFailure as failure:
        return type(failure).__name__
    return "success"


@pytest.mark.fault("F60")
def test_whatever_comes_is_classified() -> None:
    dice, verdicts = random.Random(SEED), Counter[str]()
    for _ in range(IN_PROCESS):
        method = dice.choice(("POST", "POST", "PUT", "GET", "HEAD"))
        text = mutated(dice)
        read = taken(text, dice, method)
        assert not (read.complete and read.fault), text
        assert len(read.body) <= ANSWER_BYTES
        if read.complete:
            assert 200 <= read.status <= 999, text
            assert len(read.headers) <= ANSWER_HEADERS
        verdicts[meaning(read, method)] += 1
    assert sum(verdicts.values()) == IN_PROCESS
    # Every class is there in numbers, or the dice have stopped rolling.
    assert (
        min(verdicts[each] for each in ("broken", "cut", "success", "Unanswered", "Unavailable", "Misconfigured")) > 50
    )


@pytest.mark.fault("F53", "F60")
@pytest.mark.parametrize("whole", [page("application/json", GOOD), CHUNKED], ids=["length", "chunked"])
def test_no_beginning_of_an_answer_is_an_answer(whole: bytes) -> None:
    dice = random.Random(SEED)
    for size in range(len(whole)):
        assert not taken(whole[:size], dice, "POST").complete, whole[:size]
    for _ in range(100):
        read = taken(whole, dice, "POST")
        assert (read.complete, read.fault, read.status, read.body) == (True, "", 200, GOOD)


@pytest.mark.fault("F60")
async def test_whatever_comes_over_a_socket_is_an_answer_or_one_of_our_errors() -> None:
    dice, reasons = random.Random(SEED + 1), []
    async with Sink() as sink, door_to(sink) as door:
        for _ in range(OVER_A_SOCKET):
            sink.say(mutated(dice), CLOSE)
            try:
                await door.send(httpx.Request("POST", sink.url, content=b"{}"), deadline_s=5)
            except Unanswered as failure:
                reasons.append(failure.reason)
        assert len(sink.requests) == OVER_A_SOCKET
    assert [reason for reason in reasons if "within" in reason] == []
    assert 100 < len(reasons) < OVER_A_SOCKET - 20
