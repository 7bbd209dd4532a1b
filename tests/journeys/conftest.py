"""One county with its hub per kind of database, for all stories; each story takes a household of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.county.systems import County
from tests.journeys.process import Hub
from tests.journeys.world import HOUSEHOLDS, SYSTEMS, World, hub_of
from tests.postgres import database


@contextmanager
def fresh(kind: str, request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """A fresh database with today's schema."""
    if kind == "sqlite":
        file = home / "hub.db"
        file.write_bytes(request.getfixturevalue("sqlite_template"))
        yield f"sqlite:///{file}"
        return
    socket, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    with database(socket, template) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running county and hub that has read all four Systems."""
    home = tmp_path_factory.mktemp("county")
    with fresh(request.param, request, home) as url, County(home / "systems", households=HOUSEHOLDS) as county:
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
    kind = "sqlite" if world.hub.database_url.startswith("sqlite") else "postgres"
    with fresh(kind, request, tmp_path) as url:
        hub = hub_of(world.county, tmp_path, url)
        yield hub
        hub.stop()
