"""A command loads what it needs and nothing else: seen in a process of its own, by the modules it has at its end."""

import json
import os
import subprocess
import sys

import pytest

from hub.cli.main import COMMANDS
from tests.some_connectors.county import ROOT
from tests.unit.cli.conftest import Run

WEB = {"fastapi", "starlette", "uvicorn", "prometheus_client"}
DATABASE = {"sqlalchemy", "sqlmodel", "alembic", "psycopg"}
OUT = {"httpx", "aiohttp", "asyncssh", "tenacity"}
SHEETS = {"qrcode", "fpdf", "PIL"}
HEAVY = WEB | DATABASE | OUT | SHEETS | {"apscheduler", "pwdlib"}


def loaded(*words: str, **told: str) -> set[str]:
    """Which of the heavy libraries `hub <words>` has loaded when it ends."""
    code = (
        "import json, sys\n"
        "from hub.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print(json.dumps([name for name in sys.modules if '.' not in name]))"
    )
    said = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True,
                          env=dict(os.environ) | told)  # fmt: skip
    return HEAVY & set(json.loads(said.stdout.splitlines()[-1]))


def test_the_command_line_itself_loads_nothing_heavy() -> None:
    code = "import hub.cli, json, sys; print(json.dumps([name for name in sys.modules if '.' not in name]))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(said.stdout)) == set()


@pytest.mark.usefixtures("home")
def test_files_are_checked_without_web_and_database() -> None:
    assert loaded("check") & (WEB | DATABASE | SHEETS) == set()
    assert loaded(
        "check", HUB_CONNECTOR_PACKAGES='["connectors"]', HUB_CONNECTORS_FILE=str(ROOT / "connectors.yaml")
    ) == {
        "httpx",
        "tenacity",
    }
    assert loaded("lineage", "visit.purpose") & (WEB | DATABASE | SHEETS) == set()


@pytest.mark.usefixtures("home")
def test_accounts_are_kept_without_web_and_scheduler() -> None:
    assert loaded("migrate") >= {"sqlalchemy"}
    assert loaded("account", "list") & (WEB | OUT | SHEETS | {"apscheduler"}) == set()


def test_every_command_is_found_and_tells_about_itself(run: Run) -> None:
    listed = run("--help").output
    for name in COMMANDS:
        assert f" {name} " in listed
        told = run(name, "--help")
        assert told.exit_code == 0
        assert f"{name}" in told.output


def test_an_unknown_command_is_told(run: Run) -> None:
    assert run("chekc").exit_code == 2


@pytest.mark.usefixtures("home")
def test_a_hub_on_sqlite_is_put_together_without_what_it_does_not_need() -> None:
    assert loaded("migrate") >= {"sqlalchemy", "fastapi", "apscheduler"}, "it stands for serve and work"
    assert loaded("migrate") & ({"alembic", "psycopg", "asyncssh", "aiohttp"} | SHEETS) == set()
