"""Whether deliveries flow to a System."""

from datetime import UTC, datetime, timedelta

from hub.model.system import Breaker
from hub.outbox.decide.breaker import (
    THRESHOLD,
    Health,
    after_failure,
    after_misconfiguration,
    after_success,
    probing,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def failed(times: int, health: Health | None = None) -> Health:
    health = health or Health()
    for _ in range(times):
        health = after_failure(health, NOW)
    return health


def test_it_opens_at_the_fifth_failure_in_a_row_and_not_before() -> None:
    assert THRESHOLD == 5
    assert failed(4).breaker is Breaker.CLOSED
    assert failed(4).permits(NOW, 9) == 9
    opened = failed(5)
    assert (opened.breaker, opened.open_until) == (Breaker.OPEN, NOW + timedelta(seconds=2))
    assert opened.permits(NOW, 9) == 0


def test_a_success_starts_the_count_again() -> None:
    assert failed(4, after_success(failed(4))).breaker is Breaker.CLOSED


def test_when_its_time_is_over_exactly_one_may_go_until_the_probe_is_lost() -> None:
    opened = failed(5)
    back = NOW + timedelta(seconds=2)
    assert [opened.permits(back, wanted) for wanted in (0, 1, 100)] == [0, 1, 1]
    out = probing(opened, back + timedelta(seconds=45))
    assert out.permits(back, 100) == 0
    assert out.permits(back + timedelta(seconds=45), 100) == 1
    assert after_success(out) == Health()


def test_a_failed_probe_opens_it_for_longer() -> None:
    again = after_failure(probing(failed(5), NOW), NOW)
    assert (again.breaker, again.open_until) == (Breaker.OPEN, NOW + timedelta(seconds=4))


def test_a_burst_of_failures_opens_it_no_longer_than_five_do() -> None:
    assert failed(32) == failed(5)
    again = failed(32, probing(failed(5), NOW))
    assert (again.breaker, again.failures, again.open_until) == (Breaker.OPEN, 6, NOW + timedelta(seconds=4))


def test_one_open_without_an_end_lets_a_probe_go() -> None:
    assert Health(Breaker.OPEN).permits(NOW, 7) == 1


def test_misconfiguration_holds_everything_even_after_a_success_and_without_a_reason() -> None:
    paused = after_misconfiguration(failed(5), "password expired")
    assert (paused.paused_reason, paused.breaker, paused.failures) == ("password expired", Breaker.CLOSED, 0)
    assert paused.permits(NOW, 1) == after_success(paused).permits(NOW, 1) == 0
    assert after_misconfiguration(Health(), "").permits(NOW, 1) == 0
