"""Connections over real sockets: heads without end, silence, dripping bodies, answers nobody reads, crowds."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import orjson
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from hub.catalog import Catalog
from hub.systems import Registry
from hub.web.connections import (
    MOST_FIELDS,
    MOST_HEAD_BYTES,
    MOST_PIPELINED,
    Gate,
    Patience,
    guarded_by,
    most_of,
    open_gate,
)
from tests.builders import until

pytestmark = [pytest.mark.fault("F92"), pytest.mark.case("C70")]
HASTY = Patience(head=0.4, body=0.4, least_rate=1000, answer=0.4, idle=0.4, look_every=0.05)
GET = b"GET / HTTP/1.1\r\nHost: hub.test\r\n\r\n"
LARGE, PIECE = 8 * 1024 * 1024, 65_536


@dataclass
class Echo:
    """An app that reads a body whole and says how long it was; `/large` answers much, `/slow` waits until told."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[int] = field(default_factory=list)
    broken_off: int = 0
    answered: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        size, more = 0, scope["path"] != "/early"
        if scope["path"] == "/slow":
            await self.go.wait()
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.broken_off += 1
                return
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.bodies.append(size)
        body = b"x" * LARGE if scope["path"] == "/large" else str(size).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
        )
        for at in range(0, len(body), 65_536):
            await send(
                {"type": "http.response.body", "body": body[at : at + 65_536], "more_body": at + 65_536 < len(body)}
            )
        self.answered += 1


@dataclass
class Served:
    """A server on a free port."""

    port: int
    app: Echo
    gate: Gate

    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, address: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        self.writers.append(writer)
        return reader, writer

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


Serving = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serving(files: tuple[Catalog, Registry]) -> Serving:
    """What serves the echo behind a gate of so many connections."""

    @asynccontextmanager
    async def serve(most: int = 50, patience: Patience = HASTY) -> AsyncIterator[Served]:
        gate = open_gate(files[0].messages, patience)
        gate.most = most
        app = Echo()
        config = uvicorn.Config(app, port=0, http=guarded_by(gate), log_config=None, access_log=False, ws="none",
                                lifespan="off", timeout_keep_alive=5, timeout_graceful_shutdown=3)  # fmt: skip
        server = uvicorn.Server(config)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            running = asyncio.create_task(server.serve([listening]))
            await until(lambda: server.started)
            served = Served(listening.getsockname()[1], app, gate)
            yield served
            app.go.set()
            await served.hang_up()
            server.should_exit = True
            await running
        assert not gate._open

    return serve


