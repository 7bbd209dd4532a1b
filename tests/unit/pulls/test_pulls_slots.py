"""When a pull's slot is, and which pulls there are. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.pulls.run import slot_at

DAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "every", "slot"),
    [(0, 6, 0), (5.99, 6, 0), (6, 6, 6), (23.9, 6, 18), (13, 24, 0), (1, 1, 1)],
)
def test_a_slot_is_the_planned_time_now_belongs_to(hour: float, every: int, slot: int) -> None:
    assert slot_at(DAY + timedelta(hours=hour), timedelta(hours=every)) == DAY + timedelta(hours=slot)
