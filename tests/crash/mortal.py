"""A process of the hub that will be killed: started with its orders, watched until ready or dead."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.crash.nursery import Life, nursery
from tests.fifth.ledger_world import ROOT

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 45.0
LOOK_S = 0.02
FORKED = ()
ARMED = ("-m", "tests.crash.hub_under_test")
PLAIN = ("-c", "from hub.cli import main; main()")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Mortal:
    """One process and its lives; `command` is serve or work."""

    command: str
    home: Path
    told: Mapping[str, str]
    hub_path: Path | None = None
    """Where the package `hub` is taken from instead of this checkout: a seeded bug. Else `KILLED_HUB` may say."""
    launcher: tuple[str, ...] = FORKED
    """How a life begins: forked from one that is loaded, or started from nothing."""
    arguments: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | Life | None" = None
    started_at: float = 0.0
    ready_s: list[float] = field(default_factory=list)
    """How long each life took from its start to being ready."""

    @property
    def seen_file(self) -> Path:
        return self.home / f"{self.command}.seen"

    @property
    def passed(self) -> set[str]:
        """Points passed in this life."""
        return set(self.seen_file.read_text().split()) if self.seen_file.exists() else set()

    def start(self, orders: str = "") -> None:
        """Begin a life."""
        self.seen_file.unlink(missing_ok=True)
        other = self.hub_path or os.environ.get("KILLED_HUB")
        packages = [str(path) for path in (other, ROOT) if path]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HUB_")},
            **{f"HUB_{name}": value for name, value in self.told.items()},
            "HUB_FAILPOINTS": orders,
            "HUB_FAILPOINTS_SEEN": str(self.seen_file),
            "PYTHONPATH": os.pathsep.join(packages),
        }
        told = [self.command, *self.arguments]
        if not self.launcher and not other:
            self.process = nursery().born(told, environment, self._log, self.home)
        else:
            line = [sys.executable, *(self.launcher or ARMED), *told]
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(line, env=environment, stdout=log, stderr=log, cwd=self.home)
        self.started_at = time.monotonic()

    @property
    def _log(self) -> Path:
        return self.home / f"{self.command}.log"

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    @property
    def returncode(self) -> int | None:
        return None if self.process is None else self.process.poll()

    async def ready(self, client: httpx.AsyncClient, url: str) -> bool:
        """Wait until it can work; False when it died before."""
        while self.returncode is None:
            if await self._is_ready(client, url):
                self.ready_s.append(time.monotonic() - self.started_at)
                return True
            assert time.monotonic() < self.started_at + READY_WITHIN_S, self.last_words()
            await asyncio.sleep(LOOK_S)
        return False

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        if self.command == "work":
            return "writer.committed" in self.passed
        try:
            return (await client.get(f"{url}/readyz")).is_success
        except httpx.TransportError:
            return False

    async def died(self, within_s: float) -> bool:
        """Wait for its death; say whether it came."""
        deadline = time.monotonic() + within_s
        while self.returncode is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def kill(self) -> None:
        """SIGKILL: no goodbye, no flush."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self, *signals_after_s: float) -> int:
        """SIGTERM, and again after each of these waits; return the exit code."""
        assert self.process is not None
        for wait_s in (0.0, *signals_after_s):
            await asyncio.sleep(wait_s)
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, STOPPED_WITHIN_S)
