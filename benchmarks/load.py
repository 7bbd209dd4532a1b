"""A closed-loop load generator on bare asyncio streams: keep-alive connections, one request at a time on each."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What the clients of one run saw."""

    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    waits_ms: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return 2xx answers a second."""
        return self.accepted / self.seconds

    def percentile(self, share: float) -> float:
        """Return the answer time in ms below which this share of requests lie."""
        waits = sorted(self.waits_ms)
        return waits[int((len(waits) - 1) * share)]


@dataclass(frozen=True)
class Aim:
    """Where to post, as whom."""

    host: str
    port: int
    path: str
    cookie: str


async def run(aim: Aim, bodies: Callable[[int], bytes], clients: int, count: int) -> Tally:
    """Post `count` bodies over `clients` connections."""
    tally, numbers = Tally(), iter(range(count))
    started = time.perf_counter()
    await asyncio.gather(*(_client(aim, bodies, numbers, tally) for _ in range(clients)))
    tally.seconds = time.perf_counter() - started
    return tally


async def _client(aim: Aim, bodies: Callable[[int], bytes], numbers: Iterator[int], tally: Tally) -> None:
    reader, writer = await asyncio.open_connection(aim.host, aim.port)
    head = (
        f"POST {aim.path} HTTP/1.1\r\nHost: {aim.host}\r\nCookie: {aim.cookie}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    for number in numbers:
        body = bodies(number)
        began = time.perf_counter()
        writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
        status, length = _read_head(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(length)
        tally.waits_ms.append((time.perf_counter() - began) * 1000)
        if status in (200, 201):
            tally.accepted += 1
        else:
            tally.refused += 1
    writer.close()


def _read_head(head: bytes) -> tuple[int, int]:
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), length
