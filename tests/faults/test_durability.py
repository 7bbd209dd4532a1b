"""A database that confirms before it has flushed: refused unless the hub is told to accept it, and then said openly."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from hub.clock import Clock
from hub.errors import Problem
from hub.settings import Settings
from hub.store import open_store
from hub.web.site import make_app
from tests.postgres import database
from tests.web.conftest import Site, visit

FLUSHES = {"full": 2, "relaxed": 1}
"""PRAGMA synchronous: 2 is FULL, 1 NORMAL."""
SHOWN_ONLY = ("fsync", "full_page_writes")
"""Settings of the whole server; a session can only look at them."""


@pytest.mark.fault("F4")
@pytest.mark.parametrize("durability", FLUSHES)
async def test_sqlite_flushes_before_it_confirms_unless_told_otherwise(tmp_path: Path, durability: str) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path} | ({"durability": durability} if durability != "full" else {})
    )
    assert settings.profile == "production"
    store = open_store(settings.database, settings.durability)
    kept = await store.write(lambda s: [s.connection().exec_driver_sql(f"PRAGMA {name}").scalar_one()
                                        for name in ("synchronous", "journal_mode")])  # fmt: skip
    assert kept == [FLUSHES[durability], "wal"]
    await store.close()


@pytest.fixture
def careless(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database whose sessions do not wait for the disk; the server's own settings stay."""
    with database(postgres_server, synchronous_commit="off") as url:
        yield url


@pytest.mark.fault("F4")
async def test_a_postgres_that_does_not_wait_for_its_disk_is_refused_unless_told(careless: str) -> None:
    with pytest.raises(Problem) as caught:
        open_store(careless)
    assert (caught.value.code, caught.value.params) == ("store.not_durable", {"setting": "synchronous_commit"})
    store = open_store(careless, "relaxed")
    assert await store.read(lambda s: s.connection().execute(text("SHOW synchronous_commit")).scalar_one()) == "off"
    await store.close()


@pytest.mark.fault("F4")
@pytest.mark.parametrize("setting", SHOWN_ONLY)
async def test_a_postgres_that_may_tear_its_pages_is_refused_unless_told(postgres_server: str, setting: str) -> None:
    url = f"postgresql+psycopg://postgres:@/postgres?host={postgres_server}"
    with psycopg.connect(f"host={postgres_server} user=postgres dbname=postgres", autocommit=True) as connection:
        switch(connection, setting, "off")
        try:
            with pytest.raises(Problem) as caught:
                open_store(url)
            assert caught.value.params == {"setting": setting}
            await open_store(url, "relaxed").close()
        finally:
            switch(connection, setting, "on")
    await open_store(url).close()


def switch(connection: psycopg.Connection, setting: str, value: str) -> None:
    """Change a setting of the whole server, and wait until new sessions have it."""
    connection.execute(f"ALTER SYSTEM SET {setting} = {value}")  # type: ignore[arg-type]  # our own words
    connection.execute("SELECT pg_reload_conf()")
    for _ in range(500):
        with psycopg.connect(f"host={connection.info.host} user=postgres dbname=postgres") as other:
            row = other.execute(f"SHOW {setting}").fetchone()  # type: ignore[arg-type]  # our own words
        if row == (value,):
            return
    raise AssertionError(f"{setting} stayed {row}")


@pytest.mark.fault("F4")
@pytest.mark.parametrize(("durability", "durable"), [("full", True), ("relaxed", False)])
async def test_health_and_every_receipt_say_how_safely_it_is_kept(
    site: Site, clock: Clock, durability: str, durable: bool
) -> None:
    told = site.parts.settings.model_copy(update={"durability": durability})
    site.app = make_app(replace(site.parts, settings=told))
    ada = await site.client("ada")
    assert (await ada.get("/healthz")).json() == {"alive": True, "durability": durability}
    receipt = await ada.post("/api/v1/submissions", json=visit(clock))
    assert (receipt.status_code, receipt.json()["durable"]) == (201, durable)
    assert (await ada.get(f"/api/v1/submissions/{receipt.json()['id']}")).json()["durable"] is durable