async def told(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return status and body of one answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return int(head.split()[1]), await asyncio.wait_for(reader.readexactly(int(lengths[0])), 10)


async def hung_up(reader: asyncio.StreamReader, within: float = 5) -> bool:
    """Say that the other side ended it in time, whatever it said before."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(within):
            while await reader.read(65_536):
                """Whatever it says."""
    return True


async def test_an_ordinary_request_and_the_next_one_on_the_same_connection(serving: Serving) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        for _ in range(3):
            writer.write(GET)
            assert await told(reader) == (200, b"0")
        body = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
        writer.write(body)
        assert await told(reader) == (200, b"5")


HEADS = {
    "one line without end": [b"GET / HTTP/1.1\r\nHost: h\r\nX: ", *[b"a" * 65_536] * 200],
    "an address without end": [b"GET /", *[b"a" * 65_536] * 200],
    "a name without end": [b"GET / HTTP/1.1\r\n", *[b"a" * 65_536] * 200],
    "a large whole one": [b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * MOST_HEAD_BYTES + b"\r\n\r\n"],
    "very many fields": [b"GET / HTTP/1.1\r\nHost: h\r\n", *[b"X: 1\r\n"] * (MOST_FIELDS + 1), b"\r\n"],
    "very many empty lines": [*[b"\r\n" * 16_384] * 20],
    "a large address": [b"GET /" + b"a" * MOST_HEAD_BYTES + b" HTTP/1.1\r\nHost: h\r\n\r\n"],
}


@pytest.mark.parametrize("pieces", HEADS.values(), ids=HEADS)
async def test_a_head_without_end_is_ended(serving: Serving, pieces: list[bytes]) -> None:
    async with serving(patience=Patience()) as hub:
        reader, writer = await hub.connect()

        async def send() -> None:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()

        sending = asyncio.create_task(send())
        status, body = await told(reader)
        assert (status, orjson.loads(body)["code"]) == (431, "request.head_too_large")
        assert await hung_up(reader)
        await sending
        assert hub.app.answered == 0


async def test_what_follows_a_body_is_capped_like_a_head(serving: Serving) -> None:
    """Fields behind a chunked body, and a chunk whose own line never ends."""
    begun = b"POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    for more in (b"0\r\nX: " + b"a" * 400_000, b"0\r\n" + b"X: 1\r\n" * 200 + b"\r\n", b"5;" + b"x" * 400_000):
        async with serving(patience=Patience()) as hub:
            reader, writer = await hub.connect()
            writer.write(begun + more)
            assert await hung_up(reader)
            assert hub.app.answered == 0


@pytest.mark.parametrize("rubbish", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"CONNECT a:443 HTTP/1.1\r\n\r\n",
                                     b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n"])  # fmt: skip
async def test_what_is_no_http_is_told_so_and_logged_nowhere(
    serving: Serving, rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(rubbish)
        status, body = await told(reader)
        assert (status, orjson.loads(body)["code"]) == (400, "request.malformed")
        assert await hung_up(reader)
    assert not [record for record in caplog.records if "Invalid HTTP" in record.message]


async def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(serving: Serving) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n")
        assert await told(reader) == (200, b"0")
        assert await hung_up(reader)


async def test_silence_is_ended_and_half_a_head_is_told(serving: Serving) -> None:
    async with serving() as hub:
        silent, _ = await hub.connect()
        began = monotonic()
        assert await silent.read() == b""
        assert 0.3 < monotonic() - began < 3
        reader, writer = await hub.connect()
        writer.write(GET[:20])
        status, body = await told(reader)
        assert (status, orjson.loads(body)["code"]) == (408, "request.too_slow")
        assert await hung_up(reader)


async def test_a_further_request_has_the_same_time_for_its_head(serving: Serving) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(GET)
        assert await told(reader) == (200, b"0")
        answer = asyncio.create_task(told(reader))  # at once: a write into an ended connection takes away what came
        for piece in (GET[:10], GET[10:20], b"a", b"a", b"a", b"a", b"a", b"a", b"a", b"a"):
            with contextlib.suppress(ConnectionError):
                writer.write(piece)
            await asyncio.sleep(0.1)
        assert (await answer)[0] == 408


async def test_a_connection_nothing_comes_on_ends(serving: Serving) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(GET)
        assert await told(reader) == (200, b"0")
        assert await asyncio.wait_for(reader.read(), 3) == b""


async def test_a_body_that_drips_is_ended_and_a_slow_one_is_not(serving: Serving) -> None:
    async with serving() as hub:
        dripping, writer = await hub.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        slow, slower = await hub.connect()
        slower.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n")
        for _ in range(20):
            with contextlib.suppress(ConnectionError):
                writer.write(b"a")
            slower.write(b"a" * 100)
            await asyncio.sleep(0.05)
        assert await told(slow) == (200, b"2000")
        assert await hung_up(dripping)
        assert (hub.app.bodies, hub.app.broken_off) == ([2000], 1)


async def test_while_the_hub_is_at_work_nobody_is_hurried(serving: Serving) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(GET.replace(b"/ ", b"/slow ", 1))
        stuck, more = await hub.connect()
        more.write(b"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n" + b"a" * 200_000)
        await asyncio.sleep(1.5)
        more.write(b"a" * 100_000)
        hub.app.go.set()
        assert await told(reader) == (200, b"0")
        assert await told(stuck) == (200, b"300000")


async def test_an_answer_nobody_reads_is_given_up_and_a_slow_reader_gets_all(
    serving: Serving,
) -> None:
    async with serving() as hub:
        sockets = [socket.create_connection(("127.0.0.1", hub.port)) for _ in range(2)]
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            one.setblocking(False)
            one.send(GET.replace(b"/ ", b"/large ", 1))
        loop, got = asyncio.get_running_loop(), 0
        while got < LARGE and (piece := await asyncio.wait_for(loop.sock_recv(sockets[0], 65_536), 5)):
            got += len(piece)
            await asyncio.sleep(0.01)
        assert got >= LARGE
        await until(lambda: not hub.gate._open)
        got = 0
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(loop.sock_recv(sockets[1], 65_536), 5):
                got += len(piece)  # what the kernel still had
        assert got < LARGE
        for one in sockets:
            one.close()


async def test_a_request_answered_early_must_end_soon(serving: Serving) -> None:
    """Refused before its body has come: whoever goes on sending is cut off, however fast."""
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(b"POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert await told(reader) == (200, b"0")

        async def send_on() -> None:
            while True:
                writer.write(b"4000\r\n" + b"a" * 16_384 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(send_on(), 10)


async def test_requests_sent_ahead_of_their_answers_are_few(serving: Serving) -> None:
    async with serving() as hub:
        reader, writer = await hub.connect()
        writer.write(GET * (MOST_PIPELINED // 2))
        for _ in range(MOST_PIPELINED // 2):
            assert await told(reader) == (200, b"0")
        writer.write(GET.replace(b"/ ", b"/slow ", 1) + GET * 5_000)
        assert await hung_up(reader)


async def test_who_holds_most_gives_way_to_others(serving: Serving) -> None:
    async with serving(most=40, patience=Patience()) as hub:
        for _ in range(60):
            await hub.connect("127.0.0.2")
        working, asking = await hub.connect("127.0.0.3")
        asking.write(GET.replace(b"/ ", b"/slow ", 1))
        for _ in range(60):
            await hub.connect("127.0.0.2")
        for number in range(30):
            reader, writer = await hub.connect(f"127.0.1.{number + 1}")
            writer.write(GET)
            assert await told(reader) == (200, b"0")
        assert len(hub.gate._open) <= 40
        hub.app.go.set()
        assert await told(working) == (200, b"0")


async def test_what_is_at_work_never_gives_way(serving: Serving) -> None:
    async with serving(most=10) as hub:
        busy = [await hub.connect() for _ in range(10)]
        for _, writer in busy:
            writer.write(GET.replace(b"/ ", b"/slow ", 1))
        await asyncio.sleep(0.1)
        late, _ = await hub.connect()
        status, body = await told(late)
        assert (status, orjson.loads(body)["code"]) == (503, "hub.crowded")
        assert await hung_up(late)
        hub.app.go.set()
        assert [await told(reader) for reader, _ in busy] == [(200, b"0")] * 10


@pytest.mark.parametrize(("files", "most"), [(64, 16), (256, 64), (1024, 824), (65_536, 1000)])
def test_it_is_no_wider_than_there_are_files(files: int, most: int) -> None:
    assert most_of(files) == most
