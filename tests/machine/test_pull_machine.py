"""Stories of readings drawn at random, on both databases: after a quiet whole one the hub knows what its source says.

MACHINE_EXAMPLES, MACHINE_STEPS and MACHINE_SEED as in test_hub_machine.py.
"""

import pytest

from tests.machine.drawn import play
from tests.machine.pull_machine import PullMachine
from tests.machine.pull_rows import reader
from tests.machine.pull_stage import PullStage

EXAMPLES = {"sqlite": 275, "postgres": 10}
"""A step costs three times as much on PostgreSQL."""
STEPS = 40


@pytest.mark.case("C01", "C02", "C04", "C11")
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("quick_url", ["sqlite", "postgres"], indirect=True)
def test_after_a_quiet_whole_reading_the_hub_knows_what_the_source_says(quick_url: str) -> None:
    """D22."""
    kind = "sqlite" if quick_url.startswith("sqlite") else "postgres"
    play(PullMachine, PullStage(quick_url), reader(quick_url), EXAMPLES[kind], STEPS)
