"""Reads a list that is in the order of its changes: from a little before a mark, or all of it.

A mark is the time or number of the latest change read. What is committed late, with an earlier mark than others have
that are there already, is found because a little is read again. A mark that lies ahead of its source, restored from a
backup, say, would hide every later change; it is told, and the list is read from the start.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from hub.sdk.contract import Page

Mark = TypeVar("Mark", int, datetime)


@dataclass(frozen=True)
class Batch(Generic[Mark]):
    """What one answer of a System brought; the page's cursor is not written yet."""

    page: Page
    mark: Mark | None
    """The greatest mark on it that does not lie ahead of the System's own now, or newest; None if there is none."""


@dataclass(frozen=True)
class Marks(Generic[Mark]):
    """How the marks of a System are written as cursors, and how far before one changes may still be committed."""

    write: Callable[[Mark], str]
    read: Callable[[str], Mark]
    """Raises ValueError for what was never written."""
    before: Callable[[Mark], Mark]


Batches = Callable[[Mark | None], AsyncIterator[Batch[Mark]]]
"""Reads the list to its end, from a mark on (with what has that mark), or all of it; then at least one batch comes."""


async def read_changes(batches: Batches[Mark], marks: Marks[Mark], cursor: str) -> AsyncIterator[Page]:
    """Yield what changed since a cursor; everything without one, or when it lies ahead of its source."""
    ahead, mark = "", _read(marks, cursor)
    if mark is not None:
        changed = _Reading(marks, mark)
        async for page in changed.pages(batches(marks.before(mark))):
            yield page
        if changed.reached is not None and changed.reached >= mark:
            return
        reached = changed.reached
        there = f"nothing since {marks.write(marks.before(mark))}" if reached is None else marks.write(reached)
        ahead = f"the mark {marks.write(mark)} lies ahead of the newest there ({there}); all is read again"
    elif cursor:
        ahead = f"{cursor[:40]!r} is no mark of this list; all is read again"
    async for page in _Reading(marks).pages(batches(None)):
        yield replace(page, ahead="; ".join(filter(None, (ahead, page.ahead))))
        ahead = ""


class _Reading(Generic[Mark]):
    """One way through the list: from a mark, or from the start."""

    def __init__(self, marks: Marks[Mark], mark: Mark | None = None) -> None:
        self._marks: Marks[Mark] = marks
        self._mark: Mark | None = mark
        self.reached: Mark | None = None

    async def pages(self, batches: AsyncIterator[Batch[Mark]]) -> AsyncIterator[Page]:
        """Yield pages with their cursors; only a reading from the start can be complete."""
        async for batch in batches:
            self.reached = _later(self.reached, batch.mark)
            # Never back behind the mark: a reading that breaks off every time would creep back for ever.
            stands = _later(self._mark, self.reached)
            cursor = "" if stands is None else self._marks.write(stands)
            yield replace(batch.page, cursor=cursor, complete=batch.page.complete and self._mark is None)


def _read(marks: Marks[Mark], cursor: str) -> Mark | None:
    """Return the mark a cursor stands for, or None if it is none."""
    try:
        return marks.read(cursor) if cursor else None
    except ValueError:
        return None


def _later(one: Mark | None, other: Mark | None) -> Mark | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
