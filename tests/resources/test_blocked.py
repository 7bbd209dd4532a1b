"""The real hub with a connector that blocks its event loop: said meanwhile, counted, and nothing is lost (F74)."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hub.worker.watch import STILL_S
from tests.crash.mortal import free_port
from tests.fifth.ledger_world import LEDGERS, HubProcess, Ledgers, sign_in, submission, wiring
from tests.resources.test_restore_real import OWN_PAGE

BLOCK_S = 3.0
LOADED_S = 0.8
"""What other work on the machine may add to what is promised."""
MARKER = "独门秘方"


class Blocked(HubProcess):
    """A hub one of whose Systems has the connector that blocks."""

    def write_files(self, **limits: int) -> None:
        super().write_files(**limits)
        wired = wiring(self.ledgers_port, **limits)
        first = wired["systems"][LEDGERS[0]]
        first["connector"] = "blocking"
        first["settings"] |= {"block_s": BLOCK_S, "notes": str(self.notes)}
        (self.home / "connectors.yaml").write_text(json.dumps(wired))
        self.extra["HUB_CONNECTOR_PACKAGES"] = '["tests.fifth", "tests.resources.systems"]'

    @property
    def notes(self) -> Path:
        return self.home / "blocked.json"

    def said(self, event: str) -> list[dict[str, Any]]:
        """What the log has of one kind."""
        lines = (self.home / "hub.log").read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in found if line["event"] == event]

    async def until_said(self, event: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while not (found := self.said(event)):  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(0.02)
        return found[0]


@pytest.fixture
async def ledgers() -> AsyncIterator[Ledgers]:
    async with Ledgers() as made:
        yield made


@pytest.fixture
async def hub(tmp_path: Path, ledgers: Ledgers) -> AsyncIterator[Blocked]:
    made = Blocked(tmp_path / "hub", free_port(), ledgers.port, f"sqlite:///{tmp_path}/hub/hub.db")
    made.write_files()
    made.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        await made.ready(client)
    yield made
    assert made.stop() == 0


@pytest.fixture
async def client(hub: Blocked) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20, trust_env=False, base_url=hub.url) as made:
        await sign_in(made, hub.url)
        yield made


async def submit(client: httpx.AsyncClient, number: int) -> int:
    body = submission(number, str(uuid4())).replace("路灯".encode(), MARKER.encode())
    return (await client.post("/api/v1/submissions", content=body, headers=OWN_PAGE)).status_code


async def is_answering(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz", timeout=0.2)).is_success
    except httpx.TimeoutException:
        return False


async def figure(client: httpx.AsyncClient, name: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.partition(" ")[2]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.fault("F74")
async def test_a_connector_that_blocks_is_told_of_meanwhile_and_nothing_is_lost(
    hub: Blocked, client: httpx.AsyncClient, ledgers: Ledgers
) -> None:
    assert (await client.get("/healthz")).json() == {"alive": True, "durability": "full"}
    answers = [asyncio.create_task(submit(client, number)) for number in range(3)]
    warned = await hub.until_said("loop.blocked")
    assert not await is_answering(client), "it was told of only when it was over"
    assert not hub.notes.exists()
    ended = await hub.until_said("loop.turns_again")
    began_at, ended_at = json.loads(hub.notes.read_text())
    warned_at = datetime.fromisoformat(warned["timestamp"]).timestamp()
    assert began_at < warned_at < began_at + STILL_S + LOADED_S
    assert warned["frames"][-1].endswith(" Connector._block")
    assert any(frame.endswith(" attempt") for frame in warned["frames"])
    assert MARKER not in str(warned)
    assert ended["seconds"] >= round(ended_at - began_at, 1)
    assert await asyncio.gather(*answers) == [201] * 3
    assert await submit(client, 3) == 201
    await all_arrived(ledgers, 4)
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.get("/healthz")).json()["blocked"] == 1
    assert await figure(client, "hub_loop_blocked") == 1
    assert await figure(client, "hub_loop_blocked_seconds") >= BLOCK_S
    assert [len(hub.said(event)) for event in ("loop.blocked", "loop.turns_again")] == [1, 1]


async def all_arrived(ledgers: Ledgers, many: int) -> None:
    async with asyncio.timeout(20):
        while {len(seen) for seen in ledgers.seen.values()} != {many}:  # noqa: ASYNC110 - the ledgers ring nobody
            await asyncio.sleep(0.02)
    assert {times for seen in ledgers.seen.values() for times in seen.values()} == {1}


@pytest.mark.fault("F74")
async def test_a_process_that_was_stopped_and_goes_on_accuses_no_connector(
    hub: Blocked, client: httpx.AsyncClient
) -> None:
    """As a machine that was suspended: it says that it stood still, not that somebody blocked it."""
    assert hub.process is not None
    for _ in range(3):
        await asyncio.sleep(1.3)
        hub.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(2.5)
        hub.process.send_signal(signal.SIGCONT)
        assert (await client.get("/readyz")).status_code == 200
    await asyncio.sleep(1.5)
    assert len(hub.said("process.stood_still")) == 3
    assert hub.said("loop.blocked") == []
    assert await figure(client, "hub_loop_blocked") == 0
