"""Starting: with the county's own wiring, with a thousand Systems, and `hub check`; what a thousand cost when idle."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks.candidates import HUB, Candidate, hub_at
from benchmarks.machine import cpu_s
from benchmarks.report import lines
from benchmarks.world import ROOT, wiring, write_home

STAND_IN = "ssh-unset unset"
"""A secret nobody accepts, shaped like a host key."""
FEW, MANY = 3, 1000
WATCHED_S = 3.0


def secrets_of(value: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a YAML file
    """Yield the names of the secrets a wiring asks for."""
    if isinstance(value, dict):
        if set(value) == {"secret"}:
            yield value["secret"]
        for child in value.values():
            yield from secrets_of(child)
    elif isinstance(value, list):
        for child in value:
            yield from secrets_of(child)


def normal(folder: Path) -> Candidate:
    """Return the hub with the project's own connectors.yaml; its Systems are not running."""
    folder.mkdir()
    made = hub_at(folder, name="normal wiring")
    document = yaml.safe_load((ROOT / "connectors.yaml").read_text(encoding="utf-8"))
    made.environment |= {f"HUB_SECRET_{name}": STAND_IN for name in secrets_of(document)}
    made.environment |= {"HUB_HOME": str(ROOT), "HUB_CONNECTOR_PACKAGES": '["connectors"]'}
    del made.environment["HUB_SEED_ACCOUNTS"]
    made.enter = None
    return made


def wired(folder: Path, systems: int, port: int) -> Candidate:
    """Return a hub with so many Systems."""
    folder.mkdir()
    write_home(folder, wiring([port] * systems))
    made = hub_at(folder, name=f"{systems} Systems")
    made.enter = None
    return made


def ready_s(candidate: Candidate) -> float:
    """Return how long one start took."""
    candidate.start()
    candidate.stop()
    return candidate.ready_s


def idle_share(candidate: Candidate) -> float:
    """Return the share of a core a hub with nothing to do uses."""
    candidate.start()
    time.sleep(1.0)
    pids = candidate.pids()
    before, began = cpu_s(pids), time.monotonic()
    time.sleep(WATCHED_S)
    used = (cpu_s(pids) - before) / (time.monotonic() - began)
    candidate.stop()
    return used


def tasks(candidate: Candidate) -> int:
    """Return how many tasks the loop of an idle hub holds."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.startup"], env=inherited | candidate.environment, cwd=ROOT, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return int(ran.stdout.splitlines()[-1])


def check_s() -> float:
    """Return how long `hub check` takes on the project's own files."""
    began = time.monotonic()
    subprocess.run([*HUB, "check"], cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - began


def run(rounds: int, folder: Path, port: int) -> str:
    """Measure in turn and return the table."""
    first, again, many, checks = [], [], [], []
    thousand, three = wired(folder / "thousand", MANY, port), wired(folder / "three", FEW, port)
    ready_s(thousand)
    ready_s(three)
    for number in range(rounds):
        usual = normal(folder / f"normal-{number}")
        first.append(ready_s(usual))
        again.append(ready_s(usual))
        many.append(ready_s(thousand))
        checks.append(check_s())
    rows = [
        _row("start-up to ready, normal wiring, database there", median(again), 1.5),
        _row("the same, first start: the database is made", median(first), None),
        _row(f"start-up to ready, {MANY:,} Systems", median(many), 3.0),
        _row("`hub check`", median(checks), 1.0),
    ]
    few_tasks, many_tasks = tasks(three), tasks(thousand)
    verdict = "met" if few_tasks == many_tasks else "**not met**"
    rows.append([f"tasks of an idle hub, {FEW} · {MANY:,} Systems", f"{few_tasks} · {many_tasks}", "equal", verdict])
    shares = f"{idle_share(three):.1%} · {idle_share(thousand):.1%}"
    rows.append([f"share of a core when idle, {FEW} · {MANY:,} Systems", shares, "", ""])
    return lines([["starting", "measured", "asked", ""], *rows])


def _row(words: str, seconds: float, asked: float | None) -> list[str]:
    if asked is None:
        return [words, f"{seconds:.2f} s", "", ""]
    return [words, f"{seconds:.2f} s", f"≤ {asked:.1f} s", "met" if seconds <= asked else "**not met**"]


async def count_tasks() -> int:
    """Start the hub the environment describes in this process, and count."""
    from hub.app import build, make_site  # noqa: PLC0415 - only this process of its own needs the hub
    from hub.settings import Settings  # noqa: PLC0415 - as above

    app = make_site(build(Settings()))
    async with app.router.lifespan_context(app):
        await asyncio.sleep(0.5)
        return len(asyncio.all_tasks())


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(count_tasks())))
