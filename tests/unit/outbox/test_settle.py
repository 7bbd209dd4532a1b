"""What becomes of a Delivery: the table of faults.md 2b, every row and column."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from hub.model.delivery import OPEN, State, may_move
from hub.outbox.decide.backoff import PATIENCE
from hub.outbox.decide.settle import MAX_LOST, NOBODY_THERE, Claim, Moment, Outcome, Result, settlement
from hub.sdk import Capabilities

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
OLD = NOW - PATIENCE - timedelta(hours=1)
HONOURS, PROBES, NEITHER = Capabilities(True), Capabilities(False, probes=True), Capabilities(False)
BOTH = Capabilities(True, probes=True)
AT = Moment(NOW, 0.0, NOW - PATIENCE)
PUSH = Claim(
    delivery_id="d", attempt_id="a", kind="push", system="north", flow="visit", record="visit/v1", key="k",
    intent="create", payload=b"{}", amends="", attempts=3, before=State.RETRY, repeat=False, created_at=NOW,
)  # fmt: skip
PROBE = replace(PUSH, kind="probe", before=State.UNKNOWN)
LOOK = replace(PUSH, kind="probe", before=State.TRANSPORTED, transported_at=NOW)
BACKOFF = NOW + timedelta(seconds=4)
FIRST_LOOK = HALF = NOW + timedelta(seconds=2)

W, R, T, D, U, P = State.WAITING, State.RETRY, State.TRANSPORTED, State.DELIVERED, State.UNKNOWN, State.PARKED

# claim, outcome, capabilities -> state, due, attempts, repeat
TABLE: list[tuple[Any, ...]] = [
    *[(c, Outcome.ACCEPTED, can, D, None, 3, False) for c in (PUSH, PROBE, LOOK) for can in (HONOURS, PROBES, NEITHER)],
    *[(c, Outcome.REFUSED, can, P, None, 3, False) for c in (PUSH, PROBE, LOOK) for can in (HONOURS, PROBES, NEITHER)],
    *[(c, Outcome.TRANSPORTED, can, T, FIRST_LOOK, 3, False) for c in (PUSH, PROBE, LOOK) for can in (HONOURS, BOTH)],
    *[(c, Outcome.ABSENT, can, R, HALF, 3, False) for c in (PROBE, LOOK) for can in (HONOURS, PROBES, NEITHER)],
    *[(replace(c, attempts=1), Outcome.ABSENT, PROBES, R, NOW, 1, False) for c in (PROBE, LOOK)],
    *[(PUSH, Outcome.UNAVAILABLE, can, R, BACKOFF, 3, False) for can in (HONOURS, PROBES, NEITHER)],
    (PROBE, Outcome.UNAVAILABLE, PROBES, U, BACKOFF, 3, False),
    (LOOK, Outcome.UNAVAILABLE, HONOURS, T, BACKOFF, 3, False),
    (PUSH, Outcome.MISCONFIGURED, HONOURS, R, NOW, 2, False),
    (replace(PUSH, before=W, attempts=1), Outcome.MISCONFIGURED, NEITHER, W, NOW, 0, False),
    (PROBE, Outcome.MISCONFIGURED, PROBES, U, NOW, 3, False),
    (LOOK, Outcome.MISCONFIGURED, HONOURS, T, NOW, 3, False),
    *[(PUSH, Outcome.DOUBTFUL_NO, can, U, due, 3, True) for can, due in ((HONOURS, None), (NEITHER, None))],
    *[(PUSH, Outcome.DOUBTFUL_NO, can, U, BACKOFF, 3, True) for can in (PROBES, BOTH)],
    *[(PUSH, Outcome.NOT_LET_IN, can, R, BACKOFF, 3, True) for can in (HONOURS, BOTH)],
    (PUSH, Outcome.NOT_LET_IN, PROBES, U, BACKOFF, 3, True),
    (PUSH, Outcome.NOT_LET_IN, NEITHER, U, None, 3, True),
    *[
        row
        for silent in (Outcome.UNANSWERED, Outcome.LOST)
        for row in (
            (PUSH, silent, HONOURS, R, BACKOFF, 3, True),
            (PUSH, silent, BOTH, R, BACKOFF, 3, True),
            (PUSH, silent, PROBES, U, BACKOFF, 3, True),
            (PUSH, silent, NEITHER, U, None, 3, True),
            (PROBE, silent, PROBES, U, BACKOFF, 3, False),
            (LOOK, silent, HONOURS, T, BACKOFF, 3, False),
        )
    ],
]


@pytest.mark.parametrize(("claim", "outcome", "can", "becomes"), [(*row[:3], row[3:]) for row in TABLE])
def test_the_table(claim: Claim, outcome: Outcome, can: Capabilities, becomes: tuple[object, ...]) -> None:
    end = settlement(Result(claim, outcome, "their words"), can, AT)
    assert (end.state, end.due_at, end.attempts, end.repeat) == becomes
    assert end.reason == "their words"


@pytest.mark.parametrize("outcome", Outcome)
def test_no_outcome_leads_to_an_illegal_move_or_an_open_state_nobody_looks_at(outcome: Outcome) -> None:
    for claim, can, created, repeat in product(
        (PUSH, PROBE, LOOK), (HONOURS, PROBES, NEITHER, BOTH), (NOW, OLD), (False, True)
    ):
        given = replace(claim, created_at=created, repeat=repeat)
        end = settlement(Result(given, outcome), can, replace(AT, dice=0.9))
        assert may_move(State.LEASED, end.state)
        assert end.due_at is not None or end.state not in OPEN - {State.UNKNOWN}
        assert end.due_at is None or end.state in OPEN


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [
        (PUSH, Outcome.UNAVAILABLE),
        (PUSH, Outcome.UNANSWERED),
        (PROBE, Outcome.UNAVAILABLE),
        (PROBE, Outcome.UNANSWERED),
        (PROBE, Outcome.ABSENT),
        (LOOK, Outcome.TRANSPORTED),
        (LOOK, Outcome.UNANSWERED),
    ],
)
def test_after_fifteen_days_a_person_decides(claim: Claim, outcome: Outcome) -> None:
    end = settlement(Result(replace(claim, created_at=OLD), outcome, "silence"), HONOURS, AT)
    assert (end.state, end.due_at, end.reason) == (State.PARKED, None, "silence")
    replayed = replace(claim, created_at=OLD, replayed_at=NOW - timedelta(days=1))
    assert settlement(Result(replayed, outcome), HONOURS, AT).state in OPEN


def test_a_pause_outlasts_patience() -> None:
    end = settlement(Result(replace(PUSH, created_at=OLD), Outcome.MISCONFIGURED), HONOURS, AT)
    assert end.state is State.RETRY


def test_what_may_have_arrived_is_a_repeat_until_the_system_says_it_did_not() -> None:
    marked = replace(PUSH, repeat=True)
    for outcome, repeat in ((Outcome.UNAVAILABLE, True), (Outcome.MISCONFIGURED, True), (Outcome.ACCEPTED, True)):
        assert settlement(Result(marked, outcome), HONOURS, AT).repeat is repeat
    for claim, outcome in ((marked, Outcome.REFUSED), (replace(PROBE, repeat=True), Outcome.ABSENT)):
        assert settlement(Result(claim, outcome), HONOURS, AT).repeat is False


def test_a_systems_own_wait_is_kept_for_pushes_and_probes() -> None:
    for claim in (PUSH, PROBE, LOOK):
        result = Result(claim, Outcome.UNAVAILABLE, retry_after=timedelta(minutes=5))
        assert settlement(result, PROBES, AT).due_at == NOW + timedelta(minutes=5)


def test_probing_grows_rarer_with_age_though_probes_are_not_counted_as_tries() -> None:
    an_hour_old = replace(PROBE, created_at=NOW - timedelta(hours=1))
    for outcome in (Outcome.UNAVAILABLE, Outcome.UNANSWERED, Outcome.LOST):
        assert settlement(Result(an_hour_old, outcome), PROBES, AT).due_at == NOW + timedelta(minutes=10)


def test_a_delivery_that_keeps_killing_workers_is_parked_at_the_fifth() -> None:
    for claim in (PUSH, PROBE):
        last_but_one = Result(replace(claim, lost=MAX_LOST - 2), Outcome.LOST)
        end = settlement(last_but_one, BOTH, AT)
        assert (end.state in OPEN, end.lost) == (True, MAX_LOST - 1)
        end = settlement(Result(replace(claim, lost=MAX_LOST - 1), Outcome.LOST), BOTH, AT)
        assert (end.state, end.due_at, end.repeat, end.lost) == (State.PARKED, None, True, MAX_LOST)
    for outcome in set(Outcome) - {Outcome.LOST}:
        assert settlement(Result(replace(PUSH, lost=MAX_LOST), outcome), HONOURS, AT).lost == 0


def test_our_own_death_and_our_own_settings_do_not_count_against_the_system() -> None:
    assert frozenset({Outcome.UNAVAILABLE, Outcome.UNANSWERED}) == NOBODY_THERE


@pytest.mark.case("C60")
@pytest.mark.fault("F82")
def test_a_doubtful_no_is_believed_once_nothing_is_found_there() -> None:
    doubted = settlement(Result(PUSH, Outcome.DOUBTFUL_NO, "HTTP 404"), PROBES, AT)
    assert (doubted.state, doubted.refusal) == (State.UNKNOWN, "HTTP 404")
    asked = replace(PROBE, repeat=True, refusal=doubted.refusal)
    for outcome in (Outcome.UNAVAILABLE, Outcome.UNANSWERED, Outcome.MISCONFIGURED, Outcome.LOST):
        kept = settlement(Result(asked, outcome, "away"), PROBES, AT)
        assert (kept.state, kept.refusal, kept.repeat) == (State.UNKNOWN, "HTTP 404", True)
    gone = settlement(Result(asked, Outcome.ABSENT), PROBES, AT)
    assert (gone.state, gone.reason, gone.repeat, gone.refusal) == (State.PARKED, "HTTP 404", False, None)
    found = settlement(Result(asked, Outcome.ACCEPTED, "saved"), PROBES, AT)
    assert (found.state, found.reason, found.refusal) == (State.DELIVERED, "saved", None)


@pytest.mark.case("C60")
@pytest.mark.fault("F82")
def test_a_no_to_a_repeat_says_nothing_of_the_push_before_where_keys_mean_nothing() -> None:
    """Parked as one that may be there: its correction must not be made anew beside it."""
    again = replace(PUSH, repeat=True)
    for can, may_be_there in ((HONOURS, False), (BOTH, False), (PROBES, True), (NEITHER, True)):
        end = settlement(Result(again, Outcome.REFUSED, "there already"), can, AT)
        assert (end.state, end.repeat) == (State.PARKED, may_be_there)
    assert settlement(Result(replace(LOOK, repeat=True), Outcome.REFUSED), NEITHER, AT).repeat is False


@pytest.mark.case("C60", "C41")
@pytest.mark.fault("F82")
@pytest.mark.parametrize("outcome", [Outcome.UNANSWERED, Outcome.NOT_LET_IN, Outcome.DOUBTFUL_NO, Outcome.LOST])
def test_a_change_is_not_asked_about_where_only_what_is_new_can_be(outcome: Outcome) -> None:
    for intent in ("amend", "withdraw"):
        end = settlement(Result(replace(PUSH, intent=intent), outcome), PROBES, AT)
        assert (end.state, end.due_at) == (State.UNKNOWN, None)
        able = replace(PROBES, probes_changes=True)
        assert settlement(Result(replace(PUSH, intent=intent), outcome), able, AT).due_at == BACKOFF


@pytest.mark.case("C61")
@pytest.mark.fault("F83")
def test_what_somebody_sends_again_and_is_not_there_to_be_changed_goes_as_new() -> None:
    amend = replace(PUSH, intent="amend", amends="N-1")
    gone = Result(amend, Outcome.REFUSED, "no such number", missing=True)
    first = settlement(gone, HONOURS, AT)
    assert (first.state, first.intent) == (State.PARKED, ""), "nobody asked for it to be made anew"
    again = settlement(replace(gone, claim=replace(amend, replayed_at=NOW)), HONOURS, AT)
    assert (again.state, again.due_at, again.intent, again.repeat) == (State.RETRY, NOW, "create", False)
    for other in (replace(amend, intent="withdraw"), replace(amend, intent="create"), replace(amend, kind="probe")):
        end = settlement(replace(gone, claim=replace(other, replayed_at=NOW)), HONOURS, AT)
        assert (end.state, end.intent) == (State.PARKED, "")
