"""Stories drawn at random over the whole hub, on both databases, with D1 to D9 checked after every step.

MACHINE_EXAMPLES, MACHINE_STEPS and MACHINE_SEED set how many, how long, and which. The run every change goes through
draws the same steps each time, so that what it finds is more likely the change's; `make test-machine-long` draws new
ones. What two threads do at once is not drawn: run twice, some two steps in a thousand met another Delivery.
"""

import os
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.hub_machine import HubMachine
from tests.machine.rows import reader
from tests.machine.stage import Stage

SHRINK = [Phase.shrink] if os.environ.get("MACHINE_SHRINK") else []
"""Making a failing story short takes minutes, so it is asked for."""
EXAMPLES = {"sqlite": 500, "postgres": 150}
"""A step costs three times as much on PostgreSQL; `make test-machine-long` draws as many there."""
STEPS = int(os.environ.get("MACHINE_STEPS", "50"))
SEED = int(os.environ.get("MACHINE_SEED", "2026"))


@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("quick_url", ["sqlite", "postgres"], indirect=True)
def test_every_promise_holds_after_every_step(quick_url: str) -> None:
    """D1 to D9."""
    kind = "sqlite" if quick_url.startswith("sqlite") else "postgres"
    examples = int(os.environ.get("MACHINE_EXAMPLES", EXAMPLES[kind]))
    stage = Stage(quick_url)
    read, close = reader(quick_url)
    told = seed(SEED)(type("Told", (HubMachine,), {"stage": stage, "read": staticmethod(read)}))
    sys.stdout.write(f"MACHINE_SEED={SEED} MACHINE_EXAMPLES={examples} MACHINE_STEPS={STEPS}\n")
    try:
        run_state_machine_as_test(
            told,
            settings=settings(
                max_examples=examples,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                print_blob=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, *SHRINK],
            ),
        )
    finally:
        close()
        stage.close()
