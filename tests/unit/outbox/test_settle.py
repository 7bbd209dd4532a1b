"""What becomes of a Delivery: the table of faults.md 2b, every row and column."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from hub.model.delivery import OPEN, State, may_move
from hub.outbox.decide.backoff import PATIENCE
from hub.outbox.decide.settle import MAX_LOST, NOBODY_THERE, Claim, Outcome, Result, settlement
from hub.sdk import Capabilities

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
OLD = NOW - PATIENCE - timedelta(hours=1)
HONOURS, PROBES, NEITHER = Capabilities(True), Capabilities(False, probes=True), Capabilities(False)
BOTH = Capabilities(True, probes=True)
PUSH = Claim(
    delivery_id="d", attempt_id="a", kind="push", system="north", flow="visit", record="visit/v1", key="k",
    intent="create", payload=b"{}", amends="", attempts=3, before=State.RETRY, repeat=False, created_at=NOW,
)  # fmt: skip
PROBE = replace(PUSH, kind="probe", before=State.UNKNOWN)
LOOK = replace(PUSH, kind="probe", before=State.TRANSPORTED, transported_at=NOW)
BACKOFF = NOW + timedelta(seconds=4)
FIRST_LOOK = NOW + timedelta(seconds=2)

W, R, T, D, U, P = State.WAITING, State.RETRY, State.TRANSPORTED, State.DELIVERED, State.UNKNOWN, State.PARKED

# claim, outcome, capabilities -> state, due, attempts, repeat
TABLE: list[tuple[Any, ...]] = [
    *[(c, Outcome.ACCEPTED, can, D, None, 3, False) for c in (PUSH, PROBE, LOOK) for can in (HONOURS, PROBES, NEITHER)],
    *[(c, Outcome.REFUSED, can, P, None, 3, False) for c in (PUSH, PROBE, LOOK) for can in (HONOURS, PROBES, NEITHER)],
    *[(c, Outcome.TRANSPORTED, can, T, FIRST_LOOK, 3, False) for c in (PUSH, PROBE, LOOK) for can in (HONOURS, BOTH)],
    *[(c, Outcome.ABSENT, can, R, NOW, 3, False) for c in (PROBE, LOOK) for can in (HONOURS, PROBES, NEITHER)],
    *[(PUSH, Outcome.UNAVAILABLE, can, R, BACKOFF, 3, False) for can in (HONOURS, PROBES, NEITHER)],
    (PROBE, Outcome.UNAVAILABLE, PROBES, U, BACKOFF, 3, False),
    (LOOK, Outcome.UNAVAILABLE, HONOURS, T, BACKOFF, 3, False),
    (PUSH, Outcome.MISCONFIGURED, HONOURS, R, NOW, 2, False),
    (replace(PUSH, before=W, attempts=1), Outcome.MISCONFIGURED, NEITHER, W, NOW, 0, False),
    (PROBE, Outcome.MISCONFIGURED, PROBES, U, NOW, 3, False),
    (LOOK, Outcome.MISCONFIGURED, HONOURS, T, NOW, 3, False),
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
    end = settlement(Result(claim, outcome, "their words"), can, NOW, 0.0)
    assert (end.state, end.due_at, end.attempts, end.repeat) == becomes
    assert end.reason == "their words"


@pytest.mark.parametrize("outcome", Outcome)
def test_no_outcome_leads_to_an_illegal_move_or_an_open_state_nobody_looks_at(outcome: Outcome) -> None:
    for claim, can, created, repeat in product(
        (PUSH, PROBE, LOOK), (HONOURS, PROBES, NEITHER, BOTH), (NOW, OLD), (False, True)
    ):
        given = replace(claim, created_at=created, repeat=repeat)
        end = settlement(Result(given, outcome), can, NOW, 0.9)
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
    end = settlement(Result(replace(claim, created_at=OLD), outcome, "silence"), HONOURS, NOW, 0.0)
    assert (end.state, end.due_at, end.reason) == (State.PARKED, None, "silence")
    replayed = replace(claim, created_at=OLD, replayed_at=NOW - timedelta(days=1))
    assert settlement(Result(replayed, outcome), HONOURS, NOW, 0.0).state in OPEN


def test_a_pause_outlasts_patience() -> None:
    end = settlement(Result(replace(PUSH, created_at=OLD), Outcome.MISCONFIGURED), HONOURS, NOW, 0.0)
    assert end.state is State.RETRY


def test_what_may_have_arrived_is_a_repeat_until_the_system_says_it_did_not() -> None:
    marked = replace(PUSH, repeat=True)
    for outcome, repeat in ((Outcome.UNAVAILABLE, True), (Outcome.MISCONFIGURED, True), (Outcome.ACCEPTED, True)):
        assert settlement(Result(marked, outcome), HONOURS, NOW, 0.0).repeat is repeat
    for claim, outcome in ((marked, Outcome.REFUSED), (replace(PROBE, repeat=True), Outcome.ABSENT)):
        assert settlement(Result(claim, outcome), HONOURS, NOW, 0.0).repeat is False


def test_a_systems_own_wait_is_kept_for_pushes_and_probes() -> None:
    for claim in (PUSH, PROBE, LOOK):
        result = Result(claim, Outcome.UNAVAILABLE, retry_after=timedelta(minutes=5))
        assert settlement(result, PROBES, NOW, 0.0).due_at == NOW + timedelta(minutes=5)


def test_probing_grows_rarer_with_age_though_probes_are_not_counted_as_tries() -> None:
    an_hour_old = replace(PROBE, created_at=NOW - timedelta(hours=1))
    for outcome in (Outcome.UNAVAILABLE, Outcome.UNANSWERED, Outcome.LOST):
        assert settlement(Result(an_hour_old, outcome), PROBES, NOW, 0.0).due_at == NOW + timedelta(minutes=10)


def test_a_delivery_that_keeps_killing_workers_is_parked_at_the_fifth() -> None:
    for claim in (PUSH, PROBE):
        last_but_one = Result(claim, Outcome.LOST, lost_before=MAX_LOST - 2)
        assert settlement(last_but_one, BOTH, NOW, 0.0).state in OPEN
        end = settlement(replace(last_but_one, lost_before=MAX_LOST - 1), BOTH, NOW, 0.0)
        assert (end.state, end.due_at, end.repeat) == (State.PARKED, None, True)
    unanswered = Result(PUSH, Outcome.UNANSWERED, lost_before=MAX_LOST)
    assert settlement(unanswered, HONOURS, NOW, 0.0).state is State.RETRY


def test_our_own_death_and_our_own_settings_do_not_count_against_the_system() -> None:
    assert frozenset({Outcome.UNAVAILABLE, Outcome.UNANSWERED}) == NOBODY_THERE
