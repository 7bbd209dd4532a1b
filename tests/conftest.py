"""What every test may use: both databases, real and private, and a clock that stands still until moved."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from hub.store import Store, open_store
from hub.store.migrate import migrate
from tests.faults.results import pytest_runtest_makereport, pytest_sessionfinish  # noqa: F401 - hooks pytest finds here
from tests.postgres import database, do, serving

# Drawing a traceback with all that its functions held takes ten seconds, and many tests make the hub log one.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
)


class HandClock:
    """A clock moved by hand; it starts on a Monday morning in Dongyang."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
        self.steady = 1_000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.steady

    def tick(self, **units: float) -> None:
        step = timedelta(**units)
        self.at += step
        self.steady += step.total_seconds()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A private PostgreSQL of this test run; its socket directory."""
    with serving() as socket:
        yield socket


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database with today's schema, to copy from."""
    do(postgres_server, "CREATE DATABASE hub_template")
    migrate(f"postgresql+psycopg://postgres:@/hub_template?host={postgres_server}")
    return "hub_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SQLite file with today's schema, to copy from."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{file}")
    return file.read_bytes()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with today's schema, once on each kind."""
    if request.param == "sqlite":
        file = tmp_path / "hub.db"
        file.write_bytes(request.getfixturevalue("sqlite_template"))
        yield f"sqlite:///{file}"
        return
    socket, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    with database(socket, template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind, without any table."""
    if request.param == "sqlite":
        (tmp_path / "empty").mkdir()
        yield f"sqlite:///{tmp_path}/empty/hub.db"
        return
    with database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on each kind of database."""
    opened = open_store(database_url)
    yield opened
    await opened.close()
    await asyncio.sleep(0)
