"""Databases of the machine: in memory where the host has a memory file system, since only speed is at stake here."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.postgres import database, memory


@pytest.fixture
def quick_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database; SQLite's in a folder of memory if there is one."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres_url")
        return
    with tempfile.TemporaryDirectory(prefix="fillonce-", dir=memory() or tmp_path) as folder:
        file = Path(folder) / "hub.db"
        file.write_bytes(request.getfixturevalue("sqlite_template"))
        yield f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh database on the private server."""
    with database(postgres_server, postgres_template, synchronous_commit="off") as url:
        yield url


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """Drawing a traceback for each of a million scripted faults would be most of the work."""

    def drop(*_: object) -> None:
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[drop])
    yield
    structlog.configure(**before)
