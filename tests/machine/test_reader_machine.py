"""Stories of 走村入户's reader drawn at random, over its simulator; numbers as in test_pull_machine.py."""

from pathlib import Path

import pytest

from connectors.household_visit import simulated
from tests.machine.drawn import play
from tests.machine.pull_rows import reader
from tests.machine.reader_machine import ReaderMachine
from tests.machine.reader_stage import ReaderStage

EXAMPLES = 15
STEPS = 40
PAGE_ROWS = 3


@pytest.mark.case("C01", "C02", "C11")
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("quick_url", ["sqlite"], indirect=True)
def test_a_reader_loses_nothing_while_its_pages_slide(
    quick_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D22, with a real connector over its simulator."""
    monkeypatch.setattr(simulated, "PAGE_ROWS", PAGE_ROWS)
    play(ReaderMachine, ReaderStage(quick_url, tmp_path), reader(quick_url), EXAMPLES, STEPS)
