"""serve and work as real processes: they start, say who may sign in first, deliver what is due, and stop when told."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from hub.cli.main import main
from hub.cli.running import BEHIND_PEOPLE
from hub.model import Delivery, Division
from hub.model.people import Account
from hub.store import open_store
from hub.store.query.places import select
from tests.conftest import HandClock
from tests.some_connectors.county import ROOT, County, visit
from tests.unit.cli.conftest import Run


def start(*words: str) -> "subprocess.Popen[str]":
    code = "from hub.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def stop(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
    return said[0] + said[1]


def free_port() -> int:
    import socket  # noqa: PLC0415 - one line of it

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_heard(process: "subprocess.Popen[str]", word: str) -> str:
    """Read what a process says to stderr until a word comes."""
    said = ""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if word in line:
            return said
    raise AssertionError(said)


def test_serve_prepares_an_empty_hub_and_stops_when_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    divisions = tmp_path / "divisions.csv"
    divisions.write_text("code,level,name,parent_code\n330783000000,county,东阳市,\n", encoding="utf-8")
    for name, value in {"PORT": str(port), "SEED_DIVISIONS": str(divisions), "WORKER": "false"}.items():
        monkeypatch.setenv(f"HUB_{name}", value)
    process = start("serve")
    said = until_heard(process, "running on")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    stop(process)
    assert "first start: account operator, one-time password" in said.replace("\n", " ")
    assert "东阳市" not in said
    rows = asyncio.run(kept(tmp_path))
    assert rows == (["operator"], ["330783000000"])

    seeds = tmp_path / "accounts.yaml"
    seeds.write_text(
        "accounts:\n  - {login: ada, name: Ada, role: staff, division: '330783000000', password: correct horse}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HUB_SEED_ACCOUNTS", str(seeds))
    process = start("serve")
    said = until_heard(process, "running on")
    stop(process)
    assert "password" not in said
    assert asyncio.run(kept(tmp_path)) == (["ada", "operator"], ["330783000000"])


async def kept(tmp_path: Path) -> tuple[list[str], list[str]]:
    store = open_store(f"sqlite:///{tmp_path}/data/hub.db")
    try:
        logins = await store.read(lambda session: list(session.exec(select(Account.login))))
        codes = await store.read(lambda session: list(session.exec(select(Division.code))))
    finally:
        await store.close()
    return sorted(logins), codes


async def put_visit(database: str, clock: HandClock) -> None:
    store = open_store(database)
    county = await County(store, clock).settle()
    await county.submit(visit())
    await store.close()


def states(database: str) -> set[str]:
    async def read() -> set[str]:
        store = open_store(database)
        try:
            return set(await store.read(lambda session: list(session.exec(select(Delivery.state)))))
        finally:
            await store.close()

    return asyncio.run(read())


def test_work_once_delivers_what_is_due(run: Run, database: str) -> None:
    clock = HandClock()
    clock.tick(days=-30)
    asyncio.run(put_visit(database, clock))
    code = "from hub.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "work", "--once"], cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    assert done.stdout == b""
    assert states(database) <= {"delivered", "parked"}


def test_work_goes_on_until_told(database: str) -> None:
    process = start("work")
    said = until_heard(process, "pull.ended")
    nicer = os.getpriority(os.PRIO_PROCESS, process.pid) - os.getpriority(os.PRIO_PROCESS, 0)
    assert nicer == BEHIND_PEOPLE, "on one machine with serve it gets in the way of who waits for an answer"
    said += stop(process)
    assert process.returncode == 0
    assert "worker.stopped" in said


def test_work_says_what_to_do_with_a_database_that_has_no_schema(home: Path) -> None:
    process = start("work")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The database has not this program's schema" in said
    assert "Run hub migrate or hub serve first" in said
    assert "Traceback" not in said


def test_the_command_is_installed_under_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hub", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "lineage" in capsys.readouterr().out
