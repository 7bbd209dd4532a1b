"""The real hub and strangers: a header without end, silence by the hundred, a crowd that signs in."""

import asyncio
import contextlib
import resource
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic
from uuid import uuid4

import httpx
import pytest

from tests.crash.mortal import free_port
from tests.fifth.ledger_world import HubProcess, Ledgers, sign_in, submission
from tests.resources.test_restore_real import OWN_PAGE

pytestmark = pytest.mark.timeout(300)
FILES = 120
MEGABYTE = 1024 * 1024


@contextmanager
def few_files(most: int) -> Iterator[None]:
    """Let processes started meanwhile open few files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(params=[FILES])
async def hub(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[HubProcess]:
    async with Ledgers() as ledgers, httpx.AsyncClient(trust_env=False) as client:
        made = HubProcess(tmp_path / "hub", free_port(), ledgers.port, f"sqlite:///{tmp_path}/hub/hub.db")
        made.write_files()
        with few_files(request.param):
            made.start()
        await made.ready(client)
        yield made
        assert made.stop() == 0


def memory(hub: HubProcess, what: str = "VmRSS") -> int:
    assert hub.process is not None
    lines = Path(f"/proc/{hub.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def forget_peak(hub: HubProcess) -> int:
    """Begin to measure the peak anew; the start itself has one."""
    assert hub.process is not None
    Path(f"/proc/{hub.process.pid}/clear_refs").write_text("5")
    return memory(hub, "VmHWM")


@pytest.mark.fault("F92")
@pytest.mark.case("C70")
async def test_a_header_without_end_stays_in_nobodys_memory(hub: HubProcess) -> None:
    before = forget_peak(hub)
    _, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(100):
            writer.write(b"a" * MEGABYTE)
            await asyncio.wait_for(writer.drain(), 20)
    assert memory(hub, "VmHWM") - before < 20 * MEGABYTE
    writer.close()


@pytest.mark.fault("F92")
@pytest.mark.case("C70")
async def test_others_get_in_while_hundreds_are_silent(hub: HubProcess) -> None:
    """Twice as many connections as files, kept open by somebody who says nothing, half a head, or half a body."""
    said = [b"", b"GET / HTTP/1.1\r\n", b"POST /api/v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{"]
    kept = []
    for number in range(2 * FILES):
        with contextlib.suppress(ConnectionError):
            _, writer = await asyncio.open_connection("127.0.0.1", hub.port, local_addr=("127.0.0.2", 0))
            writer.write(said[number % 3])
            kept.append(writer)
    for _ in range(3):
        began = monotonic()
        async with httpx.AsyncClient(timeout=20, trust_env=False, base_url=hub.url) as newcomer:
            assert (await newcomer.get("/healthz")).json()["alive"] is True
            await sign_in(newcomer, hub.url)
            answer = await newcomer.post("/api/v1/submissions", content=submission(1, str(uuid4())), headers=OWN_PAGE)
            assert answer.status_code == 201
        assert monotonic() - began < 20
    for writer in kept:
        writer.close()


@pytest.mark.fault("F89")
@pytest.mark.case("C67")
@pytest.mark.parametrize("hub", [1024], indirect=True)
async def test_a_crowd_that_signs_in_costs_two_places_and_holds_nobody_up(hub: HubProcess) -> None:
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(timeout=120, trust_env=False, base_url=hub.url, limits=limits) as client:
        await sign_in(client, hub.url)
        before = forget_peak(hub)
        body = {"login": "opal", "password": "crash-test-dummy"}
        own = OWN_PAGE | {"Cookie": f"hub_session={client.cookies['hub_session']}"}

        async def submit() -> float:
            began = monotonic()
            await client.post("/api/v1/submissions", content=submission(1, str(uuid4())), headers=own)
            return monotonic() - began

        calm = median([await submit() for _ in range(10)])
        crowd = [asyncio.create_task(client.post("/api/v1/sessions", json=body, headers=OWN_PAGE)) for _ in range(40)]
        waits = []
        while not all(task.done() for task in crowd):
            waits.append(await submit())
            await asyncio.sleep(0.05)
        answers = await asyncio.gather(*crowd)
        assert Counter(answer.status_code for answer in answers) == {200: 40}
        assert memory(hub, "VmHWM") - before < 250 * MEGABYTE
        assert median(waits) < max(0.5, 10 * calm)
