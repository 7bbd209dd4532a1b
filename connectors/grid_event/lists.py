"""Reads the categories, which have a version, and the events, whose changes are numbered. Does no I/O itself."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from connectors.grid_event.mapping import Listed
from hub.sdk import Page, Unavailable
from hub.sdk.reading import Batch, Progress, keyed_rows

Ask = Callable[[int], Awaitable[Listed]]
"""Gives events that changed after a change number."""


def category_page(listed: Listed) -> Page:
    """Return all categories. Their version alone is no cursor: after a backup was restored there, it is given twice."""
    rows, left_out = keyed_rows(listed.rows, "code")
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]
    return Page(rows, f"{listed.position}@{digest}", complete=not left_out, left_out=left_out)


async def read_events(ask: Ask, change: int | None) -> AsyncIterator[Batch[int]]:
    """Yield the events that changed after a number, or all; one that changes meanwhile comes again at the end."""
    vouched, progress, after, more = True, Progress("events"), change or 0, True
    while more:
        listed = await ask(after)
        rows, left_out = keyed_rows(listed.rows, "eventNo")
        more, vouched = listed.more, vouched and not left_out
        if more and not listed.rows:
            raise Unavailable("it says that more events have changed, and gives none of them")
        after = change_number(listed) if listed.rows else after
        page = Page(rows, "", complete=vouched and not more, left_out=left_out)
        yield Batch(page, after if listed.rows else None)
        if more:
            progress.step(after, len(listed.rows))


def change_number(listed: Listed) -> int:
    """Return the number of the last change on a page; Unavailable if it is none."""
    try:
        return int(listed.position)
    except ValueError:
        raise Unavailable(f"its <next> {listed.position[:40]!r} is not the number of a change") from None
