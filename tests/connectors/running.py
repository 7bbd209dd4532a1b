"""The running simulators of `system.py` as plain context managers, for tests that hold on to a port."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from hub.sdk import Connector, Outgoing
from tests.connectors import system


@contextmanager
def simulator(
    kind: str, directory: Path, *arguments: str, seed: Mapping[str, Any] | None = None, port: int = 0
) -> Iterator[int]:
    """A simulator with its sample seed, or another, as long as the block runs."""
    running = system.System(kind, directory)
    running.port = port
    try:
        running.start(running.simulator.sample_seed() if seed is None else seed, *arguments)
        yield running.port
    finally:
        running.stop()


@asynccontextmanager
async def connected(kind: str, port: int, directory: Path, **changed: object) -> AsyncIterator[Connector]:
    """A connector with real doors to the simulator on a port."""
    running = system.System(kind, directory)
    running.port = port
    async with running.connector(**changed) as connector:
        yield connector


def outgoing(payload: Mapping[str, Any], key: str = "rec-1:system:1", **more: Any) -> Outgoing:  # noqa: ANN401 - fields of Outgoing
    """A delivery as the outbox hands it over, to a connector that does not look at the flow."""
    return system.outgoing("sample", payload, key, **more)


async def page_of(port: int) -> str:
    """What a person sees who looks at the System."""

    def look() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=system.PATIENCE_S) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(look)
