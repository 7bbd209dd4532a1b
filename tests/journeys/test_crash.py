"""The hub dies right after a System got the bytes: sent once more with the same key, marked as a repeat."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.fifth.ledger_world import LEDGERS, Ledgers
from tests.journeys.ledgers import hung_up, ledger_hub, signed_in, submit, until_true

STRUCK = LEDGERS[0]


@dataclass
class Deadly(Ledgers):
    """Ledgers of which the first keeps what it gets and, once, strikes before it answers."""

    strike: Callable[[], None] | None = None
    struck: list[str] = field(default_factory=list)

    def _answer(self, name: str, key: str, body: bytes) -> bytes:
        answer = super()._answer(name, key, body)
        if name == STRUCK and self.strike is not None and not self.struck:
            self.struck.append(key)
            self.strike()
        return answer


@pytest.mark.fault("F39")
async def test_what_was_sent_and_not_settled_goes_again_with_its_key(tmp_path: Path, database_url: str) -> None:
    async with Deadly() as ledgers:
        # A dead worker's lease lasts as long as an answer may take, and a margin: on PostgreSQL it is waited for.
        hub = ledger_hub(tmp_path / "hub", database_url, ledgers, answer_within="2s")
        try:
            await asyncio.to_thread(hub.serve)
            async with signed_in(hub, "ada") as client:
                ledgers.strike = hub.kill
                with suppress(httpx.TransportError):  # it may die before it can tell the officer
                    await submit(client, 1)
                await until_true(lambda: died(hub.children["serve"].process.poll), 30)
            assert ledgers.seen[STRUCK] == {ledgers.struck[0]: 1}
            await asyncio.to_thread(hub.serve)
            async with signed_in(hub, "opal") as client:
                await until_true(lambda: delivered(client), 60)
                await judge(client, ledgers)
        finally:
            await asyncio.to_thread(hub.stop)
            await hung_up()


async def died(poll: Callable[[], int | None]) -> bool:
    return poll() is not None


async def delivered(client: httpx.AsyncClient) -> bool:
    """Every ledger's delivery is accepted."""
    found = (await client.get("deliveries")).json()
    return len(found) == len(LEDGERS) and {one["state"] for one in found} == {"delivered"}


async def judge(client: httpx.AsyncClient, ledgers: Deadly) -> None:
    """Twice under one key with the same bytes, and the page tells that it was repeated."""
    (key,) = ledgers.struck
    assert ledgers.seen[STRUCK] == {key: 2}
    assert len(ledgers.bodies[key]) == 1
    (row,) = (await client.get("deliveries", params={"system": STRUCK})).json()
    page = (await client.get(f"deliveries/{row['id']}")).json()
    assert (page["key"], page["repeat"], page["attempts"]) == (key, True, 2)
    assert [one["outcome"] for one in page["tries"]] == ["lost", "accepted"]
    others = [count for name in LEDGERS[1:] for count in ledgers.seen[name].values()]
    assert len(others) == len(LEDGERS) - 1
    assert max(others) <= 2
