"""Reads the list of segments, which is in the order of ids and has a version. Asks, but does no I/O itself.

The version is another one after every change and does not say what has changed, so then all of them are read again. A
reading is whole only if every page of it had the same version: one that went and came back in between is missing else.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from connectors.river_patrol.mapping import Segments
from hub.sdk import Page, Unavailable
from hub.sdk.reading import Progress, keyed_rows

KEY: Final = "segmentId"
READINGS: Final = 3
"""Of a list that changes while it is read; the next pull goes on with it."""
LONGEST: Final = 200
Ask = Callable[[str], Awaitable[Segments]]
"""Gives the page after an id."""


async def read_segments(ask: Ask, cursor: str) -> AsyncIterator[Page]:
    """Yield what is left of the list's version the cursor names, and all of it once that has changed."""
    version, _, after = cursor.partition("/")
    if version:
        rest = _Reading(ask, version)
        async for page in rest.pages(after):
            yield page
        if rest.is_one_version:
            return
    for _ in range(READINGS):
        whole = _Reading(ask)
        async for page in whole.pages():
            yield page
        if whole.is_one_version:
            return


class _Reading:
    """One way through the list."""

    def __init__(self, ask: Ask, version: str = "") -> None:
        self._ask, self._version, self._from_start = ask, version, not version
        self.is_one_version = True

    async def pages(self, after: str = "") -> AsyncIterator[Page]:
        """Yield the pages after an id, or all; the rest of a list that has another version by now is not yielded."""
        progress, more, vouched, keys = Progress("segments"), True, True, set[str]()
        while more:
            page = await self._ask(after)
            self._version = self._version or page.version
            self.is_one_version = self.is_one_version and page.version == self._version
            if not (self._from_start or self.is_one_version):
                return
            rows, left_out = keyed_rows(page.rows, KEY)
            ids = [str(row[KEY]) for row in rows if can_be_asked_for(str(row[KEY]))]
            more, vouched = page.more, vouched and not left_out
            if more and not ids:
                raise Unavailable("segments: it says that there are more, and shows none after which to go on")
            after = ids[-1] if ids else after
            keys.update(str(row[KEY]) for row in rows)
            is_whole = self._from_start and self.is_one_version and len(keys) >= page.total
            complete = is_whole and vouched and not more
            if rows or left_out or self._from_start:
                yield Page(rows, f"{self._version}/{after}", complete=complete, left_out=left_out)
            if more:
                progress.step(after, len(rows))


def can_be_asked_for(text: str) -> bool:
    """Say whether an id can stand in an address and in a cursor: NUL and half a surrogate pair cannot."""
    return len(text) <= LONGEST and not re.search("[\0\ud800-\udfff]", text)
