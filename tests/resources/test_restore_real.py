"""The real hub put back to an old copy: backup under load, on it goes, kill, restore; then the Systems' own ledgers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.crash.mortal import free_port
from tests.fifth.ledger_world import LEDGERS, HubProcess, Ledgers, sign_in, submission
from tests.resources.commands import hub_command

OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
ENOUGH = 6
READY = {"database": True, "disk": True, "photos": True, "epoch": 2}
FAN_OUT = "SELECT s.client_id, d.key, d.state FROM submission s JOIN record r ON r.submission_id = s.id JOIN delivery d ON d.record_id = r.id"  # noqa: E501 - one line reads best


class Desk:
    """Submits without end and knows what was acknowledged."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.acked: set[str] = set()
        self._client, self._url, self._more = client, url, asyncio.Condition()

    async def work(self) -> None:
        while True:
            client_id = str(uuid4())
            body = submission(len(self.acked), client_id)
            answer = await self._client.post(f"{self._url}/api/v1/submissions", content=body, headers=OWN_PAGE)
            assert answer.status_code == 201, answer.text
            async with self._more:
                self.acked.add(client_id)
                self._more.notify_all()
            await asyncio.sleep(0.25)  # faster than the ledgers may be served, so that the copy finds something open

    async def reached(self, many: int) -> set[str]:
        async with self._more:
            await self._more.wait_for(lambda: len(self.acked) >= many)
        return set(self.acked)


@asynccontextmanager
async def submitting(desk: Desk) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(desk.work()) for _ in range(2)]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def fan_out(url: str) -> list[tuple[str, str, str]]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(text(FAN_OUT))]
    finally:
        engine.dispose()


async def all_delivered(url: str) -> list[tuple[str, str, str]]:
    for _ in range(600):
        rows = fan_out(url)
        if {state for *_, state in rows} == {"delivered"}:
            return rows
        await asyncio.sleep(0.1)
    raise AssertionError("deliveries were still open")


@pytest.mark.fault("F25", "F26")
@pytest.mark.timeout(300)
async def test_a_killed_hub_goes_on_from_an_old_copy_with_the_old_keys(tmp_path: Path, database_url: str) -> None:
    async with Ledgers() as ledgers, httpx.AsyncClient(timeout=30, trust_env=False) as client:
        hub = HubProcess(tmp_path / "hub", free_port(), ledgers.port, database_url)
        hub.write_files(in_flight=2, per_second=3)
        hub.start()
        await hub.ready(client)
        await sign_in(client, hub.url)
        known = await live_copy_and_die(hub, client, tmp_path / "copy.zip")
        before, sent = fan_out(database_url), {key for seen in ledgers.seen.values() for key in seen}
        await put_back(hub, tmp_path / "copy.zip")
        hub.start()
        await hub.ready(client)
        after = await all_delivered(database_url)
        assert (await client.get(f"{hub.url}/readyz")).json() == READY
        assert "hub_epoch 2.0" in (await client.get(f"{hub.url}/metrics")).text
        assert hub.stop() == 0
    assert '"event": "hub.restored"' in (tmp_path / "hub/hub.log").read_text()
    judge(known, before, after)
    judge_ledgers(ledgers, sent, {key for _, key, _ in after})


async def live_copy_and_die(hub: HubProcess, client: httpx.AsyncClient, copy: Path) -> set[str]:
    """Submit, copy meanwhile, submit on until all is delivered, then die; return what the copy must hold."""
    desk = Desk(client, hub.url)
    async with submitting(desk):
        known = await desk.reached(ENOUGH)
        code, said = await hub_command(hub, "backup", str(copy))
        assert code == 0, said
        await desk.reached(len(known) + ENOUGH)
    await all_delivered(hub.database_url)
    hub.kill()
    return known


async def put_back(hub: HubProcess, copy: Path) -> None:
    code, said = await hub_command(hub, "restore", str(copy))
    assert (code, "holds something already" in said) == (1, True), said
    code, said = await hub_command(hub, "restore", str(copy), "--force")
    assert (code, "epoch 2 begins" in said, "go again under their old key" in said) == (0, True, True), said


def judge(known: set[str], before: list[tuple[str, str, str]], after: list[tuple[str, str, str]]) -> None:
    """The copy is of one moment: all acknowledged by then are whole in it, and it is older than the end."""
    ids_before, ids_after = {row[0] for row in before}, {row[0] for row in after}
    assert len(known) >= ENOUGH
    assert known <= ids_after
    assert ids_after < ids_before, "the copy was not old: the run proves nothing"
    assert len(after) == len(ids_after) * len(LEDGERS), "a fan-out is torn"
    assert {row[1] for row in after} < {row[1] for row in before}, "a restored Delivery has another key"


def judge_ledgers(ledgers: Ledgers, sent: set[str], restored: set[str]) -> None:
    """What the copy had as open went again: under keys the Systems knew, with the bytes they knew."""
    received = {key for seen in ledgers.seen.values() for key in seen}
    again = {key for seen in ledgers.seen.values() for key, times in seen.items() if times > 1}
    assert received == sent, "a System got a key it had never seen"
    assert again, "nothing was open in the copy: the run proves nothing"
    assert again <= restored
    assert all(len(ledgers.bodies[key]) == 1 for key in received), "the same key came with other bytes"
