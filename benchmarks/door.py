"""The hub's HTTP door alone against the sink: POSTs a second one process can send, to relate deliveries a second to.

python -m benchmarks.door PORT,PORT,PORT [seconds] [in flight on each]
"""

import asyncio
import json
import resource
import sys
import time
from itertools import count

import orjson
import uvloop

from benchmarks.prototype.clients import DoorClient
from benchmarks.world import TEMPLATE

_numbers = count(1)


def payload(number: int) -> bytes:
    """Return a body as the hub would send it, with a reference of its own."""
    reference = b"00000000-0000-4000-8000-%012x" % number
    answers = orjson.loads(TEMPLATE.replace(b"{{id}}", reference).replace(b"{{n}}", b"%010d" % number))["answers"]
    names = ("reference", "title", "category", "severity", "site", "households", "detail", "location")
    return orjson.dumps({"key": reference.decode(), **{name: answers[f"inspection.{name}"] for name in names}})


async def send(client: DoorClient, bodies: list[bytes], until: float) -> int:
    """Post one after the other until the time is over; return how many were answered."""
    sent = 0
    while time.monotonic() < until:
        number = next(_numbers)
        if await client.post(bodies[number % len(bodies)], f"key-{number}") != 201:  # noqa: PLR2004 - created
            raise SystemExit("the sink did not take a POST")
        sent += 1
    return sent


async def measure(ports: list[int], seconds: float, in_flight: int) -> dict[str, float]:
    """Return POSTs a second over all ports, and the share of a core they took."""
    bodies = [payload(number) for number in range(2000)]
    clients = [DoorClient(port) for port in ports]
    await asyncio.gather(*(send(client, bodies, time.monotonic() + seconds / 4) for client in clients))
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    until = began + seconds
    sent = await asyncio.gather(*(send(client, bodies, until) for client in clients for _ in range(in_flight)))
    passed = time.monotonic() - began
    for client in clients:
        await client.aclose()
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"posts": sum(sent) / passed, "core": spent / passed}


def main() -> None:
    ports = [int(port) for port in sys.argv[1].split(",")]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0  # noqa: PLR2004 - given or not
    in_flight = int(sys.argv[3]) if len(sys.argv) > 3 else 32  # noqa: PLR2004 - given or not
    sys.stdout.write(json.dumps(uvloop.run(measure(ports, seconds, in_flight))) + "\n")


if __name__ == "__main__":
    main()
