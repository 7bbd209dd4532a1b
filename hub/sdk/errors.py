"""The errors a connector may raise. Each says what the hub will do, none says what went wrong inside.

DeliveryFailure
├── Unavailable     nothing reached the System, or it asked for patience: try the same bytes again later
├── Refused         the System understood and said no: park for a person, with the System's words
├── Misconfigured   our settings or credentials are wrong: pause the System, spend no attempt, tell its owner
└── Unanswered      bytes left and no complete answer came: outcome unknown, probe or park, never guess
                    (raised by the doors; a connector lets it pass)
"""

from datetime import timedelta
from typing import Final

REASON_CHARS: Final = 2_000
"""However much a System has to say."""


class DeliveryFailure(Exception):
    """Base of the four; `reason` is shown to people, in the System's own words where it gave any."""

    def __init__(self, reason: str) -> None:
        self.reason = reason[:REASON_CHARS]
        super().__init__(self.reason)


class Unavailable(DeliveryFailure):
    """Nothing was done there; try again, not before `retry_after` where the System named a time."""

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Refused(DeliveryFailure):
    """A complete answer said no for a reason of substance; `code` is the System's own code for it."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class Misconfigured(DeliveryFailure):
    """Nothing will work until somebody changes settings, credentials or a permission."""


class Unanswered(DeliveryFailure):
    """At least one byte of the request left and no complete, decodable answer came back."""
