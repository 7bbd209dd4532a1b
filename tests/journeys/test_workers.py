"""Two workers on one PostgreSQL, the web in a third process: everything goes once, nothing twice."""

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.fifth.ledger_world import LEDGERS, Ledgers
from tests.journeys.ledgers import hung_up, ledger_hub, signed_in, submit, until_true

SUBMISSIONS, CLIENTS = 300, 6
WORKERS = ("work-one", "work-two")


@pytest.mark.fault("F40")
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_workers_never_send_twice(tmp_path: Path, database_url: str) -> None:
    async with Ledgers() as ledgers:
        hub = ledger_hub(tmp_path / "hub", database_url, ledgers, WORKER="false", LOG_LEVEL="debug")
        try:
            await asyncio.to_thread(hub.serve)
            for name in WORKERS:
                hub.start("work", name)
            async with signed_in(hub, "ada") as client:
                await asyncio.gather(*(officer(client, number) for number in range(CLIENTS)))
            await until_true(lambda: settled(database_url), 90)
        finally:
            await asyncio.to_thread(hub.stop)
            await hung_up()
    for name in LEDGERS:
        assert len(ledgers.seen[name]) == SUBMISSIONS
        assert set(ledgers.seen[name].values()) == {1}, f"{name} got something twice"
    assert [hub.children[name].process.returncode for name in ("serve", *WORKERS)] == [0, 0, 0]
    shares = [hub.log(name).count('"outcome": "accepted"') for name in WORKERS]
    assert sum(shares) == SUBMISSIONS * len(LEDGERS)
    assert min(shares) > 0, "one worker did everything: nothing is proven about two"
    assert '"outcome"' not in hub.log(), "the web process was told to leave delivering to workers"


async def officer(client: httpx.AsyncClient, number: int) -> None:
    """Report one thing after another."""
    for one in range(SUBMISSIONS // CLIENTS):
        await submit(client, number * SUBMISSIONS + one)


async def settled(url: str) -> bool:
    """Say whether all is delivered."""
    return await asyncio.to_thread(count_delivered, url) == SUBMISSIONS * len(LEDGERS)


def count_delivered(url: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM delivery WHERE state = 'delivered'"))
            return int(found.scalar_one())
    finally:
        engine.dispose()
