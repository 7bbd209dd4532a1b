"""Stories drawn at random over the whole hub, on both databases, with D1 to D9 checked after every step.

MACHINE_EXAMPLES, MACHINE_STEPS and MACHINE_SEED set how many, how long, and which. The run every change goes through
draws the same steps each time, so that what it finds is more likely the change's; `make test-machine-long` draws new
ones. What two threads do at once is not drawn: run twice, some two steps in a thousand met another Delivery.
"""

import pytest

from tests.machine.drawn import play
from tests.machine.hub_machine import HubMachine
from tests.machine.rows import reader
from tests.machine.stage import Stage

EXAMPLES = {"sqlite": 500, "postgres": 150}
"""A step costs three times as much on PostgreSQL; `make test-machine-long` draws as many there."""
STEPS = 50


@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("quick_url", ["sqlite", "postgres"], indirect=True)
def test_every_promise_holds_after_every_step(quick_url: str) -> None:
    """D1 to D9."""
    kind = "sqlite" if quick_url.startswith("sqlite") else "postgres"
    play(HubMachine, Stage(quick_url), reader(quick_url), EXAMPLES[kind], STEPS)
