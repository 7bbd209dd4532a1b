"""Answers that break off, crawl or never end: never a success, told apart from what was not sent, cut at a cap."""

import asyncio
import gzip
import re
import time
from pathlib import Path

import httpx
import pytest

from hub.model.delivery import State
from hub.sdk.errors import Unanswered
from tests.builders import World
from tests.connectors.answering import owing, page, success
from tests.connectors.sink import CLOSE, HANG, RESET, Flood, Sink, Step, answer, drip
from tests.connectors.test_http_door import door_to

GOOD = success("garbage_scoring")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(GOOD), GOOD)

CUT: dict[str, tuple[Step, ...]] = {
    "length: one byte missing": (answer(body=GOOD, length=len(GOOD) + 1), CLOSE),
    "length: half the body": (answer(body=GOOD[:20], length=len(GOOD)), CLOSE),
    "length: no body": (answer(body=b"", length=len(GOOD)), CLOSE),
    "length: reset after all but one": (answer(body=GOOD, length=len(GOOD) + 1), 0.02, RESET),
    "chunked: no last chunk": (CHUNKED, CHUNK, CLOSE),
    "chunked: reset before the last chunk": (CHUNKED, CHUNK, 0.02, RESET),
    "chunked: half a last chunk": (CHUNKED, CHUNK, b"0\r\n", CLOSE),
    "chunked: inside a chunk": (CHUNKED, CHUNK[:30], CLOSE),
    "chunked: inside a size": (CHUNKED, CHUNK, b"1", CLOSE),
    "until closed: reset": (UNTIL_CLOSED, GOOD, 0.02, RESET),
    "neither length nor close": (b"HTTP/1.1 200 OK\r\n\r\n", GOOD, CLOSE),
    "HTTP/1.0 without a length": (b"HTTP/1.0 200 OK\r\n\r\n", GOOD, CLOSE),
    "inside the head": (answer(body=GOOD)[:30], CLOSE),
    "inside the status": (b"HTTP/1.1 20", CLOSE),
    "nothing": (CLOSE,),
    "reset": (RESET,),
    "only interim": (b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE),
}


@pytest.mark.fault("F53")
@pytest.mark.parametrize("steps", CUT.values(), ids=CUT.keys())
async def test_a_cut_answer_is_unknown_where_a_repeat_would_double_it(world: World, steps: tuple[Step, ...]) -> None:
    (one,) = await world.owe()
    async with owing(world, "garbage_scoring", *steps) as sink:
        await world.drain()
        row = await world.get(one)
        assert (row.state, row.repeat, row.attempts) == (State.UNKNOWN, True, 1)
        assert sink.seen(b"POST /score") == 1


@pytest.mark.fault("F53")
async def test_a_cut_answer_is_repeated_with_its_key_where_that_is_harmless(world: World) -> None:
    (one,) = await world.owe()
    async with owing(world, "household_visit") as sink:
        for steps in CUT.values():
            sink.on(b"POST /api/visits", *steps)
        sink.on(b"POST /api/visits", page("application/json", success("household_visit")))
        for _ in range(len(CUT) + 1):
            row = await world.get(one)
            assert row.state in (State.WAITING, State.RETRY)
            await world.drain(hours=2)
        assert (await world.get(one)).state == State.DELIVERED
        sent = [each for each in sink.requests if b"POST /api/visits" in each]
        assert (len(sent), len(set(sent))) == (len(CUT) + 1, 1)


# --- not sent, or perhaps sent ----------------------------------------------------------------------------------------


@pytest.mark.fault("F54")
@pytest.mark.parametrize("seen", [1, 17, 100, 250])
async def test_a_reset_after_some_bytes_of_the_request_is_unknown(world: World, seen: int) -> None:
    (one,) = await world.owe()
    async with owing(world, "garbage_scoring") as sink:
        sink.say(RESET, after=seen)
        await world.drain()
        assert [len(each) for each in sink.requests] == [seen]
    row = await world.get(one)
    assert (row.state, row.repeat, row.attempts) == (State.UNKNOWN, True, 1)


@pytest.mark.fault("F54")
@pytest.mark.parametrize("seen", [0, 1_000, 1_000_000])
async def test_a_reset_inside_a_long_request_is_unanswered(seen: int) -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(RESET, after=seen)
        with pytest.raises(Unanswered, match="broke off"):
            await door.send(httpx.Request("POST", sink.url, content=b"x" * 20_000_000))


@pytest.mark.fault("F54")
@pytest.mark.parametrize("steps", [(RESET,), (b"HTTP/1.1 200 OK\r\n", RESET), (answer(body=GOOD)[:-3], 0.02, RESET)])
async def test_a_reset_after_the_request_is_unknown(world: World, steps: tuple[Step, ...]) -> None:
    (one,) = await world.owe()
    async with owing(world, "garbage_scoring", *steps):
        await world.drain()
    assert (await world.get(one)).state == State.UNKNOWN


