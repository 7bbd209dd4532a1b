"""The order people count in: 段1, 段2, 段10; 二组 before 十组. Pure."""

import re
from functools import lru_cache

from hub.text import comparable

_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMBER = re.compile(f"[0-9]+|[{''.join(_DIGITS)}{''.join(_UNITS)}]+")
LONGEST = 99
"""Figures of a number that count; longer runs are codes and sort as they are written, after their length is noted."""


@lru_cache(maxsize=8192)
def order_key(name: str) -> str:
    """Return a text that sorts, by bytes, where people look for the name: numbers by value, whatever their script.

    Case, width and blanks do not matter, as when a name is looked for. Each number is written as how many figures it
    has and the figures, so that both databases sort it alike without knowing numbers.
    """
    return _NUMBER.sub(_written, comparable(name))


def _written(found: re.Match[str]) -> str:
    run = found[0]
    figures = (run if run[0].isascii() else _figures(run)).lstrip("0") or "0"
    return f"{min(len(figures), LONGEST):02}{figures}"


def _figures(run: str) -> str:
    """Return a Chinese number up to thousands in figures; without units (二〇二六) it is read figure by figure."""
    if not any(character in _UNITS for character in run):
        return "".join(str(_DIGITS[character]) for character in run)
    total, current = 0, None
    for character in run:
        if character in _UNITS:
            total += (1 if current is None else current) * _UNITS[character]
            current = None
        else:
            current = _DIGITS[character]
    return str(total + (current or 0))
