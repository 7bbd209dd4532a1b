"""Draws the stories of a state machine: how many, how long, and which."""

import os
import sys
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

from tests.builders import Loose

SHRINK = [Phase.shrink] if os.environ.get("MACHINE_SHRINK") else []
"""Making a failing story short takes minutes, so it is asked for."""
MOST = 99
"""Above it Hypothesis also draws numbers that it found in whatever modules are loaded: never twice the same stories."""
PICKS = st.integers(0, MOST)
DRAWN_SEEDS = st.tuples(PICKS, PICKS, PICKS).map(lambda of: of[0] * 10_000 + of[1] * 100 + of[2])
SEED = int(os.environ.get("MACHINE_SEED", "2026"))


class DrawnReadings(RuleBasedStateMachine):
    """A story of readings; the `stage` it is played on has `sources` once it has begun."""

    stage: ClassVar[Loose]

    @invariant()
    def every_promise_holds(self) -> None:
        if self.stage.sources:
            self.look()

    def look(self) -> None:
        """Check what no step may break."""
        raise NotImplementedError

    def end_well(self) -> None:
        """Let all faults end, and check what must be so then."""
        raise NotImplementedError

    def teardown(self) -> None:
        try:
            if self.stage.sources:
                self.end_well()
        finally:
            self.stage.forget()


def play(machine: type[RuleBasedStateMachine], stage: Loose, reader: Loose, examples: int, steps: int) -> None:
    """Run stories on a stage, with what reads its database back, and close both."""
    read, close = reader
    try:
        run(type(machine.__name__, (machine,), {"stage": stage, "read": staticmethod(read)}), examples, steps)
    finally:
        close()
        stage.close()


def run(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Run so many stories of so many steps, unless the environment says otherwise; the same each time."""
    examples = int(os.environ.get("MACHINE_EXAMPLES", examples))
    steps = int(os.environ.get("MACHINE_STEPS", steps))
    sys.stdout.write(f"MACHINE_SEED={SEED} MACHINE_EXAMPLES={examples} MACHINE_STEPS={steps}\n")
    run_state_machine_as_test(
        seed(SEED)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *SHRINK],
        ),
    )
