"""The errors a connector may raise. Each says what the hub will do, none says what went wrong inside.

DeliveryFailure
├── Unavailable     nothing reached the System, or it asked for patience: try the same bytes again later
├── Refused         the System understood and said no: park for a person, with the System's words
├── Misconfigured   our settings or credentials are wrong: pause the System, spend no attempt, tell its owner
└── Unanswered      bytes left and no complete answer came: outcome unknown, probe or park, never guess
                    (raised by the doors; a connector lets it pass)

Whoever raises one of the first three says by it that nothing was done there. An answer that anything on the way could
have given says no such thing: raised with `certain=False` the outcome of a push is as unknown as without any answer.
"""

from datetime import timedelta
from typing import Final

REASON_CHARS: Final = 2_000
"""However much a System has to say."""


class DeliveryFailure(Exception):
    """Base of the four; `reason` is shown to people, in the System's own words where it gave any."""

    def __init__(self, reason: str, *, certain: bool = True) -> None:
        self.reason = reason[:REASON_CHARS]
        super().__init__(self.reason)
        self.certain = certain
        """Nothing was done there: no byte left, or the System documents this answer as one it gives before it acts."""


class Unavailable(DeliveryFailure):
    """Nothing was done there; try again, not before `retry_after` where the System named a time."""

    def __init__(self, reason: str, retry_after: timedelta | None = None, *, certain: bool = True) -> None:
        super().__init__(reason, certain=certain)
        self.retry_after = retry_after


class Refused(DeliveryFailure):
    """A complete answer said no for a reason of substance; `code` is the System's own code for it.

    `missing`: what is to be changed or taken back is not there.
    """

    def __init__(self, reason: str, code: str = "", *, certain: bool = True, missing: bool = False) -> None:
        super().__init__(reason, certain=certain)
        self.code = code
        self.missing = missing


class Misconfigured(DeliveryFailure):
    """Nothing will work until somebody changes settings, credentials or a permission."""


class Unanswered(DeliveryFailure):
    """At least one byte of the request left and no complete, decodable answer came back."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, certain=False)
