"""docs/reliability.md keeps up: every test it names exists, and its tables are what the marks in the tests say."""

import re

import pytest

from tests.faults.marks import guarded, known_tests
from tests.faults.table import CASES, FAULTS, PAGE, TABLES, Table

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
AGAIN = "run `make reliability` and commit what it changed"


def test_every_test_the_page_names_exists() -> None:
    """A promise whose test was renamed is a promise nobody guards."""
    named, known = NAMED.findall(PAGE.read_text(encoding="utf-8")), known_tests()
    assert len(named) > 40
    known |= {test.partition("::")[0] for test in known}
    assert [f"{path}::{name}" for path, name in named if (f"{path}::{name}" if name else path) not in known] == []


def test_every_row_is_tested_or_says_why_not() -> None:
    """A row nobody speaks of is a fault nobody looked for; a reason beside a test is a stale one."""
    matrix, cases = FAULTS.rows(), CASES.rows()
    assert [row.name for row in matrix] == [f"F{number}" for number in range(1, 103)]
    assert [row.name for row in [*matrix, *cases] if not row.tests and not row.no_test] == []
    assert [row.name for row in [*matrix, *cases] if row.tests and row.no_test] == [], AGAIN
    assert sum(bool(row.tests) for row in matrix) >= 60
    known = {row.name for row in [*matrix, *cases]}
    assert guarded().keys() <= known, "a mark names a row that is in neither rows.yaml nor cases.yaml"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_the_page_shows_today_s_marks(table: Table) -> None:
    """The tables are made, never written; only the last results may be older than the code."""
    shown = table.words_of(PAGE.read_text(encoding="utf-8"))
    assert shown == [row.line("").removesuffix("  |\n") for row in table.rows()], AGAIN
