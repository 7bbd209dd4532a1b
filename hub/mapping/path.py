"""Paths into records and rows, compiled to lookups. Knows no transforms."""

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Final

Lookup = Callable[[object], object]


class Absence(Enum):
    """The one value that means "there is nothing here", apart from every JSON value."""

    ABSENT = "absent"


ABSENT: Final = Absence.ABSENT


@cache
def lookup(path: str) -> Lookup:
    """Return the lookup of `path`: the whole key first, then ever shorter heads with the rest looked up below.

    The longest head that is there decides, so `finding.segment.name` finds `name` below the key `finding.segment`.
    """
    parts = path.split(".")
    below = [(".".join(parts[:n]), lookup(".".join(parts[n:]))) for n in range(len(parts) - 1, 0, -1)]

    def find(holder: object) -> object:
        if isinstance(holder, dict):
            if path in holder:
                return holder[path]
            for head, rest in below:
                if head in holder:
                    return rest(holder[head])
            return ABSENT
        return _find_in_list(holder, parts) if isinstance(holder, list) else ABSENT

    return find


def _find_in_list(items: list[object], parts: list[str]) -> object:
    position, rest = parts[0], ".".join(parts[1:])
    if not position.isdecimal() or int(position) >= len(items):
        return ABSENT
    item = items[int(position)]
    return lookup(rest)(item) if rest else item
