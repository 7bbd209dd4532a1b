"""`python -m tests.crash.hub_under_test serve`: the real `hub` command with failpoints armed from the environment.

`HUB_FAILPOINTS` says what happens where, `HUB_FAILPOINTS_SEEN` names a file that keeps which points were passed.
Only this module reads either; a plain `hub serve` knows neither (tests/crash/test_failpoints.py).
"""

import os

from hub.failpoint import arm
from tests.crash.orders import Acting, read_orders


def main() -> None:
    """Arm, then be the hub."""
    arm(Acting(read_orders(os.environ.pop("HUB_FAILPOINTS", "")), os.environ.pop("HUB_FAILPOINTS_SEEN", "")))
    from hub.cli import main as hub  # noqa: PLC0415 - armed first, so that nothing of the hub runs unwatched

    hub()


if __name__ == "__main__":
    main()
