"""Whose turn it is while something is suspected of killing workers."""

from hub.outbox.decide.alone import SHORTEST_S, Alone


def test_nobody_is_held_up_while_nothing_is_suspected() -> None:
    assert not Alone().has_turn(0)
    assert not Alone(due=True, not_before_s=5).has_turn(4.9)


def test_after_one_was_tried_alone_the_others_have_as_long() -> None:
    alone = Alone(due=True)
    assert alone.has_turn(100)
    alone.begin(100)
    assert alone.has_turn(130), "until it ends"
    alone.end(160)
    assert [alone.has_turn(at) for at in (160, 219.9, 220)] == [False, False, True]
    alone.begin(220)
    alone.end(220.1)
    assert [alone.has_turn(220.1 + wait) for wait in (0, SHORTEST_S - 0.01, SHORTEST_S + 0.01)] == [False, False, True]
