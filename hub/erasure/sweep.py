"""Erases what is older than a term, a few at a time; what is still open is left for the next time."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from hub.erasure.erase import Deed, wipe
from hub.store import Session, Store
from hub.store.query import erasing
from hub.store.query.erasing import After, Found

AT_ONCE = 10
"""Submissions erased in one transaction, some 50 ms: nobody who wants to write waits for more of them."""


@dataclass(frozen=True)
class Swept:
    """How many Submissions were old enough: erased now, and left because something of them still stands open."""

    erased: int
    left: int
    held: bool = False
    """More were old enough than may go without a person: none was erased, and the rest was not counted."""


async def erase_older(
    store: Store, before: datetime, deed: Deed, *, dry: bool = False, most: int | None = None
) -> Swept:
    """Erase what was received, and last corrected, before an instant and has ended; `dry` only counts.

    With `most` it first looks for all of it, and erases nothing at all where that is more. Killed at any moment it has
    erased some Submissions wholly and others not at all, and goes on when run again.
    """
    erased, left = 0, 0
    waiting: list[str] = []
    async for due, more_left in _look_through(store, before):
        left += more_left
        if dry:
            erased += len(due)
        elif most is None:
            erased += await _erase(store, due, before, deed)
        elif len(waiting := waiting + due) > most:
            return Swept(0, left, held=True)
    return Swept(erased + await _erase(store, waiting, before, deed), left)


async def _look_through(store: Store, before: datetime) -> AsyncIterator[tuple[list[str], int]]:
    """Yield which may go, and how many may not as something is open, a few at a time, the oldest first."""
    after = None
    while page := await store.read(partial(erasing.older, before=before, after=after, limit=AT_ONCE)):
        after = page[-1]
        yield await store.read(partial(_sorted_out, page=page, before=before))


async def _erase(store: Store, due: Sequence[str], before: datetime, deed: Deed) -> int:
    """Erase these, few in one transaction, each unless it was corrected, opened again or erased since the look."""
    erased = 0
    for start in range(0, len(due), AT_ONCE):
        some = due[start : start + AT_ONCE]
        erased += await store.write(partial(_erase_due, due=some, before=before, deed=deed))
    return erased


def _sorted_out(session: Session, page: Sequence[After], before: datetime) -> tuple[list[str], int]:
    """Return which of these may go, and how many may not as something is open: a look, which holds nobody up."""
    found = [_found_old(session, one.submission_id, before, lock=False) for one in page]
    old = [one for one in found if one is not None]
    due = [one.root_id for one in old if not erasing.still_open(session, one)]
    return due, len(old) - len(due)


def _erase_due(session: Session, due: Sequence[str], before: datetime, deed: Deed) -> int:
    """Erase these unless their locks tell another story than the look."""
    count = 0
    for root_id in due:
        found = _found_old(session, root_id, before, lock=True)
        if found is not None and not erasing.still_open(session, found):
            wipe(session, found, deed)
            count += 1
    return count


def _found_old(session: Session, root_id: str, before: datetime, *, lock: bool) -> Found | None:
    found = erasing.find(session, root_id, lock=lock)
    return found if found is not None and found.erased_at is None and found.last_at < before else None
