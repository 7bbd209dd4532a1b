"""Docs keep up: every setting, command, problem and connector is written about where people look for it.

Each list is read from its one source in the code; an empty list is a failure, never a pass.
"""

import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@cache
def text(*paths: str) -> str:
    """What these pages say together; a page that does not exist yet says nothing."""
    return "\n".join((ROOT / path).read_text() for path in paths if (ROOT / path).exists())


def settings() -> set[str]:
    """HUB_ names of the fields of hub.settings.Settings."""
    from hub.settings import Settings  # noqa: PLC0415 - collected before the first start

    return {f"HUB_{field.upper()}" for field in Settings.model_fields}


def commands() -> set[str]:
    """`hub x` and `hub x y`, read from the command tree that the program itself parses with."""
    import typer  # noqa: PLC0415 - as above

    from hub.cli.main import app  # noqa: PLC0415 - as above

    return set(leaves("hub", typer.main.get_command(app)))


def leaves(path: str, command: object) -> list[str]:
    """Commands that can be run, by their full words."""
    below = getattr(command, "commands", {})
    if not below:
        return [path]
    return [leaf for name, sub in below.items() if not sub.hidden for leaf in leaves(f"{path} {name}", sub)]


def problems() -> set[str]:
    """Codes of every problem the API may answer with."""
    catalogue = json.loads((ROOT / "schemas/messages/problems.json").read_text())
    return {
        re.sub(r"\.(title|detail|remedy)$", "", key.removeprefix("problem."))
        for key in catalogue
        if key.startswith("problem.")
    }


def missing(words: set[str], page: str) -> list[str]:
    """The words the page does not show in code type; fails when there was nothing to look for."""
    assert words, "the source list is empty"
    return sorted(word for word in words if not re.search(rf"`(?:[^`]*\s)?{re.escape(word)}(?![\w.])", page))


@pytest.mark.skipif(not (ROOT / "hub/settings.py").exists(), reason="no settings yet")
def test_settings_are_documented() -> None:
    """Somebody who runs the hub finds every HUB_ variable."""
    assert missing(settings(), text("docs/settings.md", "docs/how-to/run-it-for-real.md")) == []


@pytest.mark.skipif(not (ROOT / "hub/cli").exists() and not (ROOT / "hub/cli.py").exists(), reason="no commands yet")
def test_commands_are_documented() -> None:
    """Every command has a line in docs/commands.md."""
    assert missing(commands(), text("docs/commands.md")) == []


@pytest.mark.skipif(not (ROOT / "schemas/messages/problems.json").exists(), reason="no problems yet")
def test_problems_are_documented() -> None:
    """Every problem code of the API is explained in docs/problems.md."""
    assert missing(problems(), text("docs/problems.md")) == []


def test_connectors_are_documented() -> None:
    """A connector folder has its README and its graded rules, each exemption with a reason."""
    folders = [path.parent for path in (ROOT / "connectors").glob("*/connector.py")]
    assert folders
    assert [
        folder.name for folder in folders for page in ("README.md", "quality.yaml") if not (folder / page).exists()
    ] == []


LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")


def test_links_lead_somewhere() -> None:
    """A relative link in a page of ours points at a file that exists."""
    pages = [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(ROOT / "connectors").glob("*/*.md"),
        *(ROOT / "deploy").rglob("*.md"),
    ]
    assert pages
    dead = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in LINK.findall(page.read_text())
        if not (page.parent / link).exists()
    ]
    assert dead == []
