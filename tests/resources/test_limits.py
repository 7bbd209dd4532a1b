"""The real hub short of room and of file handles: it answers, says what is missing, and recovers by itself."""

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from uuid import uuid4

import httpx
import pytest

from tests.crash.mortal import free_port
from tests.fifth.ledger_world import HubProcess, Ledgers, sign_in, submission
from tests.resources.test_restore_real import OWN_PAGE


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    """A hub of its own, delivering to ledgers, ready."""
    async with Ledgers() as ledgers, httpx.AsyncClient(trust_env=False) as client:
        made = HubProcess(tmp_path / "hub", free_port(), ledgers.port, f"sqlite:///{tmp_path}/hub/hub.db")
        made.write_files()
        made.start()
        await made.ready(client)
        yield made
        assert made.stop() == 0


@pytest.fixture
async def client(hub: HubProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20, trust_env=False, base_url=hub.url) as made:
        await sign_in(made, hub.url)
        yield made


async def submit(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/v1/submissions", content=submission(1, str(uuid4())), headers=OWN_PAGE)


def limited(hub: HubProcess, what: int, most: int) -> tuple[int, int]:
    """Give the running process a soft limit; return what it had."""
    assert hub.process is not None
    before = resource.prlimit(hub.process.pid, what)
    resource.prlimit(hub.process.pid, what, (most, before[1]))
    return before


@pytest.mark.fault("F6", "F7")
async def test_without_room_for_database_photos_and_log_it_says_so_and_heals(
    hub: HubProcess, client: httpx.AsyncClient
) -> None:
    """No file of the process may grow beyond 8 KiB: the log of the database, a photo, its own log lines."""
    assert (await submit(client)).status_code == 201
    before = limited(hub, resource.RLIMIT_FSIZE, 8_192)
    answers = [await submit(client) for _ in range(5)]
    told = {(answer.status_code, answer.json()["code"]) for answer in answers}
    assert (507, "store.full") in told
    # A reader that opens now finds no room for its index of the log.
    assert told <= {(507, "store.full"), (503, "store.unavailable")}
    assert all("retry-after" in answer.headers for answer in answers)
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["disk"]) == (503, False)
    assert (await client.get("/healthz")).json()["alive"] is True
    limited(hub, resource.RLIMIT_FSIZE, before[0])
    assert (await client.get("/readyz")).status_code == 200
    assert (await submit(client)).status_code == 201


@pytest.mark.fault("F7")
async def test_a_log_that_cannot_be_written_blocks_nobody(tmp_path: Path) -> None:
    async with Ledgers() as ledgers, httpx.AsyncClient(timeout=20, trust_env=False) as client:
        made = HubProcess(tmp_path / "hub", free_port(), ledgers.port, f"sqlite:///{tmp_path}/hub/hub.db")
        made.extra["HUB_LOG_LEVEL"] = "debug"
        made.write_files()
        (made.home / "hub.log").symlink_to("/dev/full")
        made.start()
        await made.ready(client)
        await sign_in(client, made.url)
        client.base_url = httpx.URL(made.url)
        assert [(await submit(client)).status_code for _ in range(5)] == [201] * 5
        for _ in range(200):
            if sum(len(seen) for seen in ledgers.seen.values()) == 15:
                break
            await asyncio.sleep(0.05)
        assert sum(len(seen) for seen in ledgers.seen.values()) == 15
        assert made.stop() == 0


@pytest.mark.fault("F74")
async def test_without_file_handles_it_stays_in_reach_and_recovers(hub: HubProcess, client: httpx.AsyncClient) -> None:
    assert hub.process is not None
    open_now = sum(1 for _ in Path(f"/proc/{hub.process.pid}/fd").iterdir())  # noqa: ASYNC240 - one look
    before = limited(hub, resource.RLIMIT_NOFILE, open_now + 4)
    crowd = [await asyncio.open_connection("127.0.0.1", hub.port) for _ in range(30)]
    for _ in range(3):
        began = monotonic()
        assert (await client.get("/healthz")).json()["alive"] is True
        assert monotonic() - began < 1
        assert (await submit(client)).status_code in {201, 503}
    for _, writer in crowd:
        writer.close()
    limited(hub, resource.RLIMIT_NOFILE, before[0])
    async with httpx.AsyncClient(timeout=20, trust_env=False) as newcomer:
        assert (await newcomer.get(f"{hub.url}/readyz")).status_code == 200
    assert (await submit(client)).status_code == 201
