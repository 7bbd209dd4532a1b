"""Hubs that are born loaded: a process imports the hub once, and each life that is to be killed is forked from it.

Most of a start goes into loading modules, which is not what a kill tries. Starts from nothing, as people make them, are
in test_stop_at_start.py, test_failpoints.py and wherever a `launcher` or `hub_path` is told.
"""

import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.crash.hub_under_test import main
from tests.fifth.ledger_world import ROOT

LOOK_S = 0.01
LOADED = (
    "hub.cli.running", "hub.store.steps", "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.dialects.postgresql.psycopg", "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl",
    "httpx", "hub.store.blobs.picture",
)  # fmt: skip
"""What every start would import, one after the other."""


class Life:
    """A forked hub, as `subprocess.Popen` shows a process."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self._nursery = nursery

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it lives."""
        return self._nursery.code_of(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(["hub"], timeout or 0)
            time.sleep(LOOK_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it is dead, told or not."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process lives are forked from, and what it told of them."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.crash.nursery", str(theirs.fileno())]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, cwd=ROOT)
        theirs.close()
        self._told = b""
        self._born: list[int] = []
        self._codes: dict[int, int] = {}
        self._lock = threading.Lock()

    def born(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> Life:
        """Fork a hub with these arguments."""
        order = {"arguments": [*arguments], "environment": dict(environment), "log": str(log), "folder": str(folder)}
        with self._lock:
            self._ours.sendall(json.dumps(order).encode() + b"\n")
            while not self._born:
                self._hear(None)
            return Life(self, self._born.pop())

    def code_of(self, pid: int) -> int | None:
        """Return the exit code of one that died."""
        with self._lock:
            self._hear(0)
            return self._codes.get(pid)

    def _hear(self, within_s: float | None) -> None:
        while select.select([self._ours], [], [], within_s)[0]:
            told = self._ours.recv(65536)
            assert told, "the nursery is gone"
            *lines, self._told = (self._told + told).split(b"\n")
            for pid, code in map(json.loads, lines):
                if code is None:
                    self._codes.pop(pid, None)  # of one long dead: numbers come again
                    self._born.append(pid)
                else:
                    self._codes[pid] = code
            within_s = 0


@functools.cache
def nursery() -> Nursery:
    """Return the one of this process; it ends with us, and its children with it."""
    return Nursery()


def _serve(orders: socket.socket) -> dict[str, Any]:
    """Fork for each order and tell of births and deaths; returns in the child, with its order."""
    alive, told = set[int](), b""
    while True:
        if select.select([orders], [], [], LOOK_S)[0]:
            heard = orders.recv(65536)
            if not heard:
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                raise SystemExit(0)
            *lines, told = (told + heard).split(b"\n")
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    return dict(json.loads(line))
                alive.add(pid)
                orders.sendall(json.dumps([pid, None]).encode() + b"\n")
        while alive and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            alive.discard(ended[0])
            orders.sendall(json.dumps([ended[0], os.waitstatus_to_exitcode(ended[1])]).encode() + b"\n")


def _be(arguments: Sequence[str], environment: Mapping[str, str], log: str, folder: str) -> None:
    """Become the hub, in what a started one would find."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(written, 1)
    os.dup2(written, 2)
    sys.argv = ["hub", *arguments]
    main()


if __name__ == "__main__":
    for name in LOADED:
        import_module(name)
    _orders = socket.socket(fileno=int(sys.argv[1]))
    _order = _serve(_orders)
    _orders.close()
    _be(**_order)
