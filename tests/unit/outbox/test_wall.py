"""How long something has waited, though somebody set the clock (F42)."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.outbox.decide.wall import DRIFT, Gap, Wall, ago, without
from tests.conftest import HandClock

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)


def test_a_gap_was_not_lived_through() -> None:
    gap = Gap(NOW - 5 * HOUR, NOW - 2 * HOUR)
    assert ago(NOW, HOUR, [gap]) == NOW - HOUR
    assert ago(NOW, 2 * HOUR, [gap]) == NOW - 2 * HOUR
    assert ago(NOW, 3 * HOUR, [gap]) == NOW - 6 * HOUR
    assert ago(NOW, DAY, [gap]) == NOW - DAY - 3 * HOUR
    assert ago(NOW, DAY, [gap, Gap(NOW - 10 * HOUR, NOW - 9 * HOUR)]) == NOW - DAY - 4 * HOUR


@pytest.mark.parametrize("gap", [Gap(NOW, NOW + YEAR), Gap(NOW + HOUR, NOW + YEAR), Gap(NOW - YEAR, NOW - 2 * DAY)])
def test_a_gap_that_lies_ahead_or_long_past_changes_nothing(gap: Gap) -> None:
    assert ago(NOW, DAY, [gap]) == NOW - DAY


def test_set_back_again_the_gap_is_gone() -> None:
    early, late = Gap(NOW - DAY, NOW - DAY + HOUR), Gap(NOW, NOW + YEAR)
    assert without([early, late], YEAR) == (early,)
    assert without([early, late], YEAR - HOUR) == (early, Gap(NOW, NOW + HOUR))
    assert without([early, late], YEAR + HOUR / 2) == (Gap(early.begin, early.begin + HOUR / 2),)
    assert without([early, late], 9 * YEAR) == without([], DAY) == ()


@pytest.mark.fault("F42")
def test_steps_are_told_from_drift_and_forward_ones_are_kept_until_undone() -> None:
    clock = HandClock()
    wall = Wall(clock)
    for step in (timedelta(0), DRIFT, -DRIFT, DRIFT / 2):
        clock.tick(seconds=60)
        clock.at += step
        assert (wall.look(), wall.gaps) == (timedelta(0), ())
    began = clock.now() + timedelta(seconds=60)
    clock.tick(seconds=60)
    clock.at += YEAR
    assert wall.look() == YEAR
    assert wall.look() == timedelta(0)
    assert wall.gaps == (Gap(began, began + YEAR),)
    clock.tick(seconds=60)
    clock.at -= YEAR
    assert wall.look() == wall.look() == -YEAR, "told until it is noted"
    wall.noted(YEAR)
    assert (wall.look(), wall.gaps) == (timedelta(0), ())
