"""A simulator as a running process and a connector that talks to it; every connector test stands on this."""

import asyncio
import importlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hub.clock import Clock, SystemClock
from hub.sdk import Connector, Outgoing, Receipt
from hub.sdk.doors import Doors, open_doors
from hub.sdk.egress import Egress

PACKAGES = ("connectors", *os.environ.get("MORE_CONNECTORS", "").split())
"""Packages that hold connector folders; MORE_CONNECTORS names others, so that the suite can be turned on any folder."""
FOLDERS = {
    path.parent.name: path.parent
    for package in PACKAGES
    for home in importlib.import_module(package).__path__
    for path in Path(home).glob("*/connector.py")
}
"""Every connector folder there: one more is tested without a line here."""
PATIENCE_S = 30.0


def full_name(kind: str) -> str:
    """The dotted name of a connector folder."""
    home = FOLDERS[kind].parent
    package = next(name for name in PACKAGES if str(home) in importlib.import_module(name).__path__)
    return f"{package}.{kind}"


def part(kind: str, module: str) -> Any:  # noqa: ANN401 - a module, known at run time
    """Import one module of a connector folder."""
    return importlib.import_module(f"{full_name(kind)}.{module}")


class System:
    """One simulated System: a process with a folder of its own."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.directory = directory
        self.simulator = part(kind, "simulator")
        self.port = 0
        self.pages = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self, seed: Mapping[str, Any] | None = None, *arguments: str) -> None:
        """Start the process and wait until it listens; on the same port as before, if there was one."""
        command = [sys.executable, "-m", f"{full_name(self.kind)}.simulator"]
        command += ["--port", str(self.port), "--data", str(self.directory), *arguments]
        if seed is not None:
            seeds = self.directory.parent / f"{self.directory.name}.json"
            seeds.write_text(json.dumps(seed, ensure_ascii=False), "utf-8")
            command += ["--seed", str(seeds)]
        # The child finds what this process finds, an added package too.
        child = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(command, env=child, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        word, _, address = self._process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        self.port = int(address.rpartition(":")[2])
        if not address.startswith("http"):
            address = self._process.stdout.readline().strip().removeprefix("page ")
        self.pages = address

    def stop(self) -> None:
        """Stop the process as an operator would, and wait for its end."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        assert self._process.stdout
        self._process.stdout.close()
        self._process = None

    def settings(self, **changed: object) -> BaseModel:
        """The connector's settings for this System."""
        plain = self.simulator.settings_for(self.port, self.directory)
        settings: BaseModel = part(self.kind, "settings").Settings.model_validate({**plain, **changed})
        return settings

    @asynccontextmanager
    async def connector(self, clock: Clock | None = None, /, **changed: object) -> AsyncIterator[Connector]:
        """A connector with the real guarded doors, opened for this System alone."""
        egress = Egress.parse(self.simulator.reaches(self.port), allow_loopback=True)
        doors: Doors = open_doors(egress, clock or SystemClock())
        try:
            yield part(self.kind, "connector").Connector(self.settings(**changed), doors)
        finally:
            await doors.aclose()

    def page(self) -> str:
        """What a person sees who looks at the System."""
        with urllib.request.urlopen(self.pages, timeout=PATIENCE_S) as answer:
            text: str = answer.read().decode()
        return text


def outgoing(flow: str, payload: Mapping[str, Any], key: str = "k1:system:1", **more: Any) -> Outgoing:  # noqa: ANN401 - fields of Outgoing
    """A delivery as the outbox hands it over."""
    data = json.dumps(payload, ensure_ascii=False).encode()
    return Outgoing(key=key, flow=flow, record=f"{flow}/v1", payload=data, **more)


def about(key: str, **more: Any) -> Outgoing:  # noqa: ANN401 - fields of Outgoing
    """What a probe is asked with, where only the key matters."""
    return outgoing("sample", {}, key, **more)


async def deliver(connector: Connector, delivery: Outgoing) -> Receipt:
    """Push and, where the System answers later, ask until it has decided."""
    return await decided(connector, delivery, await connector.push(delivery))


async def decided(connector: Connector, delivery: Outgoing, receipt: Receipt | None) -> Receipt:
    """Ask about a delivery until the System has decided."""
    async with asyncio.timeout(PATIENCE_S):
        while receipt is None or not receipt.accepted:
            await asyncio.sleep(0.05)
            receipt = await connector.probe(delivery)
    return receipt
