"""The hub's own commands as processes: started on a free port, watched until ready, stopped or killed by their id."""

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from deploy.county.child import Child, start_child

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 60.0
Found = TypeVar("Found")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(look: Callable[[], Found | None], within_s: float = 60.0, *, what: str = "it") -> Found:
    """Return the first answer of `look` that is not None or False; fail with its name when time is up."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come within {within_s:.0f} s"
        time.sleep(0.1)
    return found


@dataclass
class Hub:
    """One hub: where its files are, what it is told, and the processes it runs as."""

    home: Path
    database_url: str
    told: Mapping[str, str]
    port: int = field(default_factory=free_port)
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the processes see; nothing of the caller's own HUB_ settings."""
        own = {
            "PROFILE": "test",
            "HOME": str(ROOT),
            "DATA_DIR": str(self.home),
            "DATABASE_URL": self.database_url,
            "PORT": str(self.port),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        told = own | dict(self.told)
        return kept | {"PYTHONPATH": str(ROOT)} | {f"HUB_{name}": value for name, value in told.items()}

    def start(self, command: str = "serve", name: str = "serve") -> Child:
        """Start `hub <command>`; its words are kept in <name>.log."""
        line = [sys.executable, "-c", "from hub.cli import main; main()", command]
        child = start_child(name, line, self.home / f"{name}.log", cwd=ROOT, env=self.environment)
        self.children[name] = child
        return child

    def serve(self) -> None:
        """Start `hub serve` and wait until it is ready."""
        self.start().wait_until(lambda: "yes" if self.is_ready() else None, READY_WITHIN_S)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def kill(self, name: str = "serve") -> None:
        """Kill -9: no goodbye, no flush."""
        self.children[name].process.kill()
        self.children[name].process.wait()

    def log(self, name: str = "serve") -> str:
        return (self.home / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        for child in self.children.values():
            child.stop()
