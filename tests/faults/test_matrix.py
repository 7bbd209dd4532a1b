"""The matrix itself: marks are found where they stand, results of several runs add up, the page keeps the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.marks import ROOT, guarded, read_marks
from tests.faults.results import last_results
from tests.faults.table import CASES, FAULTS, TABLES, Row, Table, result_of

MARKED = """
import pytest

CASES = [pytest.param(1, marks=pytest.mark.fault("F3")), 2]

@pytest.mark.fault("F1", "F2")
@pytest.mark.case("C7")
def test_one(): ...

@pytest.mark.parametrize("n", CASES)
async def test_cases(n): ...

@pytest.mark.parametrize("n", [pytest.param(1, marks=[pytest.mark.fault("F4")])])
def test_inside(n): ...

def test_plain(): ...
"""
ROW = Row("F1", "it breaks", "it is mended", ("tests/a.py::test_b", "tests/a.py::test_c"))


def write(folder: Path, text: str) -> Path:
    file = folder / "test_written.py"
    file.write_text(text)
    return file


def test_marks_are_found_on_tests_cases_and_modules(tmp_path: Path) -> None:
    source = read_marks(write(tmp_path, MARKED))
    assert source.tests == {
        "test_one": {"F1", "F2", "C7"},
        "test_cases": {"F3"},
        "test_inside": {"F4"},
        "test_plain": set(),
    }
    source = read_marks(write(tmp_path, f'{MARKED}\npytestmark = [pytest.mark.fault("F9")]'))
    assert all("F9" in found for found in source.tests.values())


def test_a_mark_on_no_test_is_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, 'import pytest\nUNUSED = [pytest.param(1, marks=pytest.mark.fault("F3"))]\ndef test_x(): ...')
    with pytest.raises(AssertionError, match="on no test"):
        guarded(tmp_path)


def test_results_of_several_runs_add_up_and_the_newest_counts(tmp_path: Path) -> None:
    runs = {
        "one": ("2026-11-23T01:00:00", {"tests/a.py::test_b[x]": "failed", "tests/a.py::test_b[y]": "passed"}),
        "two": ("2026-11-24T01:00:00", {"tests/a.py::test_b[x]": "passed"}),
        "three": ("2026-11-23T02:00:00", {"tests/a.py::test_c": "failed"}),
    }
    for name, (at, ended) in runs.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"at": at, "ended": ended}))
    assert last_results(tmp_path) == {
        "tests/a.py::test_b": ("passed", 2, "2026-11-24"), "tests/a.py::test_c": ("failed", 1, "2026-11-23"),
    }  # fmt: skip
    assert result_of(ROW, last_results(tmp_path), "") == "**failed**, 3 cases, 2026-11-24"


def test_what_was_not_run_again_keeps_its_result() -> None:
    half = {"tests/a.py::test_b": ("passed", 1, "2026-11-25")}
    assert result_of(ROW, half, "passed, 3 cases, 2026-11-24") == "passed, 3 cases, 2026-11-24"
    assert result_of(ROW, half, "") == "not run"
    assert result_of(Row("F1", "x", "y", (), no_test="none"), half, "") == "—"
    assert FAULTS.old_results(ROW.line("passed, 1 case")) == {f"F1: {ROW.shown_tests}": "passed, 1 case"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_the_page_around_the_table_stays(table: Table) -> None:
    page = table.made(f"before\n{table.begin}\nold\n{table.end}\nafter\n", {})
    assert page.startswith(f"before\n{table.begin}\n| row |")
    assert page.endswith(f" |\n{table.end}\nafter\n")
    assert page.count(f"\n| {table.letter}") == len(table.rows()) > 50
    assert table.made(page, {}) == page


def test_one_table_leaves_the_other_alone() -> None:
    page = f"{FAULTS.begin}\n{FAULTS.end}\n{CASES.begin}\n{CASES.end}\n"
    both = CASES.made(FAULTS.made(page, {}), {})
    assert both == FAULTS.made(CASES.made(page, {}), {})


RUN = """
import pytest

@pytest.mark.fault("F1")
@pytest.mark.parametrize("n", [1, 2])
def test_marked(n): assert n == 1

@pytest.fixture
def broken(): raise RuntimeError

@pytest.mark.case("C1")
def test_torn(broken): ...

def test_plain(): ...
"""


def test_a_run_leaves_its_results(tmp_path: Path) -> None:
    write(tmp_path, RUN)
    (tmp_path / "conftest.py").write_text("from tests.faults.results import *")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  fault\n  case")
    line = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    run = subprocess.run(
        line, check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert run.stdout.splitlines()[-1].startswith("1 failed, 2 passed, 1 error"), run.stdout
    found = {name: told[:2] for name, told in last_results(tmp_path / ".faults").items()}
    assert found == {"test_written.py::test_marked": ("failed", 2), "test_written.py::test_torn": ("failed", 1)}
