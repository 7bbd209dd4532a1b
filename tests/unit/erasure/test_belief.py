"""When a clock is believed: beside the steady count, beside what was believed before, beside what is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.erasure.belief import AHEAD, AWAY, SLIP, STEADY, Belief, Seen, doubted

pytestmark = [pytest.mark.case("C64"), pytest.mark.fault("F86")]
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def seen(now: datetime, passed: timedelta, believed_at: datetime | None = AT, newest_at: datetime | None = AT) -> Seen:
    """What there is to see once so much time has passed on the steady count."""
    return Seen(now, 1_000 + passed.total_seconds(), believed_at, newest_at)


@pytest.mark.parametrize(
    ("believed_at", "newest_at", "doubt"),
    [
        (None, None, ""),
        (AT, AT, ""),
        (AT - AWAY, AT - AWAY, ""),
        (AT - AWAY - MOMENT, AT - AWAY, "away"),
        (AT - 730 * 24 * HOUR, None, "away"),
        (AT + AHEAD, AT, ""),
        (AT + AHEAD + MOMENT, AT, "away"),
        (AT, AT + AHEAD, ""),
        (AT, AT + AHEAD + MOMENT, "data_ahead"),
        (None, AT + 730 * 24 * HOUR, "data_ahead"),
        (AT, AT - 730 * 24 * HOUR, ""),
    ],
)
def test_a_clock_nobody_has_watched(believed_at: datetime | None, newest_at: datetime | None, doubt: str) -> None:
    there = seen(AT, timedelta(0), believed_at, newest_at)
    assert doubted(there) == doubt
    assert Belief().doubt(there) == doubt


def test_time_that_passes_is_believed_however_long() -> None:
    """Also where nobody noted that it was believed meanwhile, and nothing came in."""
    belief = Belief()
    for days in (0, 1, 400, 4_000):
        passed = timedelta(days=days)
        assert belief.doubt(seen(AT + passed, passed)) == ""


@pytest.mark.parametrize("slip", [SLIP, -SLIP])
def test_a_clock_that_is_corrected_a_little_is_believed(slip: timedelta) -> None:
    belief = Belief()
    belief.doubt(seen(AT, timedelta(0)))
    assert belief.doubt(seen(AT + HOUR + slip, HOUR)) == ""
    assert Belief().doubt(seen(AT, timedelta(0))) == ""


@pytest.mark.parametrize("jump", [SLIP + MOMENT, -SLIP - MOMENT, 3 * HOUR, timedelta(days=5)])
def test_one_that_jumps_is_believed_after_a_day_without_a_jump(jump: timedelta) -> None:
    belief = Belief()
    belief.doubt(seen(AT, timedelta(0)))
    for passed in (HOUR, 2 * HOUR, HOUR + STEADY - MOMENT):
        assert belief.doubt(seen(AT + jump + passed, passed)) == "jumped"
    assert belief.doubt(seen(AT + jump + HOUR + STEADY, HOUR + STEADY)) == ""


def test_each_jump_begins_the_day_anew() -> None:
    belief = Belief()
    belief.doubt(seen(AT, timedelta(0)))
    assert belief.doubt(seen(AT + 4 * HOUR, HOUR)) == "jumped"
    assert belief.doubt(seen(AT + 30 * HOUR, 20 * HOUR)) == "jumped"
    assert belief.doubt(seen(AT + 44 * HOUR, 34 * HOUR)) == "jumped"
    assert belief.doubt(seen(AT + 54 * HOUR, 44 * HOUR)) == ""


def test_one_that_comes_back_is_believed_at_once() -> None:
    belief = Belief()
    belief.doubt(seen(AT, timedelta(0)))
    assert belief.doubt(seen(AT + timedelta(days=730), HOUR)) == "away"
    assert belief.doubt(seen(AT + 2 * HOUR, 2 * HOUR)) == ""


def test_one_that_is_far_ahead_is_not_believed_by_waiting() -> None:
    belief = Belief()
    belief.doubt(seen(AT, timedelta(0)))
    for days in range(1, 90):
        passed = timedelta(days=days)
        ahead = AT + timedelta(days=730) + passed
        assert belief.doubt(seen(ahead, passed, newest_at=ahead)) == "away"


def test_what_is_dated_later_than_now_is_doubted_even_by_one_that_agrees() -> None:
    belief = Belief()
    belief.doubt(seen(AT, timedelta(0)))
    assert belief.doubt(seen(AT + HOUR, HOUR, newest_at=AT + 3 * HOUR)) == "data_ahead"
