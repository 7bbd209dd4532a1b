"""One reading of a pull, from a mark to the end: page by page, a few rows at a time, each with where it goes on."""

import asyncio
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hub.clock import Clock
from hub.failpoint import passing
from hub.model.system import PullCursor
from hub.pulls import merge
from hub.pulls.items import Items, Noted
from hub.pulls.merge import Merged
from hub.pulls.move import TakenCode
from hub.pulls.pace import Pace
from hub.pulls.read import Fault, Identity, Reader, ReadRow, RowLeftOut
from hub.pulls.shared import shared_codes
from hub.pulls.work import PullProvenance
from hub.sdk import Connector, Page
from hub.store import Session, Store
from hub.store.query import open_items, pull_rows, systems
from hub.store.query.pull_rows import PlaceData
from hub.systems import PullFlow
from hub.text import comparable

DATED_AT_ONCE = 200
READ_AT_ONCE = 500
"""Rows read in a thread before others have their turn."""
MOST_IDLE_PAGES = 200
"""Pages in a row without a row that was not read before: a list that never ends."""
MOST_DESCRIBED = 1_000
"""Places named anew in one reading that are kept in hand."""
LONGEST = timedelta(minutes=100)
"""Below what makes the worker take a run for dead."""
T = TypeVar("T")
Raw = tuple[Mapping[str, Any], Identity]


class Unending(Exception):
    """A reading that was broken off; the text is a message key."""


def _nothing(_session: Session, _place_ids: Collection[str], _now: datetime) -> set[str]:
    return set()


@dataclass(frozen=True)
class After:
    """What follows when more is known of Places: the hub's own parts that wait for it."""

    look_again: Callable[[Session, Collection[str], datetime], set[str]] = _nothing
    """Called in the transaction that brings it, with the Places; returns the Systems that got something to do."""
    ring: Callable[[Iterable[str]], object] = set
    """Called once it is committed, with these Systems."""


@dataclass(frozen=True)
class ReadingContext:
    """What a reading needs: the store, its pull's wiring and connector, and what waits for its outcome."""

    store: Store
    clock: Clock
    flow: PullFlow
    connector: Connector
    reader: Reader
    items: Items
    pull_id: str
    pace: Pace
    after: After


@dataclass
class Tally:
    """What a reading came to."""

    rows: int = 0
    changed: int = 0
    ended: int = 0
    left_out: int = 0
    keyless: int = 0
    """Of those left out, the ones under no key: each may be any of the rows that are known."""
    complete: bool = False
    ahead: str = ""
    as_of: datetime | None = None
    """The earliest the System gave for any page."""
    seen: set[int] = field(default_factory=set)
    """Hashes of the keys that came, readable or not: with them what did not come is found."""
    taken: list[TakenCode] = field(default_factory=list)
    described: list[PlaceData] = field(default_factory=list)


