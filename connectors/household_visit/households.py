"""Reads the list of households, which has numbered pages and nothing to continue one by. Asks, but does no I/O itself.

While rows change they move from page to page, so only the first page of what changed since a time can be relied on. It
is asked for again and again, each time from the last time read. Only where more rows share one time than fit a page (an
import), numbered pages are read, until two readings of them are alike.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Shown:
    """A row as a page shows it."""

    row: object
    time: datetime | None
    """When it changed; None if it does not say so in a way that can be read."""
    version: int
    """Tells it from other rows, and from itself before and after a change. A number, as there may be many."""


class Listing:
    """One way through the list, from a time on or from its start."""

    def __init__(self, ask: Ask, since: datetime | None) -> None:
        self._ask, self._at, self._from_start = ask, since, since is None
        self._progress = Progress("households")
        self._told: set[int] = set()
        """Versions handed on that may be shown again: those of the time that is read, and those without a time."""
        self._keys: set[int] = set()
        """What was read from the start, by hashes of the keys."""
        self._total, self._fullest = 0, 0
        """The most rows it said to hold, if read from the start; the most rows it put on a page."""
        self._vouched = True
        self._seen, self._is_read = False, False
        """Whether rows of the time that is read were seen; whether the end of the list was."""

    async def batches(self) -> AsyncIterator[Batch[datetime]]:
        """Yield every row once or more, to the end of the list; what changes meanwhile comes again at the end."""
        while not self._is_read:
            page, rows = await self._page(1)
            latest = latest_of(rows, self._at)
            if self._seen and not rows:
                raise Unavailable(f"households: nothing is left of {self._at}, where there were some a moment ago")
            if batch := self._batch(page, rows):
                yield batch
            if is_later(latest, self._at):
                self._told = {each.version for each in rows if each.time in (None, latest)}
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
        earlier: list[int] = []
        for reading in range(1, READINGS + 1):
            pages, latest = list[int](), self._at
            while not is_later(latest, self._at):
                page, rows = await self._page(len(pages) + 1, reading)
                if not rows:
                    break
                latest = latest_of(rows, self._at)
                if batch := self._batch(page, rows):
                    yield batch
                versions = hash(tuple(each.version for each in rows if each.time in (None, self._at)))
                if versions in pages[-1:]:
                    raise Unavailable(f"households: page {len(pages) + 1} is page {len(pages)} once more")
                pages.append(versions)
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

    async def _page(self, number: int, reading: int = 0) -> tuple[Households, list[Shown]]:
        page = await self._ask(self._at, number)
        self._progress.step((self._at, number, reading), len(page.rows))
        self._fullest = max(self._fullest, len(page.rows))
        if self._from_start and self._at is None:
            self._total = max(self._total, page.total)
        return page, [shown(row) for row in page.rows]

    def _batch(self, page: Households, shown_rows: list[Shown]) -> Batch[datetime] | None:
        """Return what is new on a page, if anything is."""
        now, new = page.serverTime, [each for each in shown_rows if each.version not in self._told]
        if not new:
            return None
        told = {place for place, each in enumerate(shown_rows, 1) if each.version in self._told}
        rows, left_out = keyed_rows(page.rows, KEY, told=told)
        self._told |= {each.version for each in new}
        self._vouched = self._vouched and not left_out
        if self._from_start:
            self._keys |= {hash(str(row[KEY])) for row in rows}
        ahead = "; ".join(
            f"household {each.row[KEY]} is dated {written_time(each.time)}, the System's own now is {written_time(now)}"
            for each in new
            if each.time and each.time > now + FORGIVEN and isinstance(each.row, dict) and each.row.get(KEY)
        )
        credible = [each.time for each in new if each.time and each.time <= now + FORGIVEN]
        mark = min(max(credible), now) if credible else None
        return Batch(Page(rows, "", now.astimezone(UTC), left_out=left_out, ahead=ahead), mark)


def shown(row: object) -> Shown:
    """Read what a row says of itself."""
    key, text = (row.get(KEY), row.get("updatedAt")) if isinstance(row, dict) else (None, None)
    try:
        time = read_time(text)
    except ValueError:
        time = None
    plain = isinstance(key, str) and isinstance(text, str)
    return Shown(row, time, hash((text, key) if plain else json.dumps(row, sort_keys=True)))


def latest_of(rows: list[Shown], since: datetime | None) -> datetime | None:
    """Return the latest time on a page; Unavailable if it is not in order, or shows what was not asked for."""
    times = [each.time for each in rows if each.time]
    if any(later < earlier for earlier, later in pairwise([*([since] if since else ()), *times])):
        raise Unavailable("households: a page is not in the order of change, or begins before the time asked for")
    return times[-1] if times else None


def is_later(time: datetime | None, than: datetime | None) -> bool:
    """Say whether a time lies after another; any time does after none."""
    return time is not None and (than is None or time > than)
