"""One attempt: hand a claim to its Connector within the deadline and name what came of it. No database here."""

import asyncio
from datetime import timedelta
from typing import cast

from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.delivery import State, is_recognised
from hub.outbox.decide.settle import Claim, Outcome, Result
from hub.sdk import Connector, Intent, Misconfigured, Outgoing, Receipt, Refused, Unavailable
from hub.sdk.errors import DeliveryFailure

log = get_logger(__name__)
MAX_ANSWER = 2_000
"""Characters of a System's answer kept as evidence with the Attempt."""
MAX_REASON = 500


async def attempt(connector: Connector, claim: Claim, answer_within: timedelta) -> Result:
    """Push or probe once; every way this can end is a Result, none is an exception."""
    try:
        async with asyncio.timeout(answer_within.total_seconds()):
            if claim.kind == "probe":
                return await _probe(connector, claim)
            passing("send.before")
            receipt = await connector.push(outgoing(claim))
            passing("send.after")
            return _received(claim, receipt)
    except DeliveryFailure as failure:
        return _failed(claim, failure)
    except TimeoutError:
        return Result(claim, Outcome.UNANSWERED, "no complete answer in time")
    except Exception as error:
        # A connector's own fault: bytes may have left, so the outcome is unknown; never lose the worker over it.
        log.exception("attempt.failed", delivery_id=claim.delivery_id, system=claim.system)
        return Result(claim, Outcome.UNANSWERED, f"connector fault: {type(error).__name__}")


def _failed(claim: Claim, failure: DeliveryFailure) -> Result:
    """Name the outcome of one of the four errors; one of a probe is certain, since probes change nothing."""
    certain = failure.certain or claim.kind == "probe"
    if isinstance(failure, Unavailable):
        outcome = Outcome.UNAVAILABLE if certain else Outcome.UNANSWERED
        return Result(claim, outcome, _short(failure.reason), retry_after=failure.retry_after)
    if isinstance(failure, Refused):
        outcome = Outcome.REFUSED if certain else Outcome.DOUBTFUL_NO
        code = f"[{failure.code}] " if failure.code else ""
        return Result(claim, outcome, _short(code + failure.reason), missing=failure.missing)
    outcome = Outcome.UNANSWERED
    if isinstance(failure, Misconfigured):
        outcome = Outcome.MISCONFIGURED if certain else Outcome.NOT_LET_IN
    return Result(claim, outcome, _short(failure.reason))


async def _probe(connector: Connector, claim: Claim) -> Result:
    passing("probe.before")
    receipt = await connector.probe(outgoing(claim))
    passing("probe.after")
    if receipt is None:
        return Result(claim, Outcome.ABSENT, "the system has not got it")
    return _received(claim, receipt)


def _received(claim: Claim, receipt: Receipt) -> Result:
    outcome = Outcome.ACCEPTED if receipt.accepted else Outcome.TRANSPORTED
    number, answer = _clean(receipt.remote_id), _clean(receipt.answer)
    return Result(claim, outcome, _short(receipt.message), number[:MAX_REASON], answer[:MAX_ANSWER])


def outgoing(claim: Claim) -> Outgoing:
    """Return what the Connector sees of a claim; raises ValueError for what this program does not understand."""
    if not is_recognised(State.LEASED, claim.intent):
        raise ValueError(f"intent {claim.intent!r} is not understood")
    return Outgoing(
        key=claim.key,
        flow=claim.flow,
        record=claim.record,
        payload=claim.payload,
        intent=cast("Intent", claim.intent),
        amends=claim.amends,
        number=claim.remote_id,
        attempt=max(claim.attempts, 2) if claim.repeat else claim.attempts,
    )


def _short(reason: str) -> str:
    """Bound a System's words."""
    return _clean(reason)[:MAX_REASON]


def _clean(words: str) -> str:
    """Take out what a database refuses to store: NUL and halves of surrogate pairs."""
    return words.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
