"""Readiness is known by writing: seldom, however many ask, and never from before the question."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.model import Heartbeat
from hub.store import Store
from hub.store.readiness import EVERY_S, Readiness
from hub.store.whereabouts import Whereabouts
from tests.conftest import HandClock

pytestmark = [pytest.mark.fault("F98"), pytest.mark.case("C76")]
READY = {"database": True, "disk": True, "photos": True}


@pytest.fixture
def readiness(store: Store, clock: HandClock, tmp_path: Path) -> Readiness:
    photos = tmp_path / "blobs"
    photos.mkdir()
    there = Whereabouts((photos,))
    there.note()
    return Readiness(store, tmp_path, there, clock)


async def beaten_at(store: Store) -> datetime | None:
    row = await store.read(lambda session: session.get(Heartbeat, "hub"))
    return row.at if row else None


async def test_it_writes_a_row(readiness: Readiness, store: Store, clock: HandClock) -> None:
    assert await beaten_at(store) is None
    for _ in range(2):
        clock.tick(minutes=1)
        assert await readiness.checks() == READY
        assert await beaten_at(store) == clock.now()


async def test_many_who_ask_at_once_cost_one_look(readiness: Readiness, store: Store) -> None:
    before = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(readiness.checks() for _ in range(200)))
    assert all(answer is answers[0] for answer in answers)
    again = await asyncio.gather(*(readiness.checks() for _ in range(200)))
    assert again[0] is not answers[0]
    assert all(answer is again[0] for answer in again)
    assert asyncio.get_running_loop().time() - before >= EVERY_S


async def test_who_leaves_takes_nobodys_answer_along(readiness: Readiness) -> None:
    impatient, patient = asyncio.create_task(readiness.checks()), asyncio.create_task(readiness.checks())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == READY


async def test_a_database_that_takes_no_row_is_not_ready_and_heals(readiness: Readiness, store: Store) -> None:
    refuse = {
        "sqlite": "CREATE TRIGGER no BEFORE UPDATE ON heartbeat BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
        "postgresql": "ALTER TABLE heartbeat ADD CONSTRAINT no CHECK (at < '2000-01-01') NOT VALID",
    }
    heal = {"sqlite": "DROP TRIGGER no", "postgresql": "ALTER TABLE heartbeat DROP CONSTRAINT no"}
    dialect = store.writing.dialect.name
    assert await readiness.checks() == READY
    await store.write(lambda session: session.connection().execute(text(refuse[dialect])) and None)
    assert await readiness.checks() == READY | {"database": False}
    await store.write(lambda session: session.connection().execute(text(heal[dialect])) and None)
    assert await readiness.checks() == READY


async def test_another_schema_is_not_ready(readiness: Readiness, store: Store) -> None:
    other = text("UPDATE alembic_version SET version_num = '9999'")
    await store.write(lambda session: session.connection().execute(other) and None)
    assert (await readiness.checks())["database"] is False


async def test_photos_that_went_and_came_back_are_told_once_each(
    readiness: Readiness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "blobs").rename(tmp_path / "away")
    assert await readiness.checks() == READY | {"photos": False}
    for _ in range(3):
        readiness.look()
    (tmp_path / "away").rename(tmp_path / "blobs")
    for _ in range(3):
        readiness.look()
    said = capsys.readouterr().out
    assert (said.count("files.misplaced"), said.count("files.back")) == (1, 1)
    assert await readiness.checks() == READY
