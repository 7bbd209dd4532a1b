"""What this machine says about processes: children, processor seconds, memory, and how busy everybody else keeps it."""

import os
import signal
import socket
import time
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
_IDLE = (3, 4)


def end_in_order() -> None:
    """Let SIGTERM end this process the way an error does, so that what it started is stopped."""

    def leave(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, leave)


def family(pid: int) -> list[int]:
    """Return a process and all its descendants that are alive."""
    alive, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{each}/task").iterdir())
            below = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
        alive.append(each)
        waiting += below
    return alive


def cpu_s(pids: Iterable[int]) -> float:
    """Return the processor seconds these processes have used."""
    spent = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent += sum(int(field) for field in fields[11:13])
    return spent / TICK


def rss_mb(pids: Iterable[int]) -> float:
    """Return the resident memory of these processes together."""
    total = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
    return total / 1024


def busy_s() -> float:
    """Return the seconds all cores have been busy since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return sum(ticks for place, ticks in enumerate(fields) if place not in _IDLE) / TICK


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def is_served(port: int) -> bool:
    """Say whether somebody listens on a port."""
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Watch:
    """Processor time by role between its making and `shares`; what no role used is other people's noise."""

    def __init__(self, roles: dict[str, list[int]]) -> None:
        self._roles = roles
        self._began = time.monotonic()
        self._busy = busy_s()
        self._spent = {role: cpu_s(pids) for role, pids in roles.items()}

    def spent(self) -> dict[str, float]:
        """Return the processor seconds each role has used since."""
        return {role: cpu_s(pids) - self._spent[role] for role, pids in self._roles.items()}

    def shares(self, load_cpu_s: float) -> dict[str, float]:
        """Return the share of one core each role used, the load generator's given, and `others` of all cores."""
        passed = max(time.monotonic() - self._began, 1e-9)
        used = self.spent()
        others = busy_s() - self._busy - sum(used.values()) - load_cpu_s
        return {**{role: spent / passed for role, spent in used.items()}, "others": max(0.0, others / passed / CORES)}
