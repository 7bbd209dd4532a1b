"""What a check may say instead of a value, and how a value is shown that nobody understood. Pure."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from hub.catalog.contents import Element
from hub.text import BLANKS, comparable, is_plain

LONGEST_SHOWN = 60
LONGEST_WORD = 12
"""Longer than every word for nothing, blanks around it included."""
OPEN_SENSITIVITY = 2
"""Up to this, a value may be shown as it is."""


class Nothing(Enum):
    """The one value that means "there is none", apart from every value there can be."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING
_WORDS_FOR_NOTHING = frozenset(
    {"", "无", "没有", "暂无", "未知", "不详", "空", "-", "--", "—", "——", "/", "\\", "n/a", "na", "null", "none"}
)
"""What people and exports write into a field that has no value; as compared."""
_FIRST_LETTERS = {letter for word in _WORDS_FOR_NOTHING for letter in (word[:1], word[:1].upper())} | set(
    "ＮｎＵ－／＼"
)


class NotUnderstood(Exception):
    """A value that does not fit its element; `reason` is a message key, `params` fill its text and hold no values."""

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = f"open_item.{reason}"
        self.params: Mapping[str, object] = params


def says_nothing(text: str) -> bool:
    """Say whether a text is a word for "there is none"."""
    return (
        len(text) <= LONGEST_WORD
        and text.strip(BLANKS)[:1] in _FIRST_LETTERS
        and comparable(text) in _WORDS_FOR_NOTHING
    )


def masked(value: object, element: Element | None) -> str:
    """Return a value as an open item may show it: as it is where its element is not sensitive, else only its shape."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = "" if value is None else str(value)
    text = text if is_plain(text) else ascii(text)[1:-1]
    if element is None or element.sensitivity > OPEN_SENSITIVITY or element.mask != "none":
        text = text[:1] + "".join("*" if letter.isalnum() else letter for letter in text[1:])
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
