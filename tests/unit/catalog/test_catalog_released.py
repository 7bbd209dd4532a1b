"""A released version never changes; a new one stands beside it."""

from pathlib import Path

import pytest

from hub.catalog import load_catalog
from hub.catalog.forms.released import FOLDERS, LIST, release_list, released_faults
from tests.unit.catalog.breaking import ROOT, Edit, faults_of

VISIT = "forms/visit/v1.yaml"


@pytest.fixture
def released(county: Path) -> Path:
    for folder in FOLDERS:
        (county / folder / LIST).write_text(release_list(county, folder))
    return county


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_of_ours_is_released_unchanged(folder: str) -> None:
    assert (ROOT / folder / LIST).read_text() == release_list(ROOT, folder)


def test_line_endings_do_not_count(released: Path) -> None:
    path = released / VISIT
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert released_faults(released) == []


@pytest.mark.parametrize("file", [VISIT, "schemas/records/visit/v1.yaml"])
def test_a_change_is_a_fault(file: str, released: Path) -> None:
    with (released / file).open("a") as text:
        text.write("# harmless\n")
    found, messages = faults_of(released)
    assert [messages.sentence(f) for f in found] == [
        f"{file}  已发布的版本被改动。 请恢复原样，另写新版本（如 v2.yaml）。"
    ]


def test_a_removal_is_a_fault(released: Path) -> None:
    (released / VISIT).unlink()
    found, messages = faults_of(released)
    assert [messages.sentence(f) for f in found] == [f"{VISIT}  已发布的版本被删除。 请恢复：旧的提交还要用它。"]


def test_a_line_nobody_can_read(released: Path) -> None:
    with (released / "forms" / LIST).open("a") as text:
        text.write("forms/visit/v1.yaml\n")
    found, messages = faults_of(released)
    assert [messages.sentence(f) for f in found] == [
        "forms/released.sha256#/7  这一行不是“sha256  文件名”。 请用 sha256sum 的格式。"
    ]


def test_a_draft_of_the_next_version_is_free(released: Path, edit: Edit) -> None:
    draft = released / "forms/visit/v2.yaml"
    draft.write_bytes((released / VISIT).read_bytes())
    edit("forms/visit/v2.yaml", "zh: 入户走访", "zh: 入户走访（试用）")
    catalog = load_catalog(released)
    newest = catalog.form("visit")
    assert newest is not None
    assert newest.version == 2
    assert catalog.form("visit", 1) is catalog.forms["visit", 1]
    assert [f.version for f in catalog.newest_forms() if f.form == "visit"] == [2]
