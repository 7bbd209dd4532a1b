"""What so many Systems cost before anything is delivered: starting, `hub check`, and a hub with nothing to do.

    python -m benchmarks.startup

starts the hub the environment describes without its HTTP server, leaves it alone, and prints what it used as JSON.
"""

import asyncio
import compileall
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.candidates import HUB, Candidate, hub_at
from benchmarks.machine import cpu_s
from benchmarks.report import Rounds
from benchmarks.scenarios import Figures
from benchmarks.world import ROOT, wiring, write_home

SETTLE_S = 1.0
WATCHED_S = 5.0


def wired(folder: Path, systems: int, port: int) -> Candidate:
    """Return a hub with so many Systems; nobody signs in."""
    folder.mkdir()
    write_home(folder, wiring([port] * systems))
    made = hub_at(folder, name=f"{systems:,} Systems")
    made.enter = None
    return made


def measure_all(rounds: int, folder: Path, port: int, sizes: Sequence[int]) -> Rounds:
    """Measure hubs of these sizes in turn; the bytecode and the databases are there."""
    for package in ("hub", "tests/fifth"):
        compileall.compile_dir(ROOT / package, quiet=1)
    hubs = [wired(folder / f"systems-{size}", size, port) for size in sizes]
    for each in hubs:
        start(each)
    found: Rounds = {each.name: [] for each in hubs}
    for _ in range(rounds):
        for each in hubs:
            found[each.name].append(start(each) | {"check_s": check_s(each)} | idle(each))
    return found


def start(candidate: Candidate) -> Figures:
    """Return how long one start took, and the processor time until then."""
    candidate.start()
    used = cpu_s(candidate.pids())
    candidate.stop()
    return {"ready_s": candidate.ready_s, "ready_cpu_s": used}


def check_s(candidate: Candidate) -> float:
    """Return how long `hub check` takes on the same files."""
    began = time.monotonic()
    subprocess.run([*HUB, "check"], env=_environment(candidate), cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - began


def idle(candidate: Candidate) -> Figures:
    """Return what a hub of these files holds and uses when nothing happens."""
    command = [sys.executable, "-m", "benchmarks.startup"]
    ran = subprocess.run(command, env=_environment(candidate), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: Figures = json.loads(ran.stdout.splitlines()[-1])
    return found


def _environment(candidate: Candidate) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return inherited | candidate.environment


async def watch_idle() -> Figures:
    """Start the hub the environment describes in this process, then look at it while nothing happens."""
    from hub.app import build, make_site  # noqa: PLC0415 - only this process of its own needs the hub
    from hub.settings import Settings  # noqa: PLC0415 - as above

    app = make_site(build(Settings()))
    async with app.router.lifespan_context(app):
        await asyncio.sleep(SETTLE_S)
        began, used, switched = time.monotonic(), time.process_time(), _switches()
        await asyncio.sleep(WATCHED_S)
        passed = time.monotonic() - began
        return {
            "tasks": len(asyncio.all_tasks()),
            "threads": _threads(),
            "switches": (_switches() - switched) / passed,
            "idle_cpu_ms": (time.process_time() - used) * 1000 / passed,
        }


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(watch_idle())))
