"""Short patience for one read inside a pull or a token fetch. Deliveries are retried by the outbox alone."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from hub.sdk.errors import DeliveryFailure, Unanswered, Unavailable

TRIES: Final = 3
WITHIN_S: Final = 10.0
T = TypeVar("T")


async def patiently(read: Callable[[], Awaitable[T]], *, first_wait_s: float = 0.2) -> T:
    """Try a read up to three times within ten seconds; a failure of it is certain, since nothing was to change.

    What stays unanswered is Unavailable.
    """
    retrying = AsyncRetrying(
        stop=stop_after_attempt(TRIES) | stop_after_delay(WITHIN_S),
        wait=wait_exponential_jitter(multiplier=first_wait_s, max=2, jitter=first_wait_s),
        retry=retry_if_exception_type((Unavailable, Unanswered)),
        reraise=True,
    )
    try:
        return await retrying(read)
    except Unanswered as silence:
        raise Unavailable(silence.reason) from silence
    except DeliveryFailure as failure:
        failure.certain = True
        raise
