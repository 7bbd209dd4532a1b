"""One county with its hub per kind of database, for all stories; each story takes a household of its own."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from deploy.county.systems import County
from tests.journeys.process import Hub
from tests.journeys.world import HOUSEHOLDS, SYSTEMS, World, hub_of

_numbers = count(1)


def new_postgres(request: pytest.FixtureRequest) -> str:
    """A fresh PostgreSQL database with today's schema."""
    socket, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    name = f"journey{next(_numbers)}"
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]  # our own words
    return f"postgresql+psycopg://postgres:@/{name}?host={socket}"


def new_sqlite(request: pytest.FixtureRequest, home: Path) -> str:
    """A fresh SQLite database with today's schema."""
    file = home / "hub.db"
    file.write_bytes(request.getfixturevalue("sqlite_template"))
    return f"sqlite:///{file}"


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running county and hub that has read all four Systems."""
    home = tmp_path_factory.mktemp("county")
    url = new_sqlite(request, home) if request.param == "sqlite" else new_postgres(request)
    with County(home / "systems", households=HOUSEHOLDS) as county:
        hub = hub_of(county, home / "hub", url)
        made = World(county, hub)
        try:
            hub.serve()
            for name in SYSTEMS:
                runs = made.pull(name)
                assert {one["outcome"] for one in runs} == {"done"}, runs
            yield made
        finally:
            made.part()
            hub.stop()


@pytest.fixture
def spare_hub(world: World, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """Another hub for the same county with a database of its own kind, not started."""
    is_sqlite = world.hub.database_url.startswith("sqlite")
    hub = hub_of(world.county, tmp_path, new_sqlite(request, tmp_path) if is_sqlite else new_postgres(request))
    yield hub
    hub.stop()
