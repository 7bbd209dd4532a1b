"""The real store, intake and outbox under load on a Disk, and what every later cut of it is held against."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

from sqlmodel import col, select

from hub.model import Delivery
from hub.model.delivery import State
from hub.outbox.engine import Engine
from hub.sdk import Outgoing, Receipt
from hub.store import Store, open_store
from tests.builders import FakeSystem, line
from tests.conftest import HandClock
from tests.power.disk import Disk, Loss
from tests.power.driver import Driver
from tests.some_connectors.county import BIN, DIRT, PHOTO, QUARREL, RIVER, Body, County, visit

CLIENTS, EACH = 6, 8
CHECKPOINT_PAGES = 60
"""A checkpoint every few submissions, so that cuts fall into them too."""
FAN_OUT = {"doors/visit", "files/visit", "bins/bin_score", "bins/finding", "rivers/finding"}
SYSTEMS = ("doors", "files", "bins", "rivers")
Contents = Mapping[str, frozenset[tuple[Any, ...]]]
"""Submission -> everything that was made of it."""
MADE_OF_IT = (
    "SELECT submission_id, 'record', id, key, revision, content FROM record",
    "SELECT r.submission_id, 'owed', d.key, d.payload, d.digest FROM delivery d JOIN record r ON r.id = d.record_id",
    "SELECT r.submission_id, 'skip', s.system, s.flow, s.code FROM skip s JOIN record r ON r.id = s.record_id",
    "SELECT submission_id, 'issue', id FROM issue",
    "SELECT subject, 'journal', id FROM journal WHERE action = 'submission.accepted'",
    """SELECT s.id, 'journal', count(j.id) >= s.revision - 1 FROM submission s
       LEFT JOIN journal j ON j.subject = s.root_id AND j.action = 'submission.revised' GROUP BY s.id""",
    "SELECT id, 'submission', body, digest, number FROM submission",
)


class NotedSystem(FakeSystem):
    """A System that honours keys and notes on the disk's tape when bytes left for it."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk

    async def push(self, outgoing: Outgoing) -> Receipt:
        self._disk.note("sent", outgoing.key)
        return await super().push(outgoing)


@dataclass(frozen=True)
class Run:
    """One run that came to its end, to be cut afterwards."""

    disk: Disk
    contents: Contents

    def cut(self, at: int, loss: Loss, dice: Random, folder: Path) -> Path:
        """Lay down what a power cut after `at` events leaves; return the database's path."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.disk.after_cut(at, loss, dice).items():
            (folder / name).write_bytes(content)
        return folder / "hub.db"


def doorstep(dice: Random) -> Body:
    """A visit with all the findings somebody makes at one door: five Deliveries."""
    found = [QUARREL, RIVER, DIRT | {"finding.photos": [PHOTO], "finding.description": "垃" * dice.randrange(1, 400)}]
    return visit(answers={"bin": BIN, "findings": found})


async def run(folder: Path, template: bytes, seed: int, durability: Literal["full", "relaxed"] = "full") -> Run:
    """Submit, correct and deliver from several sides at once until everything is delivered."""
    dice, disk = Random(seed), Disk(folder, {"hub.db": template})
    # Every checkpoint flushes; relaxed is judged with as few as it has in earnest.
    driver = Driver(disk, CHECKPOINT_PAGES) if durability == "full" else Driver(disk)
    store = open_store(f"sqlite:///{folder}/hub.db", durability, driver=driver)
    clock = HandClock()
    county = await County(store, clock).settle()
    lines = {name: line(NotedSystem(disk), in_flight=8, per_second=100_000) for name in SYSTEMS}
    engine = Engine(store, clock, lines, timedelta(milliseconds=20), sole=True)
    county.intake = replace(county.intake, outbox=engine)
    background = [asyncio.create_task(engine.run()), asyncio.create_task(_watch(store, disk))]
    await asyncio.gather(*(_officer(county, disk, Random(dice.random())) for _ in range(CLIENTS)))
    await _all_delivered(store)
    await engine.stop(timedelta(seconds=10))
    background[1].cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await store.close()
    return Run(disk, contents(folder / "hub.db"))


async def _officer(county: County, disk: Disk, dice: Random) -> None:
    for number in range(EACH):
        accepted = await county.submit(doorstep(dice))
        disk.note("acknowledged", accepted.submission_id)
        if number % 4 == 3:
            corrected = await county.correct(accepted, doorstep(dice))
            disk.note("acknowledged", corrected.submission_id)
        await asyncio.sleep(dice.random() / 200)


async def _watch(store: Store, disk: Disk) -> None:
    """Note what any reader may see as delivered, and so tell somebody."""
    seen: set[str] = set()
    query = select(Delivery.key).where(col(Delivery.state) == State.DELIVERED)
    while True:
        for key in set(await store.read(lambda session: session.exec(query).all())) - seen:
            seen.add(key)
            disk.note("delivered", key)
        await asyncio.sleep(0.005)


async def _all_delivered(store: Store) -> None:
    ended = (State.DELIVERED, State.PARKED, State.MANUAL, State.CANCELLED)
    query = select(Delivery.id).where(col(Delivery.state).not_in(ended)).limit(1)
    for _ in range(2_000):
        if not await store.read(lambda session: session.exec(query).all()):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("deliveries were still open after the run")


def contents(database: Path) -> Contents:
    """Return everything a database holds, by Submission."""
    found: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    connection = sqlite3.connect(database)
    try:
        for query in MADE_OF_IT:
            for submission_id, *what in connection.execute(query):
                found[submission_id].add(tuple(what))
    finally:
        connection.close()
    return {submission_id: frozenset(rows) for submission_id, rows in found.items()}
