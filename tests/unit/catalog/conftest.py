"""A private copy of the project's own data that a test may break, and the intact catalog."""

import shutil
from pathlib import Path

import pytest

from hub.catalog import Catalog, load_catalog
from tests.unit.catalog.breaking import ROOT, Edit


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(ROOT)


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """Forms and schemas, nothing of them released, so that a test sees only the fault it made."""
    for folder in ("forms", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("released.sha256"))
    return tmp_path


@pytest.fixture
def edit(county: Path) -> Edit:
    def replace(file: str, old: str, new: str) -> None:
        path = county / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer has {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
