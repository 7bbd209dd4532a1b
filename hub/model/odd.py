"""Values of rows that this program does not know: a newer one wrote them, or a person. Shown, never acted on."""

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from hub.errors import Phrase
from hub.logs import get_logger

Kind = TypeVar("Kind", bound=StrEnum)
Word = TypeVar("Word", bound=str)
log = get_logger(__name__)


class Odd(StrEnum):
    """What stands in views for a value nobody here understands."""

    UNRECOGNISED = "unrecognised"

    @property
    def words(self) -> Phrase:
        """How pages and refusals name it."""
        return Phrase(f"stand.{self}")


def known(kind: type[Kind], value: str) -> Kind | Odd:
    """Return a stored value as what it is; one odd row must never keep a list from its readers."""
    try:
        return kind(value)
    except ValueError:
        _say(kind.__name__, str(value))
        return Odd.UNRECOGNISED


def known_word(name: str, words: Collection[Word], value: Word) -> Word | Odd:
    """Return the same of a value that is one of a few words."""
    if value in words:
        return value
    _say(name, str(value))
    return Odd.UNRECOGNISED


@lru_cache(maxsize=256)
def _say(kind: str, value: str) -> None:
    """Log a value once a process."""
    log.warning("value.unrecognised", kind=kind, value=value)
