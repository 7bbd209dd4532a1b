"""Which state may follow which."""

from hub.model.delivery import ENDED, MOVES, OPEN, State, may_move
from hub.model.issue import ISSUE_MOVES, WITHDRAWN_MOVES, IssueState


def test_every_state_has_its_moves_and_none_moves_to_itself_but_by_a_lease() -> None:
    assert set(MOVES) == set(State)
    assert all(old not in new for old, new in MOVES.items())


def test_only_a_lease_delivers_and_only_what_is_open_is_leased() -> None:
    assert {old for old, new in MOVES.items() if State.LEASED in new} == OPEN - {State.LEASED}
    by_hand = {State.UNKNOWN, State.PARKED, State.MANUAL}
    assert {old for old, new in MOVES.items() if State.DELIVERED in new} == by_hand | {State.LEASED}


def test_what_ended_stays_ended_unless_it_is_replayed_or_lost_there() -> None:
    assert MOVES[State.CANCELLED] == frozenset()
    assert MOVES[State.DELIVERED] == {State.WAITING, State.PARKED}
    assert frozenset({State.DELIVERED, State.CANCELLED}) == ENDED
    assert not may_move(State.LEASED, State.CANCELLED)


def test_every_state_can_be_reached_and_no_open_one_is_a_dead_end() -> None:
    reached = {new for moves in MOVES.values() for new in moves}
    assert reached == set(State)
    assert all(MOVES[state] for state in OPEN)


def test_an_issue_can_always_go_on_until_it_is_closed() -> None:
    assert set(ISSUE_MOVES) == set(IssueState)
    assert [state for state, moves in ISSUE_MOVES.items() if not moves] == [IssueState.CLOSED]


def test_what_is_withdrawn_can_only_be_closed_or_come_back() -> None:
    assert set(WITHDRAWN_MOVES) == set(IssueState)
    assert {new for moves in WITHDRAWN_MOVES.values() for new in moves} == {IssueState.CLOSED, IssueState.REPORTED}
    assert WITHDRAWN_MOVES[IssueState.CLOSED] == {IssueState.REPORTED}
