"""The SQLite file under duress: held by others, damaged, read for long, migrated by a process that dies."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, event, text

from hub.errors import Problem
from hub.store import open_store
from hub.store.backup import take_copy
from hub.store.engine import MOST_LOG_BYTES, lock_file, open_writing
from hub.store.migrate import migrate
from tests.builders import AT
from tests.conftest import HandClock
from tests.fifth.ledger_world import HubProcess
from tests.power.loaded import Contents, contents
from tests.resources.commands import hub_command
from tests.some_connectors.county import County, visit
from tests.store.test_migrations import differences

HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def file(tmp_path: Path, sqlite_template: bytes) -> Path:
    (tmp_path / "hub.db").write_bytes(sqlite_template)
    return tmp_path / "hub.db"


@pytest.mark.fault("F8")
async def test_a_database_held_by_others_is_answered_within_five_seconds(file: Path, clock: HandClock) -> None:
    store = open_store(f"sqlite:///{file}")
    county = await County(store, clock).settle()
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE) as holder:  # noqa: ASYNC220 - it must hold before we go on
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.monotonic()
        waits: list[float] = []

        async def submit() -> Problem:
            start = time.monotonic()
            with pytest.raises(Problem) as caught:
                await county.submit(visit())
            waits.append(time.monotonic() - start)
            return caught.value

        first = [asyncio.create_task(submit()) for _ in range(10)]
        await asyncio.sleep(0.5)
        later = [asyncio.create_task(submit()) for _ in range(10)]
        problems = await asyncio.gather(*first, *later)
        holder.kill()
    assert {(one.code, one.status, one.retry_after) for one in problems} == {("store.busy", 503, 5)}
    assert max(waits) < 5, f"{max(waits):.1f} s after {time.monotonic() - began:.1f} s"
    assert (await county.submit(visit())).created
    await store.close()


@pytest.mark.fault("F10")
async def test_a_second_process_on_the_file_is_told_in_words(file: Path, tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "home", 0, 1, f"sqlite:///{file}")
    hub.write_files()
    held = lock_file(hub.database_url)
    for command in (("serve",), ("account", "list")):
        code, said = await hub_command(hub, *command)
        assert code == 1, said
        assert f"Another process holds the database {file}" in said.replace("\n", "")
        assert "Traceback" not in said
    assert held is not None
    held.close()


@pytest.mark.fault("F11")
async def test_a_damaged_file_never_gives_wrong_answers_and_stops_writes(
    file: Path, tmp_path: Path, clock: HandClock
) -> None:
    """Fifty places, a page of rubbish each: every answer is right or says damaged, and then nothing more is written."""
    store = open_store(f"sqlite:///{file}")
    county = await County(store, clock).settle()
    for _ in range(60):
        await county.submit(visit())
    await store.close()
    whole, right, dice, seen = file.read_bytes(), contents(file), Random(11), Counter[str]()  # noqa: ASYNC240 - nothing else runs
    for number in range(50):
        place = tmp_path / f"damaged{number}/hub.db"
        place.parent.mkdir()
        page = dice.randrange(1, len(whole) // 4096) * 4096
        place.write_bytes(whole[:page] + dice.randbytes(4096) + whole[page + 4096 :])
        seen[await outcome(place, right, clock)] += 1
        shutil.rmtree(place.parent)
    assert seen["wrong"] == 0, seen
    assert seen["damaged"] > 10, seen
    assert seen.total() == 50


async def outcome(place: Path, right: Contents, clock: HandClock) -> str:
    """Read and write on a damaged file; say what came of it."""
    code = await problem_of(lambda: opened_and_submitted(place, clock))
    assert code in {"", "store.damaged", "submission.invalid"}, code
    with contextlib.suppress(sqlite3.DatabaseError):
        now = contents(place)
        if any(rows - right[name] for name, rows in now.items() if name in right):
            return "wrong"
    return "damaged" if code == "store.damaged" else "unharmed"


async def problem_of(work: Callable[[], Awaitable[object]]) -> str:
    try:
        await work()
    except Problem as problem:
        return problem.code
    return ""


async def opened_and_submitted(place: Path, clock: HandClock) -> None:
    """Submit three times; once one met the damage, no write at all may pass any more."""
    store = open_store(f"sqlite:///{place}")
    county = County(store, clock)
    try:
        for _ in range(3):
            code = await problem_of(lambda: county.submit(visit()))
            if code == "store.damaged":
                harmless = await problem_of(lambda: store.write(lambda session: session.connection() and None))
                assert harmless == "store.damaged"
                raise Problem(code, 503)
    finally:
        await store.close()


@pytest.mark.fault("F11")
async def test_a_copy_of_a_damaged_database_is_refused(file: Path, tmp_path: Path, clock: HandClock) -> None:
    """Who copies every night learns that night, and keeps the last whole copy."""
    store = open_store(f"sqlite:///{file}")
    county = await County(store, clock).settle()
    for _ in range(20):
        await county.submit(visit())
    await store.close()
    whole = file.read_bytes()  # noqa: ASYNC240 - nothing else runs
    pages = range(1, len(whole) // 4096, 4)
    for page in pages:
        file.write_bytes(whole[: page * 4096] + b"rubbish!" * 512 + whole[(page + 1) * 4096 :])  # noqa: ASYNC240 - nothing else runs
        with pytest.raises(Problem, match=r"store\.damaged"):
            take_copy(f"sqlite:///{file}", tmp_path, tmp_path / "copy.zip", AT)
    assert len(pages) > 20
    assert "copy.zip" not in {path.name for path in tmp_path.iterdir()}  # noqa: ASYNC240 - one look


@pytest.mark.fault("F12")
async def test_a_long_reader_makes_the_log_grow_visibly_and_it_is_cut_back_after(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    await store.write(lambda session: session.connection().execute(text("CREATE TABLE big (b BLOB)")) and None)
    reader = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM big").fetchone()
    fill = text("INSERT INTO big VALUES (randomblob(1000000))")
    for _ in range(48):
        await store.write(lambda session: session.connection().execute(fill) and None)
    assert store.log_bytes() > 48_000_000 > MOST_LOG_BYTES
    reader.close()
    for _ in range(3):
        await store.write(lambda session: session.connection().execute(fill) and None)
    assert store.log_bytes() <= MOST_LOG_BYTES
    await store.close()


def die_at(url: str, nth: int) -> bool:
    """Migrate in a process that is killed before its nth statement; say whether it got that far."""
    child = os.fork()
    if child == 0:
        passed = 0

        @event.listens_for(Engine, "before_cursor_execute")
        def _count(*_: object) -> None:
            nonlocal passed
            passed += 1
            if passed == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        migrate(url)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.fault("F22")
@pytest.mark.parametrize("by_steps", [False, True], ids=["in-one-go", "step-by-step"])
def test_a_migration_killed_at_any_statement_can_be_run_again(empty_url: str, by_steps: bool) -> None:
    if by_steps:  # where Alembic was at it before, nothing is made in one go
        engine = open_writing(empty_url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY NOT NULL)"))
        engine.dispose()
    step, killed = (3, 0) if empty_url.startswith("sqlite") else (7, 0)
    nth = 1
    while die_at(empty_url, nth):
        killed, nth = killed + 1, nth + step
    assert killed >= 8
    migrate(empty_url)
    engine = open_writing(empty_url)
    assert differences(engine) == []
    engine.dispose()
