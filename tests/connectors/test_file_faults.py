"""Transfers that go wrong, end to end: a real connector and the outbox before an SFTP server with faults."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.poverty_alleviation.connector import Connector
from connectors.poverty_alleviation.settings import Settings
from connectors.poverty_alleviation.simulator import sample_payloads
from hub.model.delivery import State
from hub.outbox.capacity import Line
from hub.outbox.upkeep.resume import resume
from hub.sdk import Misconfigured, Unavailable
from hub.sdk.doors import open_doors
from hub.sdk.egress import Egress
from tests.builders import World
from tests.connectors.test_file_door import DATA, Mood, Station, serving

VISIT = json.dumps(sample_payloads()["visit"], ensure_ascii=False).encode()


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    (tmp_path / "sftp").mkdir()
    async with serving(tmp_path / "sftp") as running:
        yield running


@asynccontextmanager
async def watched(file: Path) -> AsyncIterator[set[bytes]]:
    """Whatever anybody can have read under a name while the block ran."""
    seen: set[bytes] = set()

    def read() -> None:
        with contextlib.suppress(FileNotFoundError):
            seen.add(file.read_bytes())

    async def look() -> None:
        while True:
            read()
            await asyncio.sleep(0)

    watcher = asyncio.create_task(look())
    try:
        yield seen
    finally:
        watcher.cancel()


def line(world: World, station: Station) -> Line:
    """The outbox's line to a station, through the connector."""
    at = station.address
    doors = open_doors(Egress.parse([f"127.0.0.1:{at.port}"], allow_loopback=True), world.clock)
    settings = Settings(host=at.host, port=at.port, user=at.user, password=at.password, host_key=at.host_key)
    return Line(Connector(settings, doors), 2, 1_000, timedelta(seconds=10))


def laid_down(station: Station) -> list[Path]:
    """The uploads the System will take up: those with their flag."""
    flags = sorted((station.folder / "in").glob("*.ok"))
    return [flag.with_suffix("") for flag in flags]


@pytest.mark.fault("F62")
@pytest.mark.parametrize("cut_at", [0, 1, 16_384, 100_000, len(DATA) - 1])
async def test_a_file_cut_at_any_byte_is_never_seen(station: Station, cut_at: int) -> None:
    file = station.folder / "in" / "a.csv"
    station.mood.cut_at = cut_at
    async with watched(file) as seen:
        with pytest.raises(Unavailable):
            async with station.door().open(station.address) as sftp:
                await sftp.put("/in/a.csv", DATA)
        assert [path.name for path in file.parent.iterdir()] == ["a.csv.part"]
        station.mood.cut_at = None
        async with station.door().open(station.address) as sftp:
            await sftp.put("/in/a.csv", DATA)
            await asyncio.sleep(0.01)
    assert seen == {DATA}


@pytest.mark.fault("F62")
@pytest.mark.parametrize("mood", [Mood(), Mood(cut_at=1000), Mood(on_write="quota"), Mood(on_rename="refuse")], ids=str)
async def test_a_name_that_is_taken_holds_the_old_or_the_new_file_and_nothing_between(
    station: Station, mood: Mood
) -> None:
    file = station.folder / "in" / "a.csv"
    file.write_bytes(b"old")
    vars(station.mood).update(vars(mood))
    async with watched(file) as seen, station.door().open(station.address) as sftp:
        with contextlib.nullcontext() if mood == Mood() else pytest.raises(Unavailable):
            await sftp.put("/in/a.csv", DATA)
        await asyncio.sleep(0.01)
    assert seen == ({b"old", DATA} if mood == Mood() else {b"old"})


@pytest.mark.fault("F62")
@pytest.mark.parametrize("taken_by", ["a file", "a folder"])
async def test_a_taken_name_an_old_server_does_not_give_up_is_not_overwritten(station: Station, taken_by: str) -> None:
    name = station.folder / "in" / "a.csv"
    name.mkdir() if taken_by == "a folder" else name.write_bytes(b"old")
    station.mood.on_rename = "old server"
    async with station.door().open(station.address) as sftp:
        with pytest.raises(Unavailable):
            await sftp.put("/in/a.csv", DATA)
    assert name.is_dir() if taken_by == "a folder" else name.read_bytes() == b"old"


# --- through the outbox -----------------------------------------------------------------------------------------------


@pytest.mark.fault("F62")
@pytest.mark.parametrize(
    "mood", [Mood(cut_at=5), Mood(on_write="quota"), Mood(on_write="lose"), Mood(on_rename="refuse")], ids=str
)
async def test_a_failed_transfer_is_made_again_and_lies_there_once(world: World, station: Station, mood: Mood) -> None:
    (one,) = await world.owe(payload=VISIT)
    world.lines["north"] = line(world, station)
    vars(station.mood).update(vars(mood))
    await world.drain()
    row = await world.get(one)
    assert (row.state, row.repeat, row.attempts) == (State.RETRY, False, 1)
    assert laid_down(station) == []
    vars(station.mood).update(vars(Mood()))
    await world.drain(seconds=2)
    assert (await world.get(one)).state == State.TRANSPORTED
    (file,) = laid_down(station)
    assert file.read_bytes().decode("gb18030").count("\r\n") == 2


@pytest.mark.fault("F62")
async def test_a_cut_at_the_very_rename_has_one_effect(world: World, station: Station) -> None:
    (one,) = await world.owe(payload=VISIT)
    world.lines["north"] = line(world, station)
    station.mood.on_rename = "break"
    for _ in range(3):
        await world.drain(hours=1)
        row = await world.get(one)
        assert (row.state, row.repeat) == (State.RETRY, True)
    station.mood.on_rename = ""
    await world.drain(hours=1)
    assert (await world.get(one)).state == State.TRANSPORTED
    assert len(laid_down(station)) == 1


@pytest.mark.fault("F62")
async def test_another_host_key_on_the_same_machine_stops_everything_until_a_person_says_so(
    world: World, tmp_path: Path
) -> None:
    """The port answers as before, the key is another: reinstalled, or somebody in between. Nothing is handed over."""
    first, second = await world.owe(2, payload=VISIT)
    folder = tmp_path / "sftp"
    folder.mkdir()
    async with serving(folder) as before:
        world.lines["north"] = Line(line(world, before).connector, 1, 1_000, timedelta(seconds=10))
        vars(before.mood).update(vars(Mood(on_write="quota")))
        await world.drain()
        known = before.address
    async with serving(folder, known.port) as after:
        with pytest.raises(Misconfigured):
            async with after.door().open(known):
                pass
        await world.drain(hours=2)
        await world.drain(days=3)
        rows = [await world.get(one) for one in (first, second)]
        assert [(row.state, row.attempts) for row in rows] == [(State.RETRY, 1)] * 2
        assert "HostKeyNotVerifiable" in (await world.health()).paused_reason
        assert laid_down(after) == []
        world.lines["north"] = line(world, after)
        await world.store.write(lambda s: resume(s, "north", world.deed("the new key was read out by telephone")))
        await world.drain()
        assert set((await world.states()).values()) == {State.TRANSPORTED}
        assert len(laid_down(after)) == 2
