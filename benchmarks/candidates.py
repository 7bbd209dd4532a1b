"""What is measured, as processes: started on a fresh folder and database, looked into, stopped for certain."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import family, free_port, is_served
from benchmarks.world import PASSWORD, ROOT, wiring, write_home

READY_S = 60.0
STOP_S = 40.0
HUB = (sys.executable, "-c", "from hub.cli import main; main()")


@dataclass
class Candidate:
    """One program under measurement."""

    name: str
    folder: Path
    commands: list[list[str]]
    path: str
    ready: str
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    headers: dict[str, str] = field(default_factory=dict)
    enter: Callable[["Candidate"], dict[str, str]] | None = None
    """Signs in; returns the headers every submission carries."""
    database: Callable[[], list[int]] = list
    """Tells the processes of a database server beside it, none for SQLite."""
    ready_s: float = 0.0
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start and wait until ready; refuses a port that is served, since that one would be measured instead."""
        if is_served(self.port):
            raise SystemExit(f"port {self.port} is served by another process: the figures would be about that one")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        environment = {**inherited, "PYTHONPATH": str(ROOT), **self.environment}
        began = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            for number, command in enumerate(self.commands):
                words = [word.format(port=self.port) for word in command]
                self._running.append(
                    subprocess.Popen(words, env=environment | {"HUB_PORT": str(self.port)}, cwd=ROOT, stdout=log,
                                     stderr=log, start_new_session=True)
                )  # fmt: skip
                if number == 0:
                    self._await_ready(began)
        self.ready_s = time.monotonic() - began if len(self.commands) == 1 else self.ready_s
        if self.enter is not None:
            self.headers = self.enter(self)

    def _await_ready(self, began: float) -> None:
        while not self._answers():
            self.demand_alive()
            if time.monotonic() - began > READY_S:
                raise SystemExit(f"{self.name} did not get ready:\n{self.log()}")
            time.sleep(0.02)
        self.ready_s = time.monotonic() - began

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.ready}", timeout=2) as answer:
                return bool(answer.status < 300)  # noqa: PLR2004 - any 2xx
        except OSError:
            return False

    def demand_alive(self) -> None:
        """Refuse to go on with a program that has ended."""
        for process in self._running:
            if process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {process.returncode}:\n{self.log()}")

    def log(self) -> str:
        """Return the end of what it printed."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def pids(self) -> list[int]:
        """Return its processes, children included."""
        return [pid for process in self._running for pid in family(process.pid)]

    def stop(self) -> None:
        """Stop it; what does not obey within the grace is killed."""
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                for pid in family(process.pid):
                    os.kill(pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


def hub(folder: Path, ports: Sequence[int], database: str = "", *, split: bool = False, name: str = "") -> Candidate:
    """Return the real hub on SQLite, or on the database given, in one process or as web and worker."""
    folder.mkdir(parents=True, exist_ok=True)
    write_home(folder, wiring(ports))
    return hub_at(folder, database, split=split, name=name)


def hub_at(folder: Path, database: str = "", *, split: bool = False, name: str = "") -> Candidate:
    """Return the hub on a home that is written already."""
    environment = {
        "HUB_PROFILE": "test",
        "HUB_HOME": str(folder),
        "HUB_DATA_DIR": str(folder / "var"),
        "HUB_DATABASE_URL": database,
        "HUB_CONNECTOR_PACKAGES": '["tests.fifth"]',
        "HUB_SEED_ACCOUNTS": str(folder / "accounts.yaml"),
        "HUB_LOG_LEVEL": "warning",
        "HUB_WORKER": "false" if split else "true",
    }
    (folder / "var").mkdir(exist_ok=True)
    commands = [[*HUB, "serve"], [*HUB, "work"]] if split else [[*HUB, "serve"]]
    return Candidate(name or "hub", folder, commands, "/api/v1/submissions", "/readyz", environment, enter=sign_in)


def sign_in(candidate: Candidate, login: str = "ada") -> dict[str, str]:
    """Sign in, as the one who fills forms if nobody else is named."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{candidate.port}/api/v1/sessions",
        data=json.dumps({"login": login, "password": PASSWORD}).encode(),
        headers={"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            cookies = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie", [])]
    except urllib.error.HTTPError as refusal:
        raise SystemExit(f"signing in: {refusal.status} {refusal.read().decode()[:500]}") from refusal
    return {"Cookie": "; ".join(cookies), "Sec-Fetch-Site": "same-origin"}


def prototype(folder: Path, ports: Sequence[int], client: str) -> Candidate:
    """Return the bare prototype with one of its HTTP clients: `httpx`, `door` or `hand`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_home(folder, wiring(ports))
    aims = ",".join(str(port) for port in ports)
    command = [sys.executable, "-m", "benchmarks.prototype", "{port}", str(folder), aims, client]
    return Candidate(f"prototype-{client}", folder, [command], "/submissions", "/ready")


def baseline(folder: Path, ports: Sequence[int], database: str) -> Candidate:
    """Return FastAPI and Procrastinate on the PostgreSQL database given: web and worker."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "BASELINE_DATABASE": database,
        "BASELINE_SYSTEMS": ",".join(f"http://127.0.0.1:{port}/inspections" for port in ports),
    }
    web = [sys.executable, "-m", "uvicorn", "benchmarks.baseline.web:app", "--port", "{port}", "--log-level", "warning",
           "--no-access-log"]  # fmt: skip
    worker = [sys.executable, "-m", "benchmarks.baseline.worker"]
    return Candidate("procrastinate", folder, [web, worker], "/submissions", "/ready", environment)
