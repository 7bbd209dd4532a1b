"""Kill -9 the hub between submit and delivery, again and again: nothing lost, nothing torn, one key per obligation."""

import asyncio
import random
import socket
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.fifth.ledger_world import LEDGERS, HubProcess, Ledgers, sign_in, submission

KILLS = 20
IN_FLIGHT = 8
CLIENTS = 4
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Officers:
    """Keep submitting over every crash: a body without an answer is sent again under the same id."""

    def __init__(self, url: str, cookies: httpx.Cookies) -> None:
        self.url, self.cookies = url, cookies
        self.acked: set[str] = set()
        self.sent = 0
        self.running = True

    async def work(self) -> None:
        async with httpx.AsyncClient(cookies=self.cookies, timeout=5, trust_env=False) as client:
            while self.running:
                self.sent += 1
                client_id = str(uuid4())
                body = submission(self.sent, client_id)
                while not await self._answered(client, client_id, body):  # noqa: ASYNC110 - nothing tells when a killed process is back
                    await asyncio.sleep(0.05)

    async def _answered(self, client: httpx.AsyncClient, client_id: str, body: bytes) -> bool:
        try:
            answer = await client.post(f"{self.url}/api/v1/submissions", content=body, headers=SAME_ORIGIN)
        except httpx.TransportError:
            return False
        assert answer.status_code in (200, 201, 503), answer.text
        if answer.status_code != 503:
            self.acked.add(client_id)
        return answer.status_code != 503


async def drained(url: str, ledgers: Ledgers, limit_s: float = 60) -> list[tuple[str, str, int]]:
    """Wait until nothing is open, by progress; return the rows of submission, records and deliveries."""
    engine = create_engine(url)
    try:
        for _ in range(int(limit_s / 0.1)):
            with engine.connect() as connection:
                left = connection.execute(text("SELECT count(*) FROM delivery WHERE state != 'delivered'")).scalar_one()
            if left == 0:
                break
            await asyncio.sleep(0.1)
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT s.client_id, coalesce(d.key, ''), coalesce(d.state, '') FROM submission s "
                    "LEFT JOIN record r ON r.submission_id = s.id LEFT JOIN delivery d ON d.record_id = r.id"
                )
            )
            return [tuple(row) for row in rows]
    finally:
        engine.dispose()


@pytest.mark.timeout(900)
async def test_twenty_kills_lose_nothing(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    seed = 20261122
    dice = random.Random(seed)
    async with Ledgers() as ledgers, httpx.AsyncClient(timeout=5, trust_env=False) as client:
        hub = HubProcess(tmp_path / "hub", free_port(), ledgers.port, database_url)
        hub.write_files(in_flight=IN_FLIGHT)
        hub.start()
        await hub.ready(client)
        await sign_in(client, hub.url)
        officers = Officers(hub.url, client.cookies)
        tasks = [asyncio.create_task(officers.work()) for _ in range(CLIENTS)]
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.1, 0.6))
            hub.kill()
            hub.start()
            await hub.ready(client)
        officers.running = False
        await asyncio.gather(*tasks)
        rows = await drained(database_url, ledgers)
        assert hub.stop() == 0
    judge(officers, ledgers, rows, seed)
    with capsys.disabled():
        said = f"{len(officers.acked)} acked, 0 lost, {repeats(ledgers)} repeats, each with its own key and bytes"
        sys.stdout.write(f"\n  {KILLS} kills (seed {seed}): {said}\n")


def repeats(ledgers: Ledgers) -> int:
    """Count how often a key came again."""
    return sum(sum(count.values()) - len(count) for count in ledgers.seen.values())


def judge(officers: Officers, ledgers: Ledgers, rows: list[tuple[str, str, int]], seed: int) -> None:
    """Compare what officers were told, what the database keeps and what the Systems got."""
    stored = {client_id for client_id, _, _ in rows}
    keys = {key for _, key, _ in rows}
    assert officers.acked, "nothing was acknowledged: the run proves nothing"
    assert officers.acked <= stored, f"lost after acknowledgement (seed {seed})"
    assert len(stored) == officers.sent, "a body sent again became a second submission"
    assert len(rows) == len(stored) * len(LEDGERS), "a fan-out is torn"
    assert "" not in keys
    assert {state for _, _, state in rows} == {"delivered"}
    received = {key for count in ledgers.seen.values() for key in count}
    assert received == keys, "undelivered or phantom"
    assert all(len(ledgers.bodies[key]) == 1 for key in keys), "a repeat came with other bytes"
    assert repeats(ledgers) <= KILLS * IN_FLIGHT * len(LEDGERS)
