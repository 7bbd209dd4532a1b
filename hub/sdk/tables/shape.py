"""What a table is like, and whether a row that came back is the one that was given. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from hub.sdk.errors import Refused

Value = str | int | float | Decimal | bool | datetime | date | None
"""What a column can be given."""
Kind = Literal["text", "number", "truth", "time", "day", "other"]
Row = Mapping[str, Value]
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_WORDS: Final = {bool: "true or false", datetime: "a time", date: "a day"}


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    chars: int | None
    """How many characters a text may have; None where there is no limit."""
    required: bool
    """It must be given: it may not be empty and nothing fills it."""


@dataclass(frozen=True)
class Shape:
    """A table as it is now."""

    table: str
    columns: Mapping[str, Column]
    unique: frozenset[str]
    """Columns in which no two rows can hold the same."""


def check_storable(row: Row) -> None:
    """Refuse the characters that no database keeps, naming column and code point."""
    for name, value in row.items():
        found = _UNSTORABLE.search(value) if isinstance(value, str) else None
        if found:
            raise Refused(f"{name}: U+{ord(found[0]):04X} cannot be kept in a table; remove it", "CHARACTER")


def difference(given: Row, found: Row) -> str:
    """Return the first column whose value is another, and how they differ by kind and length; empty when none does."""
    for name, value in given.items():
        there = found[name]
        if not _is_same(value, there):
            other = "another " if _look(value) == _look(there) else ""
            return f"{name}: {_look(value)} was given, {other}{_look(there)} is there"
    return ""


def holder_of(character: str, row: Row) -> str:
    """Return the first column whose text holds a character; empty when none does."""
    return next((name for name, value in row.items() if isinstance(value, str) and character in value), "")


def _is_same(given: Value, there: Value) -> bool:
    if _is_number(given) and _is_number(there):
        return Decimal(str(given)) == Decimal(str(there))
    return type(given) is type(there) and given == there


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _look(value: Value) -> str:
    """Describe a value without telling it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"text of {len(value)} characters{' with blanks at its end' if value != value.rstrip() else ''}"
    return "a number" if _is_number(value) else _WORDS.get(type(value), f"a {type(value).__name__}")
