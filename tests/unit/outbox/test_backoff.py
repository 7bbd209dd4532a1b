"""When to try again."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.outbox.decide.backoff import (
    BREAKER_LONGEST,
    LONGEST_HOLD,
    LONGEST_LOOK,
    LONGEST_WAIT,
    MOST_TRIES,
    PATIENCE,
    PAUSE_LONGEST,
    breaker_wait,
    is_out_of_patience,
    is_over,
    next_attempt_at,
    next_look_at,
    pause_wait,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def seconds(attempts: int, dice: float = 0.0, asked: timedelta | None = None) -> float:
    return (next_attempt_at(NOW, attempts, dice, asked) - NOW).total_seconds()


def test_waits_double_from_a_second_to_an_hour_and_stay_there() -> None:
    assert [seconds(n) for n in range(1, 6)] == [1, 2, 4, 8, 16]
    assert seconds(12) == 2048
    assert {seconds(n) for n in (13, 40, 10_000, 10**9)} == {LONGEST_WAIT.total_seconds()}
    assert seconds(0) == 1


def test_dice_spread_a_wait_over_half_of_it() -> None:
    assert seconds(5, 0.0) == 16
    assert seconds(5, 0.5) == 20
    assert 23.9 < seconds(5, 0.999) < 24


@pytest.mark.fault("F48")
@pytest.mark.parametrize(
    ("asked", "wait"),
    [(timedelta(seconds=-1), 1), (timedelta(0), 1), (timedelta(seconds=90), 90), (timedelta(seconds=10**9), 86_400)],
)
def test_a_systems_own_wait_is_honoured_within_a_second_and_a_day(asked: timedelta, wait: float) -> None:
    assert seconds(1, asked=asked) == wait


def test_a_system_cannot_ask_to_be_met_sooner_than_the_backoff() -> None:
    assert seconds(8, asked=timedelta(seconds=2)) == 128


def test_looks_grow_with_age() -> None:
    ages = [timedelta(0), timedelta(minutes=1), timedelta(minutes=20), timedelta(days=3)]
    waits = [(next_look_at(NOW, NOW - age) - NOW).total_seconds() for age in ages]
    assert waits == [2, 15, 300, LONGEST_LOOK.total_seconds()]


def test_patience_lasts_fifteen_days_to_the_second() -> None:
    assert timedelta(days=15) == PATIENCE
    assert not is_out_of_patience(NOW - PATIENCE, 999, NOW, NOW - PATIENCE)
    assert is_out_of_patience(NOW - PATIENCE - timedelta(seconds=1), 1, NOW, NOW - PATIENCE)


@pytest.mark.fault("F42")
def test_what_was_made_while_the_clock_was_ahead_is_given_up_by_its_tries() -> None:
    """Nobody knows how long it has waited, and it must not wait until the clock gets there."""
    ahead = NOW + timedelta(days=365)
    assert not is_out_of_patience(ahead, MOST_TRIES - 1, NOW, NOW - PATIENCE)
    assert is_out_of_patience(ahead, MOST_TRIES, NOW, NOW - PATIENCE)


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(seconds=1), NOW + LONGEST_HOLD + timedelta(seconds=1), None])
def test_a_hold_is_over_in_time_and_when_nothing_can_have_meant_it(until: datetime | None) -> None:
    assert is_over(until, NOW)
    assert not is_over(NOW + timedelta(seconds=1), NOW)
    assert not is_over(NOW + LONGEST_HOLD, NOW)


def test_tries_to_end_a_pause_grow_rarer() -> None:
    waits = [pause_wait(n).total_seconds() for n in (1, 2, 3, 100)]
    assert waits == [300, 600, 1_200, PAUSE_LONGEST.total_seconds()]


def test_breaker_waits_double_up_to_five_minutes() -> None:
    assert [breaker_wait(n).total_seconds() for n in range(4)] == [2, 4, 8, 16]
    assert breaker_wait(1_000) == BREAKER_LONGEST == timedelta(minutes=5)
