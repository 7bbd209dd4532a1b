"""Commands as an operator runs them: own settings, own database, own files."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from hub.cli.main import app
from tests.some_connectors.county import ROOT, mended_wiring

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the county's files with the wiring of the tests, and an empty data directory."""
    import os  # noqa: PLC0415 - only to clear it

    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    for part in ("forms", "schemas"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "connectors.yaml").write_text(mended_wiring(), encoding="utf-8")
    given = {"HOME": str(folder), "DATA_DIR": str(tmp_path / "data"), "PROFILE": "test",
             "CONNECTOR_PACKAGES": '["tests.some_connectors"]'}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"HUB_{name}", value)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return folder


@pytest.fixture
def database(sqlite_template: bytes, tmp_path: Path, home: Path) -> str:
    """The database of that home, with today's schema."""
    file = tmp_path / "data" / "hub.db"
    file.parent.mkdir()
    file.write_bytes(sqlite_template)
    return f"sqlite:///{file}"


@pytest.fixture
def run(home: Path) -> Run:
    """Run a command; what it says comes without line breaks of the terminal."""

    def invoke(*words: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(app, words, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def flat(text: str) -> str:
    """Text without the terminal's line breaks and table lines."""
    return " ".join(text.replace("│", " ").split())
