"""Asked to stop while it starts: it ends in order with 0 whenever that comes, and the next start goes on (F73)."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from hub.store.migrate import TURN, migrate
from tests.crash.books import Books
from tests.crash.kills import County
from tests.crash.mortal import ARMED, PLAIN, Mortal
from tests.crash.private_postgres import PrivatePostgres

MOMENTS = int(os.environ.get("MOMENTS", "20"))
NOT_YET = 1 / 5
"""Of a start, until when Python itself may not be there: nothing of the hub has run that could hear."""
BEYOND = 1.15
HEEDED_WITHIN_S = 30.0
"""The longest between two looks is loading: a second, and many times that beside all else that runs here."""


def moments(ready_s: float, many: int) -> Sequence[float]:
    """Return moments all over a start that takes so long, and a little beyond."""
    return [ready_s * BEYOND * number / many for number in range(many)]


def tables(file: Path) -> int:
    """Count the tables of a database; one that is not there has none."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0])


async def asked_at(mortal: Mortal, after_s: float) -> int:
    """Start, ask to stop so much later, and return the exit code."""
    mortal.start()
    assert mortal.process is not None
    await asyncio.sleep(after_s)
    mortal.process.send_signal(signal.SIGTERM)
    try:
        return await asyncio.to_thread(mortal.process.wait, HEEDED_WITHIN_S)
    finally:
        if mortal.returncode is None:
            mortal.kill()


def at_home(home: Path, books: Books, command: str = "serve") -> Mortal:
    """A hub that has never run, and is started from nothing."""
    county = County(home, f"sqlite:///{home / 'hub.db'}", books=books)
    mortal = county.mortal(command)
    mortal.launcher = ARMED
    county.write_files()
    return mortal


async def until_ready(mortal: Mortal) -> float:
    """Wait until it can work; return how long its start took."""
    async with httpx.AsyncClient(trust_env=False) as client:
        assert await mortal.ready(client, f"http://127.0.0.1:{mortal.told['PORT']}"), mortal.last_words()
    return mortal.ready_s[-1]


async def first_start_s(home: Path, books: Books) -> float:
    """Return how long a first start takes; that of a busy moment would spread the others too far."""
    hub = at_home(home, books)
    hub.launcher = PLAIN
    hub.start()
    ready_s = await until_ready(hub)
    assert await hub.stop() == 0
    return ready_s


@pytest.mark.fault("F73")
@pytest.mark.timeout(60 + 10 * MOMENTS)
async def test_asked_at_any_moment_of_a_first_start_it_ends_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Books() as books:
        ready_s = min([await first_start_s(tmp_path / f"whole-{number}", books) for number in range(3)])
        codes, schemas = Counter[int](), Counter[bool]()
        for after_s in moments(ready_s, MOMENTS):
            hub = at_home(tmp_path / f"{after_s:.3f}", books)
            hub.launcher = PLAIN
            code = await asked_at(hub, after_s)
            made = tables(hub.home / "hub.db")
            if code == -signal.SIGTERM:
                assert (made, hub.last_words()) == (0, ""), f"killed by it after {after_s:.2f} s"
                assert after_s < NOT_YET * ready_s
            else:
                assert code == 0, f"after {after_s:.2f} s: {hub.last_words()}"
                assert "Traceback" not in hub.last_words()
            codes[code] += 1
            schemas[bool(made)] += 1
        with capsys.disabled():
            sys.stdout.write(
                f"\n  asked at {MOMENTS} moments of {ready_s:.2f} s: {dict(codes)}, schema {dict(schemas)}\n"
            )
        assert codes[0] > MOMENTS // 2
        assert set(schemas) == {False, True}, "no moment fell before, or none after, the database was made"


@pytest.mark.fault("F73")
@pytest.mark.parametrize("point", ["migrate.begin", "migrate.commit", "key.written"])
async def test_what_was_begun_when_it_was_asked_is_whole_and_the_next_start_goes_on(tmp_path: Path, point: str) -> None:
    async with Books() as books:
        hub = at_home(tmp_path / "hub", books)
        hub.start(f"{point}=sleep")
        while point not in hub.passed:
            assert hub.returncode is None, hub.last_words()
            await asyncio.sleep(0.01)
        assert await hub.stop() == 0, hub.last_words()
        assert bool(tables(hub.home / "hub.db")) == (point != "migrate.begin")
        hub.start()
        await until_ready(hub)
        assert await hub.stop() == 0
    assert "Traceback" not in hub.last_words()


@pytest.mark.fault("F73")
@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_start_that_is_asked_again_and_again_ends_in_order(tmp_path: Path, command: str) -> None:
    """Whoever is impatient must not catch the interpreter with its own way to die given back."""
    async with Books() as books:
        mortal = at_home(tmp_path / "hub", books, command)
        migrate(mortal.told["DATABASE_URL"])
        for after_s in (0.4, 0.7, 1.0):
            mortal.start()
            assert mortal.process is not None
            await asyncio.sleep(after_s)
            code = await asyncio.to_thread(until_gone, mortal.process)
            assert code == 0, mortal.last_words()
    assert "Traceback" not in mortal.last_words()


def until_gone(process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + HEEDED_WITHIN_S
    while process.poll() is None:
        assert time.monotonic() < deadline
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
    return int(process.returncode)


WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()
"""


@pytest.mark.fault("F73")
async def test_who_waits_for_another_process_s_migration_can_be_stopped(
    tmp_path: Path, postgres: PrivatePostgres
) -> None:
    async with Books() as books:
        county = County(tmp_path / "hub", postgres.url, books=books)
        hub = county.mortal()
        hub.launcher = ARMED
        county.write_files()
        with psycopg.connect(postgres._socket_url("hub"), autocommit=True) as other:
            other.execute(f"SELECT pg_advisory_lock({TURN})")  # type: ignore[arg-type]  # our own number
            hub.start()
            async with asyncio.timeout(20):
                while other.execute(WAITING).fetchone() == (0,):  # noqa: ASYNC110 - nobody rings
                    await asyncio.sleep(0.02)
            began = time.monotonic()
            assert await hub.stop() == 0, hub.last_words()
            assert time.monotonic() - began < 3
    assert "Traceback" not in hub.last_words()
