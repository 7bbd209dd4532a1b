"""Eight dispatcher processes and ten thousand Deliveries: none is claimed twice, none is left (F40)."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hub.model import Delivery
from hub.model.delivery import State
from hub.store import Store
from tests.builders import World
from tests.conftest import HandClock

ROOT = Path(__file__).resolve().parents[2]
ROWS, PROCESSES, AT_ONCE = 10_000, 8, 50


def racer(*words: str) -> subprocess.Popen[str]:
    """Start a process of its own."""
    command = [sys.executable, "-m", "tests.machine.racer", *words]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.fault("F40")
async def test_eight_processes_claim_ten_thousand_and_none_twice(store: Store, database_url: str) -> None:
    """On PostgreSQL as the hub does it; on SQLite the same statements over one file, which the lock forbids a hub."""
    world = World(store, HandClock())
    ids = [one for _ in range(ROWS // 500) for one in await world.owe(500)]
    racers = [racer(database_url, "north", str(AT_ONCE)) for _ in range(PROCESSES)]
    for one in racers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in racers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    got = [one.communicate(timeout=100)[0].split("\n")[:-1] for one in racers]
    assert [one.returncode for one in racers] == [0] * PROCESSES
    claims = [line.split() for lines in got for line in lines if line]
    times = Counter(delivery_id for delivery_id, _ in claims)
    assert (len(times), set(times.values())) == (len(ids), {1})
    assert sum(bool(lines) for lines in got) >= 2, "one process was alone in the race"
    rows = {row.id: row for row in await world.all(Delivery)}
    assert {rows[one].lease_token for one in ids} == {attempt for _, attempt in claims}
    assert Counter((row.state, row.attempts) for row in rows.values()) == {(State.LEASED, 1): ROWS}


@pytest.mark.fault("F40")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_second_process_on_the_same_file_is_refused(store: Store, database_url: str) -> None:
    said = racer(database_url).communicate(timeout=60)[0]
    assert said == "store.held\n"
    await store.close()
    assert racer(database_url).communicate(timeout=60)[0] == "opened\n"
