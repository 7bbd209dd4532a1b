"""A PostgreSQL of its own for one kill run: this run may stop it dead, nobody else uses it."""

import shutil
import signal
import tempfile
import time
from pathlib import Path

import psycopg

from tests.postgres import start

STARTED_WITHIN_S = 30.0


class PrivatePostgres:
    """One server with one database, made by this run and killed by it."""

    def __init__(self) -> None:
        self._top = Path(tempfile.mkdtemp(prefix="fillonce-kill-"))
        self._server, self.socket = start(self._top)
        with psycopg.connect(self._socket_url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hub")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres:@/hub?host={self.socket}"

    def _socket_url(self, name: str) -> str:
        return f"host={self.socket} user=postgres dbname={name}"

    def stop_immediately(self) -> None:
        """`pg_ctl stop -m immediate`: every backend dies at once, the log is replayed at the next start."""
        self._server.get_postmaster_info().process.send_signal(signal.SIGQUIT)
        self._gone()

    def kill(self) -> None:
        """SIGKILL of the postmaster; its backends notice and leave."""
        process = self._server.get_postmaster_info().process
        children = process.children(recursive=True)
        process.kill()
        self._gone()
        for child in children:
            child.wait(STARTED_WITHIN_S)

    def _gone(self) -> None:
        self._server.get_postmaster_info().process.wait(STARTED_WITHIN_S)

    def start(self) -> None:
        """Start it again and return once it answers."""
        self._server.ensure_postgres_running()
        deadline = time.monotonic() + STARTED_WITHIN_S
        while True:
            try:
                with psycopg.connect(self._socket_url("hub"), connect_timeout=1):
                    return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the database did not come back"
                time.sleep(0.1)

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._top, ignore_errors=True)