@pytest.mark.fault("F54")
async def test_what_was_not_sent_is_simply_sent_later(world: World) -> None:
    (one,) = await world.owe()
    async with owing(world, "garbage_scoring"):
        away = world.lines["north"]
    async with owing(world, "garbage_scoring", page("application/json", GOOD)) as sink:
        back, world.lines["north"] = world.lines["north"], away
        await world.drain()
        row = await world.get(one)
        assert (row.state, row.repeat, row.attempts) == (State.RETRY, False, 1)
        assert "no connection (ConnectionRefusedError)" in row.reason
        world.lines["north"] = back
        await world.drain(seconds=3)
        assert ((await world.get(one)).state, sink.seen(b"POST /score")) == (State.DELIVERED, 1)


@pytest.mark.fault("F55")
@pytest.mark.parametrize("framing", [answer(body=b"", length=len(GOOD)), CHUNKED, UNTIL_CLOSED, b""])
async def test_an_answer_that_drips_in_is_given_up_on_in_time(world: World, framing: bytes) -> None:
    """Each byte comes well within any wait for the next one; only a deadline over all of them ends this."""
    (one,) = await world.owe()
    dripping = drip(CHUNK if framing == CHUNKED else GOOD if framing else answer(body=GOOD), 0.02)
    async with owing(world, "garbage_scoring", *([framing] if framing else []), *dripping, CLOSE, answer_s=0.3) as sink:
        began = time.monotonic()
        await world.drain()
        assert time.monotonic() - began < 1
        assert sink.pieces > 3
    row = await world.get(one)
    assert (row.state, row.attempts) == (State.UNKNOWN, 1)


# --- too much ---------------------------------------------------------------------------------------------------------

TEN_GB = 10 * 1024**3
MORE = Flood(b"a" * 65_536, TEN_GB // 65_536)
ENDLESS: dict[str, tuple[Step, ...]] = {
    "10 GB by length": (answer(body=b"", length=TEN_GB), MORE),
    "10 GB in chunks": (CHUNKED, Flood(b"10000\r\n" + b"a" * 65_536 + b"\r\n", MORE.times)),
    "10 GB in chunks of one byte": (CHUNKED, Flood(b"1\r\na\r\n" * 10_000, MORE.times)),
    "10 GB until closed": (UNTIL_CLOSED, MORE),
    "an endless chunk size": (CHUNKED, b"2;x=", MORE),
    "an endless trailer": (CHUNKED, b"0\r\nX-A: ", MORE),
    "endless trailers": (CHUNKED, b"0\r\n", Flood(b"X-A: 1\r\n" * 8_000, MORE.times)),
    "an endless header": (b"HTTP/1.1 200 OK\r\nX-A: ", MORE),
    "an endless header name": (b"HTTP/1.1 200 OK\r\n", MORE),
    "an endless reason": (b"HTTP/1.1 200 ", MORE),
    "100 000 headers": (answer(headers="".join(f"X-{n}: {n}\r\n" for n in range(100_000))),),
    "endless headers": (b"HTTP/1.1 200 OK\r\n", Flood(b"X-A: 1\r\n" * 8_000, MORE.times)),
    "endless interim answers": (Flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000, MORE.times),),
    "a gzip bomb": (
        answer(body=gzip.compress(bytes(500_000_000), 1), headers="Content-Encoding: gzip\r\nConnection: close\r\n"),
        CLOSE,
    ),
}


def memory_mb(field: str) -> float:
    """What the kernel says of this process: VmRSS now, VmHWM at most."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def forget_peak() -> float:
    """Start the peak anew; return what is held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory_mb("VmRSS")


@pytest.mark.fault("F56")
@pytest.mark.parametrize("steps", ENDLESS.values(), ids=ENDLESS.keys())
async def test_an_answer_without_end_is_cut_at_the_cap(steps: tuple[Step, ...]) -> None:
    """Ten at once grow the process, sink included, by less than 50 MB."""
    async with Sink() as sink, door_to(sink) as door:
        sink.say(*steps, HANG)
        before = forget_peak()
        asked = [door.send(httpx.Request("POST", sink.url, content=b"{}"), deadline_s=20) for _ in range(10)]
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in failures} == {Unanswered}
        assert not [each for each in failures if "within" in str(each)]
        assert memory_mb("VmHWM") - before < 50


@pytest.mark.fault("F56", "F60")
@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 16_500,
        b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 2_100,
        b"HTTP/1.1 200 " + b"O" * 16_500,
        b"HTTP/1.1 102 Wait\r\n\r\n" * 800,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: " + b"a" * 16_500 + b"\r\n\r\n{}",
    ],
    ids=["one header", "many headers", "a reason", "interim answers", "a head that does end"],
)
async def test_a_head_is_cut_at_a_cap_of_its_own(begun: bytes) -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(begun, HANG)
        with pytest.raises(Unanswered, match="the head of the answer is larger than 16384 bytes"):
            await door.send(httpx.Request("POST", sink.url, content=b"{}"))
