"""Every text the portal asks for exists in both languages, with the same parameters."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MESSAGES = ROOT / "schemas" / "messages"
UI = ROOT / "hub" / "ui"
USED = re.compile(r"""\bt\(\s*["']([a-z_]+\.[A-Za-z0-9_.-]+)["']""")
PARAMETER = re.compile(r"\{(\w+)\}")


def sources() -> list[Path]:
    return [
        path for folder in ("portal", "shared") for path in (UI / folder).rglob("*") if path.suffix in {".vue", ".js"}
    ]


def catalogue() -> dict[str, dict[str, str]]:
    merged: dict[str, dict[str, str]] = {}
    for path in MESSAGES.glob("*.json"):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def test_every_key_in_the_sources_exists() -> None:
    used = {key for path in sources() for key in USED.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 80
    assert used - catalogue().keys() == set()


def test_both_languages_say_the_same_parameters() -> None:
    portal = json.loads((MESSAGES / "portal.json").read_text(encoding="utf-8"))
    for key, text in portal.items():
        assert set(text) == {"zh", "en"}, key
        assert sorted(PARAMETER.findall(text["zh"])) == sorted(PARAMETER.findall(text["en"])), key


def test_components_stay_small_and_files_too() -> None:
    for path in sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path