class Reading:
    """Reads on from one mark and stores what it reads."""

    def __init__(self, means: ReadingContext) -> None:
        self._means = means
        self.tally = Tally()
        self._pages, self._idle = 0, 0

    async def read(self, cursor: str) -> None:
        """Read to the end; raises Unending for a source that has none, and whatever its connector raises."""
        means, began = self._means, self._means.clock.monotonic()
        async with aclosing(means.connector.pull(means.flow.source, cursor)) as pages:  # type: ignore[type-var]  # an async generator, as every connector's is
            async for page in pages:
                self._pages += 1
                before = len(self.tally.seen)
                await self._take(page)
                self._idle = 0 if len(self.tally.seen) > before else self._idle + 1
                if self._idle >= MOST_IDLE_PAGES:
                    raise Unending("open_item.list_never_ends")
                if len(self.tally.seen) > means.flow.most_rows:
                    raise Unending("open_item.too_many_rows")
                if means.clock.monotonic() - began > LONGEST.total_seconds():
                    raise Unending("open_item.takes_too_long")

    async def _take(self, page: Page) -> None:
        means, now = self._means, self._means.clock.now()
        as_of = min(page.as_of or now, now)
        self.tally.as_of = min(self.tally.as_of or as_of, as_of)
        self.tally.complete, self.tally.ahead = page.complete, self.tally.ahead or page.ahead
        told = PullProvenance(as_of, now, means.pull_id, flow=means.flow)
        left_out = [(each.key, Fault("", "open_item.not_decoded", {"why": each.reason})) for each in page.left_out]
        for start in range(0, max(len(page.rows), 1), READ_AT_ONCE):
            some = page.rows[start : start + READ_AT_ONCE]
            found, bad = await asyncio.to_thread(self._identified, some, start)
            rows, known = await self._changed(found)
            await self._merge(rows, known, told)
            left_out += bad
        await self._leave_out(left_out, now)
        await self._end([comparable(key) for key in page.gone], told)
        await means.store.write(self._moved(page.cursor, now))
        passing("pull.committed")

    def _identified(self, rows: Sequence[object], start: int) -> tuple[list[Raw], list[tuple[str, Fault]]]:
        found: list[Raw] = []
        left_out: list[tuple[str, Fault]] = []
        for place, row in enumerate(rows, start + 1):
            try:
                found.append((row, self._means.reader.identify(row)))  # type: ignore[arg-type]  # a mapping, or left out
            except RowLeftOut as out:
                where = {"page": self._pages, "place": place}
                left_out.append(("", Fault("", out.fault.reason, {**out.fault.params, **where})))
        return found, left_out

    async def _changed(self, found: Sequence[Raw]) -> tuple[list[ReadRow], Container[str]]:
        """Return what rows say that are new, or not as they were last told; and the keys that are known."""
        if not found:
            return [], ()
        flow, seen = self._means.flow, self.tally.seen
        keys = {identity.row_key for _, identity in found}
        there = await self._means.store.read(lambda s: pull_rows.digests(s, flow.system, flow.name, sorted(keys)))
        seen.update(map(hash, keys))
        self.tally.rows += len(found)
        changed = [raw for raw in found if there.get(raw[1].row_key) != raw[1].digest]
        return (await asyncio.to_thread(self._read, changed) if changed else []), there.keys()

    def _read(self, changed: Iterable[Raw]) -> list[ReadRow]:
        return [self._means.reader.read(row, identity) for row, identity in changed]

    async def _merge(self, rows: Sequence[ReadRow], known: Container[str], told: PullProvenance) -> None:
        start, means = 0, self._means
        while start < len(rows):
            some = rows[start : start + self._means.pace.size]
            start += len(some)
            write = means.pace.timed(_half_way(self._written(some, known, told)), len(some))
            merged, noted, rung = await means.store.write(write)
            if rung:
                means.after.ring(rung)
            self._means.items.keep(noted)
            self.tally.changed += merged.changed
            self.tally.left_out += len(merged.tangles)
            self.tally.rows -= len(merged.tangles)
            self.tally.taken += merged.taken
            # Of a first reading all are described; which of them look like others is asked of the database then.
            room = MOST_DESCRIBED - len(self.tally.described)
            self.tally.described += merged.described[: max(0, room)]

    def _written(
        self, rows: Sequence[ReadRow], known: Container[str], told: PullProvenance
    ) -> Callable[[Session], tuple[Merged, Noted, set[str]]]:
        items, after = self._means.items, self._means.after

        def write(session: Session) -> tuple[Merged, Noted, set[str]]:
            merged = merge.merge_rows(session, rows, told, known)
            is_shared = items.concerns_shared_codes(merged)
            shared = shared_codes(session, told.flow, items, merged.taken).met if is_shared else []
            noted = items.of_rows(merged, told.now, shared)
            open_items.settle(session, noted.settling)
            # What is only counted now is named once there is room: such rows are looked at every time.
            unnamed = {comparable(met.row_key) for met in noted.unnamed}
            pull_rows.merge_again(session, (told.flow.system, told.flow.name), sorted(unnamed))
            rung = after.look_again(session, merged.places, told.now) if merged.places else set()
            return merged, noted, rung

        return write

    async def _leave_out(self, left_out: list[tuple[str, Fault]], now: datetime) -> None:
        """Name rows nobody can read; what they said before stays, unconfirmed."""
        if not left_out:
            return
        flow = self._means.flow
        noted = self._means.items.of_left_out(left_out, now)
        keys = sorted({comparable(key) for key, _ in left_out if key})

        def write(session: Session) -> None:
            pull_rows.leave_unread(session, (flow.system, flow.name), keys, now)
            open_items.settle(session, noted.settling)

        await self._means.store.write(_half_way(write))
        self._means.items.keep(noted)
        self.tally.left_out += len(left_out)
        self.tally.keyless += sum(not key for key, _ in left_out)
        self.tally.seen.update(map(hash, keys))

    async def _end(self, keys: Sequence[str], told: PullProvenance) -> None:
        """End the rows the System says are no more."""
        self.tally.ended += await end(self._means, keys, told)

    def _moved(self, cursor: str, now: datetime) -> Callable[[Session], None]:
        flow = self._means.flow

        def write(session: Session) -> None:
            kept = systems.cursor(session, flow.system, flow.name)
            kept = kept or PullCursor(system=flow.system, name=flow.name, moved_at=now)
            kept.cursor, kept.moved_at = cursor, now
            session.add(kept)
            session.flush()
            passing("pull.mark")

        return write


async def end(means: ReadingContext, keys: Sequence[str], told: PullProvenance) -> int:
    """End rows by their keys as compared, some at a time; return how many were there."""
    ended, start = 0, 0
    while start < len(keys):
        some = keys[start : start + means.pace.size]
        start += len(some)
        ended += await means.store.write(means.pace.timed(_half_way(_ending(some, told)), len(some)))
    return ended


def _ending(keys: Sequence[str], told: PullProvenance) -> Callable[[Session], int]:
    return lambda session: merge.end(session, keys, told)


def _half_way(write: Callable[[Session], T]) -> Callable[[Session], T]:
    """Let a write pass the point where some rows of a page are written and not committed."""

    def written(session: Session) -> T:
        result = write(session)
        passing("pull.page")
        return result

    return written


async def date_back(store: Store, flow: PullFlow, now: datetime) -> None:
    """Date as of now what a run by a clock that was ahead has left."""
    pull, ahead = (flow.system, flow.name), now + systems.SKEW

    def write(session: Session) -> int:
        return pull_rows.date_back(session, pull, now, ahead, DATED_AT_ONCE)

    while await store.write(_half_way(write)):
        pass
