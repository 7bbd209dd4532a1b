"""Writes a database of today's schema with a Delivery in every state to <revision>.json."""

import asyncio
import json
import tempfile
from datetime import timedelta
from pathlib import Path

from hub.model import Attempt
from hub.model.column import new_id
from hub.model.delivery import State
from hub.store import open_store
from hub.store.migrate import NEWEST, migrate
from tests.builders import AT, World
from tests.conftest import HandClock
from tests.faults.released import FOLDER, dump


async def fill(world: World) -> None:
    """Owe one Delivery in every state, and one that waits behind another."""
    await world.owe()
    await world.owe(state=State.RETRY, attempts=3, due_at=AT + timedelta(minutes=4), reason="connection refused")
    for system in ("north", "east"):
        token = new_id()
        lease = {"lease_token": token, "leased_until": AT + timedelta(seconds=45)}
        (leased,) = await world.owe(1, system, state=State.LEASED, due_at=None, attempts=1, **lease)
        await world.add([Attempt(id=token, delivery_id=leased, kind="push", number=1, started_at=AT)])
    await world.owe(1, "later", state=State.TRANSPORTED, attempts=1, transported_at=AT, remote_id="T-1")
    await world.owe(1, "east", state=State.UNKNOWN, attempts=1, repeat=True, reason="no complete answer")
    (parked,) = await world.owe(state=State.PARKED, due_at=None, attempts=1, settled_at=AT, reason="refused: 7")
    await world.next_revision(parked)
    await world.owe(state=State.MANUAL, due_at=None)
    await world.owe(state=State.DELIVERED, due_at=None, attempts=1, settled_at=AT, remote_id="N-1")
    await world.owe(state=State.CANCELLED, due_at=None, settled_at=AT, reason="entered twice")


async def write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/hub.db"
        migrate(url)
        store = open_store(url)
        await fill(World(store, HandClock()))
        await store.close()
        rows = dump(Path(folder) / "hub.db")
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    (FOLDER / f"{NEWEST}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(write())
