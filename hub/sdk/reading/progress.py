"""Ends a reading that does not move on, or does not end by itself: what a System says about "more" proves nothing."""

from collections.abc import Hashable
from typing import Final

from hub.sdk.errors import Unavailable

MOST_ANSWERS: Final = 20_000
MOST_ROWS: Final = 2_000_000
MOST_EMPTY: Final = 100
"""Answers in a row that bring nothing."""


class Progress:
    """Watches one reading of a list, answer by answer."""

    def __init__(self, what: str, *, most_answers: int = MOST_ANSWERS, most_rows: int = MOST_ROWS) -> None:
        self._what = what
        self._most_answers, self._most_rows = most_answers, most_rows
        self._passed: set[int] = set()
        self._rows = self._empty = 0

    def step(self, position: Hashable, rows: int) -> None:
        """Count an answer of so many rows, after which reading goes on from `position`; Unavailable if it cannot."""
        self._rows += rows
        self._empty = 0 if rows else self._empty + 1
        mark = hash(position)
        if mark in self._passed:
            raise Unavailable(f"{self._what}: it says that there is more, and comes back to {str(position)[:40]!r}")
        self._passed.add(mark)
        if self._empty >= MOST_EMPTY:
            raise Unavailable(f"{self._what}: it says that there is more, and has given nothing {MOST_EMPTY} times")
        if len(self._passed) >= self._most_answers or self._rows >= self._most_rows:
            raise Unavailable(f"{self._what}: no end after {len(self._passed)} answers and {self._rows} rows")
