"""Measures the hub with everything on: durable submissions a second with fan-out 3, and deliveries a second.

    python -m benchmarks [--count 2000] [--clients 1,16,64] [--rounds 3] [--database sqlite|URL]

Hub, Systems and load generator are three processes on this machine's cores. Load generator and Systems are pure Python;
the table says which share of one core they took, so that it shows when they are the bottleneck.
"""

import argparse
import asyncio
import multiprocessing
import resource
import socket
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.load import Aim, Tally, run
from tests.fifth.ledger_world import LEDGERS, HubProcess, Ledgers, sign_in, submission

QUIET_S = 60.0


def serve_ledgers(pipe: Connection) -> None:
    """Run the three Systems in a process of their own; answer `count` with deliveries so far."""

    async def serve() -> None:
        async with Ledgers() as ledgers:
            pipe.send(ledgers.port)
            while True:
                while not pipe.poll():  # noqa: ASYNC110 - the pipe is another process
                    await asyncio.sleep(0.01)
                if pipe.recv() == "stop":
                    return
                pipe.send(sum(len(keys) for keys in ledgers.seen.values()))

    asyncio.run(serve())


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_delivered(pipe: Connection, wanted: int) -> float:
    """Return when the Systems had that many deliveries."""
    last, moved = -1, time.perf_counter()
    while time.perf_counter() - moved < QUIET_S:
        pipe.send("count")
        have = pipe.recv()
        if have >= wanted:
            return time.perf_counter()
        if have != last:
            last, moved = have, time.perf_counter()
        time.sleep(0.02)
    raise SystemExit(f"only {last} of {wanted} deliveries came within {QUIET_S} s of the last one")


async def measure(hub: HubProcess, pipe: Connection, clients: int, count: int) -> tuple[Tally, float]:
    """Return what one round's clients saw, and complete submissions a second (all three Systems have them)."""
    async with httpx.AsyncClient(trust_env=False) as client:
        await sign_in(client, hub.url)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    aim = Aim("127.0.0.1", hub.port, "/api/v1/submissions", cookie)
    bodies = [submission(n, str(uuid4())) for n in range(count)]
    pipe.send("count")
    before = pipe.recv()
    began = time.perf_counter()
    tally = await run(aim, bodies.__getitem__, clients, count)
    done = await asyncio.to_thread(wait_delivered, pipe, before + tally.accepted * len(LEDGERS))
    return tally, tally.accepted / (done - began)


async def measure_all(hub: HubProcess, pipe: Connection, levels: list[int], asked: argparse.Namespace) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await hub.ready(client)
    await measure(hub, pipe, 8, 200)
    table = Table(title=f"fan-out 3, {asked.count} submissions a round, median of {asked.rounds}")
    for name in ("clients", "accepted/s", "complete/s", "deliveries/s", "answer p50 ms", "p99 ms", "refused"):
        table.add_column(name, justify="right")
    for level in levels:
        rounds = [await measure(hub, pipe, level, asked.count) for _ in range(asked.rounds)]
        middle = statistics.median
        complete = middle(each for _, each in rounds)
        table.add_row(
            str(level),
            f"{middle(t.per_second for t, _ in rounds):.0f}",
            f"{complete:.0f}",
            f"{complete * len(LEDGERS):.0f}",
            f"{middle(t.percentile(0.5) for t, _ in rounds):.1f}",
            f"{middle(t.percentile(0.99) for t, _ in rounds):.1f}",
            str(sum(t.refused for t, _ in rounds)),
        )
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--clients", default="1,16,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", default="sqlite")
    asked = parser.parse_args()
    pipe, far = multiprocessing.Pipe()
    systems = multiprocessing.Process(target=serve_ledgers, args=(far,), daemon=True)
    systems.start()
    with tempfile.TemporaryDirectory(prefix="fillonce-bench-") as folder:
        url = f"sqlite:///{folder}/hub.db" if asked.database == "sqlite" else asked.database
        hub = HubProcess(Path(folder), free_port(), pipe.recv(), url)
        hub.write_files(in_flight=32)
        hub.start()
        try:
            asyncio.run(measure_all(hub, pipe, [int(level) for level in asked.clients.split(",")], asked))
            own = resource.getrusage(resource.RUSAGE_SELF)
            Console().print(f"load generator: {own.ru_utime + own.ru_stime:.1f} s of processor time")
        finally:
            hub.stop()
            pipe.send("stop")
            systems.join()


if __name__ == "__main__":
    main()
