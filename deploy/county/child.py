"""One child process: started in a session of its own, its words kept in a file, stopped by its own id only."""

import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRACE_S = 15.0
"""How long a child may take to finish what it holds after SIGTERM."""


class NotStarted(Exception):
    """A child ended or stayed silent before it was ready; the text ends with its last words."""


@dataclass(frozen=True)
class Child:
    """A running process that this one started."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def wait_until(self, ready: Callable[[], str | None], within_s: float) -> str:
        """Return what `ready` says once it says something; raise NotStarted when the child ends or time is up."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if answer := ready():
                return answer
            if self.process.poll() is not None:
                raise NotStarted(f"{self.name} ended with code {self.process.returncode}: {self.last_words()}")
            time.sleep(0.05)
        raise NotStarted(f"{self.name} was not ready after {within_s:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """Return the end of its log, for people."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-1500:].strip()

    def stop(self) -> None:
        """Ask it to finish; insist only after the grace period."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_child(name: str, command: Sequence[str], log: Path, **popen: Any) -> Child:  # noqa: ANN401 - Popen's own
    """Start a command; it gets no terminal signals, so the order of stopping stays ours."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **popen,
        )
    return Child(name, process, log)


def require_free(port: int, remedy: str) -> None:
    """Refuse to start where somebody else listens: their answer would be taken for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NotStarted(f"port {port} is taken ({error.strerror}); {remedy}") from error


def stop_children(children: Mapping[str, Child]) -> None:
    """Stop them all, the last started first."""
    for child in reversed(list(children.values())):
        child.stop()
