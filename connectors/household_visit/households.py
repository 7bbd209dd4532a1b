"""Reads the list of households, which has numbered pages and nothing to continue one by. Asks, but does no I/O itself.

While rows change they move from page to page, so only the first page of what changed since a time can be relied on. It
is asked for again and again, each time from the last time read. Only where more rows share one time than fit a page (an
import), numbered pages are read, until two readings of them are alike.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from connectors.household_visit.mapping import Households, read_time, written_time
from hub.sdk import Page, Unavailable
from hub.sdk.reading import Batch, Progress, keyed_rows

KEY: Final = "householdCode"
FORGIVEN: Final = timedelta(minutes=5)
"""How far a row may lie ahead of the System's own now: its machines do not have exactly one time."""
SECOND: Final = timedelta(seconds=1)
"""What its times are exact to."""
READINGS: Final = 5
"""Of the pages of one time, at most."""
Ask = Callable[[datetime | None, int], Awaitable[Households]]
"""Gives a page, by its number, of what changed at a time or later; of everything if there is no time."""


class Listing:
    """One way through the list, from a time on or from its start."""

    def __init__(self, ask: Ask, since: datetime | None) -> None:
        self._ask, self._at, self._from_start = ask, since, since is None
        self._progress = Progress("households")
        self._told: set[str] = set()
        """Rows that were handed on and may be shown again: those of the time that is read, and those without a time."""
        self._keys: set[str] = set()
        self._total = 0
        """The most rows it said to hold, if read from the start."""
        self._vouched, self._fullest = True, 0
        self._seen, self._is_read = False, False
        """Whether rows of the time that is read were seen; whether the end of the list was."""

    async def batches(self) -> AsyncIterator[Batch[datetime]]:
        """Yield every row once or more, to the end of the list; what changes meanwhile comes again at the end."""
        while not self._is_read:
            page = await self._page(1)
            latest = latest_of(page, self._at)
            if self._seen and not page.rows:
                raise Unavailable(f"households: nothing is left of {self._at}, where there were some a moment ago")
            if batch := self._batch(page):
                yield batch
            if is_later(latest, self._at):
                self._told = {mark_of(row) for row in page.rows if time_of(row) in (None, latest)}
                self._at, self._seen = latest, True
            elif self._is_last(page):
                self._is_read = True
            else:
                async for each in self._of_one_time():
                    yield each
        if self._from_start:
            yield await self._end()

    async def _of_one_time(self) -> AsyncIterator[Batch[datetime]]:
        """Yield the rows of the time that is read, by numbered pages, until two readings show the same."""
        earlier: list[list[str]] = []
        for reading in range(1, READINGS + 1):
            pages, latest = list[list[str]](), self._at
            while not is_later(latest, self._at) and (page := await self._page(len(pages) + 1, reading)).rows:
                latest = latest_of(page, self._at)
                if batch := self._batch(page):
                    yield batch
                shown = [mark_of(row) for row in page.rows if time_of(row) in (None, self._at)]
                if shown and shown in pages[-1:]:
                    raise Unavailable(f"households: page {len(pages) + 1} is page {len(pages)} once more")
                pages.append(shown)
            if pages == earlier:
                self._is_read = not is_later(latest, self._at)
                self._at, self._seen = self._at + SECOND if self._at and not self._is_read else latest, False
                return
            earlier = pages
        raise Unavailable(f"households: those of {self._at} changed on and on while they were read")

    async def _end(self) -> Batch[datetime]:
        """Return the end of a reading from the start: complete if as many rows were told as it ever said to hold."""
        page = await self._ask(None, 1)
        complete = self._vouched and len(self._keys) >= max(self._total, page.total)
        return Batch(Page((), "", page.serverTime.astimezone(UTC), complete), None)

    def _is_last(self, page: Households) -> bool:
        """Say whether nothing follows a page. A full one that says so is not believed: such numbers are often wrong."""
        says_so = page.total <= len(page.rows) and page.pages <= 1
        return not page.rows or (says_so and (len(page.rows) < self._fullest or self._fullest == 1))

    async def _page(self, number: int, reading: int = 0) -> Households:
        page = await self._ask(self._at, number)
        self._progress.step((self._at, number, reading), len(page.rows))
        self._fullest = max(self._fullest, len(page.rows))
        if self._from_start and self._at is None:
            self._total = max(self._total, page.total)
        return page

    def _batch(self, page: Households) -> Batch[datetime] | None:
        """Return what is new on a page, if anything is."""
        now = page.serverTime
        rows, left_out = keyed_rows(page.rows, KEY, told=lambda row: mark_of(row) in self._told)
        if not (rows or left_out):
            return None
        self._told |= {mark_of(row) for row in page.rows}
        self._vouched = self._vouched and not left_out
        if self._from_start:
            self._keys |= {str(row[KEY]) for row in rows}
        times = [(time, row) for row in rows if (time := time_of(row))]
        ahead = "; ".join(
            f"household {row[KEY]} is dated {written_time(time)}, the System's own now is {written_time(now)}"
            for time, row in times
            if time > now + FORGIVEN
        )
        mark = max((min(time, now) for time, _ in times if time <= now + FORGIVEN), default=None)
        return Batch(Page(rows, "", now.astimezone(UTC), left_out=left_out, ahead=ahead), mark)


def time_of(row: object) -> datetime | None:
    """Return when a row changed; None if it does not say so in a way that can be read."""
    try:
        return read_time(row.get("updatedAt")) if isinstance(row, dict) else None
    except ValueError:
        return None


def mark_of(row: object) -> str:
    """Return what tells a version of a row from others: its time and code, or all of it if it has no code."""
    if isinstance(row, dict) and row.get(KEY):
        return json.dumps([row.get("updatedAt"), row[KEY]])
    return json.dumps(row, sort_keys=True)


def latest_of(page: Households, since: datetime | None) -> datetime | None:
    """Return the latest time on a page; Unavailable if it is not in order, or shows what was not asked for."""
    times = [time for time in map(time_of, page.rows) if time]
    if any(later < earlier for earlier, later in pairwise([*([since] if since else ()), *times])):
        raise Unavailable("households: a page is not in the order of change, or begins before the time asked for")
    return times[-1] if times else None


def is_later(time: datetime | None, than: datetime | None) -> bool:
    """Say whether a time lies after another; any time does after none."""
    return time is not None and (than is None or time > than)
