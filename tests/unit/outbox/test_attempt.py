"""One attempt: every way it can end is named, none escapes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.model.delivery import State
from hub.outbox.attempt import MAX_ANSWER, MAX_REASON, attempt, outgoing
from hub.outbox.decide.settle import Claim, Outcome
from hub.sdk import Misconfigured, Receipt, Refused, Unavailable
from hub.sdk.errors import Unanswered
from tests.builders import FakeSystem, Loose

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SOON = timedelta(milliseconds=20)
PUSH = Claim(
    delivery_id="d", attempt_id="a", kind="push", system="north", flow="visit", record="visit/v1", key="k",
    intent="create", payload=b'{"n":1}', amends="", attempts=1, before=State.WAITING, repeat=False, created_at=NOW,
)  # fmt: skip
PROBE = replace(PUSH, kind="probe", before=State.UNKNOWN)


async def never() -> None:
    await asyncio.Event().wait()


ENDS = [
    (Receipt("N-7", message="好"), Outcome.ACCEPTED, "好"),
    (Receipt("B-1", accepted=False, message="queued"), Outcome.TRANSPORTED, "queued"),
    (Unavailable("503"), Outcome.UNAVAILABLE, "503"),
    (Refused("村码不存在", code="4022"), Outcome.REFUSED, "[4022] 村码不存在"),
    (Refused("no"), Outcome.REFUSED, "no"),
    (Misconfigured("password expired"), Outcome.MISCONFIGURED, "password expired"),
    (Unanswered("cut off"), Outcome.UNANSWERED, "cut off"),
    (TimeoutError(), Outcome.UNANSWERED, "no complete answer in time"),
    (never, Outcome.UNANSWERED, "no complete answer in time"),
    (KeyError("household"), Outcome.UNANSWERED, "connector fault: KeyError"),
]


@pytest.mark.parametrize("kind", ["push", "probe"])
@pytest.mark.parametrize(("step", "outcome", "reason"), ENDS)
async def test_every_end_is_named(kind: str, step: Loose, outcome: Outcome, reason: str) -> None:
    system = FakeSystem()
    system.on_push, system.on_probe = [step], [step]
    result = await attempt(system, replace(PUSH, kind=kind), SOON)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert (len(system.pushed), len(system.probed)) == ((1, 0) if kind == "push" else (0, 1))


async def test_a_probe_that_finds_nothing_says_so() -> None:
    system = FakeSystem()
    assert (await attempt(system, PROBE, SOON)).outcome is Outcome.ABSENT
    assert system.probed == ["k"]


@pytest.mark.parametrize("answer", [None, "done"])
async def test_a_connector_that_breaks_the_contract_is_not_a_success(answer: Loose) -> None:
    async def wrong() -> Loose:
        return answer

    system = FakeSystem()
    system.on_push = [wrong]
    result = await attempt(system, PUSH, SOON)
    assert (result.outcome, result.reason) == (Outcome.UNANSWERED, "connector fault: AttributeError")


async def test_the_number_the_answer_and_the_wait_are_kept() -> None:
    system = FakeSystem()
    system.on_push = [Receipt("N-7", answer="x" * 9_000), Unavailable("y" * 9_000, timedelta(seconds=9))]
    given = await attempt(system, PUSH, SOON)
    assert (given.remote_id, len(given.answer)) == ("N-7", MAX_ANSWER)
    refused = await attempt(system, PUSH, SOON)
    assert (refused.retry_after, len(refused.reason)) == (timedelta(seconds=9), MAX_REASON)


async def test_words_no_database_takes_are_cleaned() -> None:
    """NUL and lone surrogates come out of JSON escapes; a result that cannot be stored would be sent again."""
    system = FakeSystem()
    system.on_push = [Receipt("N\0-1", message="a\0b\ud800", answer='{"m":"\ud83d\0"}')]
    result = await attempt(system, PUSH, SOON)
    assert (result.remote_id, result.reason, result.answer) == ("N-1", "ab?", '{"m":"?"}')


@pytest.mark.fault("F67")
@pytest.mark.parametrize("intent", ["create", "amend", "withdraw"])
def test_a_connector_sees_the_frozen_bytes_and_what_is_asked(intent: str) -> None:
    seen = outgoing(replace(PUSH, intent=intent, amends="N-1"))
    assert (seen.key, seen.payload, seen.intent, seen.amends) == ("k", b'{"n":1}', intent, "N-1")
    assert (seen.flow, seen.record, seen.attempt) == ("visit", "visit/v1", 1)


def test_a_repeat_is_never_called_a_first_try() -> None:
    assert outgoing(replace(PUSH, repeat=True, attempts=1)).attempt == 2
    assert outgoing(replace(PUSH, repeat=True, attempts=5)).attempt == 5
    assert outgoing(replace(PUSH, attempts=4)).attempt == 4
