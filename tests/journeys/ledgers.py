"""Hubs that serve ledgers only: for what needs many deliveries, or a System that answers late or never."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import httpx

from tests.fifth.ledger_world import ACCOUNTS, Ledgers, sign_in, submission, wiring
from tests.journeys.process import Hub

Found = TypeVar("Found")
JSON = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}


def ledger_hub(home: Path, database_url: str, ledgers: Ledgers, answer_within: str = "10s", **told: str) -> Hub:
    """A hub that sends every finding to three ledgers, not started yet."""
    document = wiring(ledgers.port)
    for system in document["systems"].values():
        system["limits"]["answer_within"] = answer_within
    home.mkdir(parents=True, exist_ok=True)
    (home / "connectors.yaml").write_text(json.dumps(document), encoding="utf-8")
    (home / "accounts.yaml").write_text(json.dumps(ACCOUNTS), encoding="utf-8")
    settings = {
        "CONNECTORS_FILE": str(home / "connectors.yaml"),
        "CONNECTOR_PACKAGES": '["tests.fifth"]',
        "SEED_ACCOUNTS": str(home / "accounts.yaml"),
        "LOG_LEVEL": "info",
    }
    return Hub(home, database_url, settings | told)


@asynccontextmanager
async def signed_in(hub: Hub, login: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    async with httpx.AsyncClient(base_url=f"{hub.url}/api/v1/", headers=JSON, timeout=30, trust_env=False) as client:
        await sign_in(client, hub.url, login)
        yield client


async def submit(client: httpx.AsyncClient, number: int) -> str:
    """Report something; return the submission's id."""
    answer = await client.post("submissions", content=submission(number, str(uuid4())))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def until_true(look: Callable[[], Awaitable[Found]], within_s: float) -> Found:
    """Return the first answer of `look` that counts; fail when time is up."""
    async with asyncio.timeout(within_s):
        while not (found := await look()):  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.1)
        return found


async def hung_up() -> None:
    """Wait until the hub's connections to the ledgers are closed on this side too."""
    me = asyncio.current_task()
    with suppress(asyncio.CancelledError):
        for task in asyncio.all_tasks() - {me}:
            await asyncio.wait([task], timeout=10)
    await asyncio.sleep(0)
