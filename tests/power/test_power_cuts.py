"""The power goes at any write of the database: what was acknowledged is there, and nothing is half there (F3)."""

import os
import shutil
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from hub.model.delivery import State
from hub.outbox.engine import Engine
from hub.store import open_store
from tests.builders import FakeSystem, World, line
from tests.conftest import HandClock
from tests.power.disk import POWER_LOSSES, all_stays, nothing_stays
from tests.power.loaded import CLIENTS, EACH, FAN_OUT, SYSTEMS, Run, contents, run

CUTS = int(os.environ.get("POWER_CUTS", "300"))
CUTS_A_RUN = 50
RECOVER_EVERY = 25
SUBMISSIONS = CLIENTS * EACH + CLIENTS * (EACH // 4)


def faults(whole: Run, cut: int, database: Path) -> Counter[str]:
    """Count what is wrong with what a cut left, by kind; nothing is what it should be."""
    found: Counter[str] = Counter()
    connection = sqlite3.connect(database)
    try:
        found["damaged"] = connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
        found["dangling"] = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        states = dict(connection.execute("SELECT key, state FROM delivery"))
        tried = {
            key for (key,) in connection.execute("SELECT key FROM delivery d JOIN attempt a ON a.delivery_id = d.id")
        }
    finally:
        connection.close()
    there, tape = contents(database), whole.disk
    found["lost"] = len(tape.told("acknowledged", cut) - there.keys())
    found["torn"] = sum(rows != whole.contents[submission_id] for submission_id, rows in there.items())
    found["undone"] = sum(states.get(key) != State.DELIVERED for key in tape.told("delivered", cut))
    found["sent unannounced"] = len(tape.told("sent", cut) - tried)
    return +found


async def recovered(database: Path) -> None:
    """Start on what is left and deliver everything; what had left before goes again under its own key only."""
    store = open_store(f"sqlite:///{database}")
    world = World(store, HandClock())
    systems = {name: FakeSystem() for name in SYSTEMS}
    lines = {name: line(system, in_flight=8, per_second=100_000) for name, system in systems.items()}
    engine = Engine(store, world.clock, lines, sole=True)
    await engine.recovery.reap(everything=True)
    for _ in range(4):  # every revision of a Record waits for the one before
        await engine.drain()
        world.clock.tick(minutes=5)
    states = Counter((await world.states()).values())
    await store.close()
    # One that was corrected before it left is cancelled by its correction.
    assert set(states) <= {State.DELIVERED, State.MANUAL, State.CANCELLED}, states
    assert states[State.CANCELLED] <= CLIENTS * (EACH // 4) * len(FAN_OUT)
    times = Counter(one.key for system in systems.values() for one in system.pushed)
    assert set(times.values()) <= {1}, "a key was sent twice after one restart"


def flows_of(rows: frozenset[tuple[object, ...]]) -> set[str]:
    return {str(row[1]).split(":")[1] for row in rows if row[0] == "owed"}


@pytest.mark.fault("F3")
@pytest.mark.timeout(3_600)
async def test_no_power_cut_loses_tears_or_undoes_anything(
    tmp_path: Path, sqlite_template: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    cuts = acknowledged = checkpoints = 0
    for seed in range(max(1, CUTS // CUTS_A_RUN)):
        whole = await run(tmp_path / f"run{seed}", sqlite_template, seed)
        assert len(whole.contents) == SUBMISSIONS
        assert all(flows_of(rows) <= FAN_OUT for rows in whole.contents.values())
        assert sum(flows_of(rows) == FAN_OUT for rows in whole.contents.values()) >= CLIENTS * EACH
        checkpoints += sum(event.kind == "flush" and event.file == "hub.db" for event in whole.disk.events)
        dice = Random(seed)
        for number in range(CUTS_A_RUN):
            cut = dice.randrange(1, len(whole.disk.events))
            loss = POWER_LOSSES[number % len(POWER_LOSSES)]
            database = whole.cut(cut, loss, dice, tmp_path / "after")
            assert faults(whole, cut, database) == Counter(), f"seed {seed}, cut {cut}, {loss.__name__}"
            if number % RECOVER_EVERY == 0:
                await recovered(database)
            shutil.rmtree(tmp_path / "after")
            cuts, acknowledged = cuts + 1, acknowledged + len(whole.disk.told("acknowledged", cut))
        shutil.rmtree(tmp_path / f"run{seed}")
    assert checkpoints > 0, "no cut could fall into a checkpoint"
    assert acknowledged > 0, "nothing was acknowledged: the run proves nothing"
    with capsys.disabled():
        sys.stdout.write(f"\n  {cuts} power cuts: {acknowledged} acknowledged submissions looked for, 0 lost\n")


@pytest.mark.fault("F3")
async def test_every_acknowledgement_had_its_flush_first(tmp_path: Path, sqlite_template: bytes) -> None:
    whole = await run(tmp_path / "run", sqlite_template, 7)
    said = [n for n, event in enumerate(whole.disk.events) if event.kind == "note" and event.file == "acknowledged"]
    assert len(said) == SUBMISSIONS
    for number in said:
        database = whole.cut(number + 1, nothing_stays, Random(0), tmp_path / "after")
        connection = sqlite3.connect(database)
        submission_id = whole.disk.events[number].data.decode()
        found = connection.execute("SELECT count(*) FROM submission WHERE id = ?", [submission_id]).fetchone()
        connection.close()
        assert found == (1,), "it was acknowledged before it was flushed"
        shutil.rmtree(tmp_path / "after")


@pytest.mark.fault("F3")
async def test_the_simulator_finds_what_relaxed_durability_loses_and_a_kill_does_not(
    tmp_path: Path, sqlite_template: bytes
) -> None:
    """Without this, a disk that forgets nothing would make every test above pass."""
    whole = await run(tmp_path / "run", sqlite_template, 11, "relaxed")
    found, killed, dice = Counter[str](), Counter[str](), Random(11)
    for number in range(40):
        cut = dice.randrange(len(whole.disk.events) // 2, len(whole.disk.events))
        database = whole.cut(cut, nothing_stays, dice, tmp_path / f"cut{number}")
        found += faults(whole, cut, database)
        killed += faults(whole, cut, whole.cut(cut, all_stays, dice, tmp_path / f"kill{number}"))
    assert found["lost"] > 0
    assert found["torn"] == found["damaged"] == 0, "relaxed gives up the last moments, never the whole"
    assert killed == Counter(), "a killed process loses nothing, even relaxed"
