"""docs/reliability.md keeps up: every test it names exists."""

import re

from tests.faults.marks import known_tests
from tests.faults.table import PAGE

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_the_page_names_exists() -> None:
    """A promise whose test was renamed is a promise nobody guards."""
    named, known = NAMED.findall(PAGE.read_text(encoding="utf-8")), known_tests()
    assert len(named) > 40
    known |= {test.partition("::")[0] for test in known}
    assert [f"{path}::{name}" for path, name in named if (f"{path}::{name}" if name else path) not in known] == []
