"""Places and tokens of one System."""

from hub.outbox.decide.slots import Slots


def test_places_bound_what_is_under_way_and_tokens_what_starts_in_a_second() -> None:
    slots = Slots(in_flight=2, per_second=3)
    assert (slots.take(5, 0.0), slots.take(5, 0.0)) == (2, 0)
    slots.give_back()
    slots.give_back()
    assert slots.take(5, 0.0) == 1, "two of three were asked this second"
    slots.give_back()
    assert slots.take(5, 10.0) == 2, "never more than places, however long nothing was asked"


def test_no_more_is_taken_than_asked_for() -> None:
    slots = Slots(in_flight=9, per_second=9)
    assert (slots.take(2, 0.0), slots.busy) == (2, 2)


def test_a_rate_below_one_a_second_still_lets_one_go() -> None:
    slots = Slots(in_flight=4, per_second=0.5)
    assert slots.take(1, 0.0) == 1
    assert (slots.take(1, 1.0), slots.take(1, 2.0)) == (0, 1)


def test_a_place_only_kept_costs_no_token() -> None:
    """A hundred resends of one Submission must not use up a slow System's rate."""
    slots = Slots(in_flight=4, per_second=1)
    for _ in range(100):
        assert slots.take(1, 0.0) == 1
        slots.leave()
    assert slots.take(4, 0.0) == 1
