"""Problems the hub tells people about: a stable code, parameters for its text, and the fields at fault.

Any stage may raise a `Problem`; `web` turns it into RFC 9457 and the command line into a sentence. The texts
(zh and en) live in `schemas/messages` under `problem.<code>`; nothing here is language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phrase:
    """A text of schemas/messages as a part of another one, so that both are told in one language."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldFault:
    """One thing wrong in what somebody sent: where, why, and what to do about it."""

    path: str
    """JSON Pointer into the body, for example `/answers/visit.purpose`."""
    code: str
    """Message key suffix: the text is `fault.<code>` in schemas/messages."""
    params: dict[str, object] = field(default_factory=dict)


class Problem(Exception):
    """Something a person must be told; `status` is the HTTP status it is told with."""

    def __init__(
        self,
        code: str,
        status: int,
        faults: Sequence[FieldFault] = (),
        *,
        retry_after: int | None = None,
        **params: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.faults = tuple(faults)
        self.retry_after = retry_after
        self.params = params
