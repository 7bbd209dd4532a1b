"""People who wait for an answer go first, and Deliveries never wait for good."""

from hub.outbox.decide.courtesy import AFTER_S, EVERY_S, MANY, Courtesy


def crowd(at: float) -> Courtesy:
    courtesy = Courtesy()
    for _ in range(MANY):
        courtesy.come(at)
    return courtesy


def test_few_people_hold_up_nothing() -> None:
    courtesy = Courtesy()
    for _ in range(MANY - 1):
        courtesy.come(1.0)
    assert not courtesy.is_crowded(1.0)
    assert all(courtesy.may_take(1.0) for _ in range(3))
    for _ in range(100):
        courtesy.go()
        courtesy.come(1.0)
    assert not courtesy.is_crowded(1.0), "one after the other is no crowd"


def test_in_a_crowd_what_is_due_is_taken_up_now_and_then() -> None:
    courtesy = crowd(at=1.0)
    taken = []
    for hundredth in range(100):
        now = 1.0 + hundredth / 100
        courtesy.come(now)
        courtesy.go()
        courtesy.come(now)
        if courtesy.may_take(now):
            taken.append(round(now - 1.0, 2))
    assert taken == [0.0, EVERY_S, 2 * EVERY_S, 3 * EVERY_S]


def test_between_two_waves_it_is_still_a_crowd_and_soon_after_the_last_none() -> None:
    courtesy = crowd(at=1.0)
    for _ in range(MANY):
        courtesy.go()
    assert courtesy.may_take(1.0)
    assert courtesy.is_crowded(1.0 + AFTER_S / 2)
    assert not courtesy.may_take(1.0 + AFTER_S / 2)
    assert not courtesy.is_crowded(1.001 + AFTER_S)
    assert courtesy.may_take(1.001 + AFTER_S)
