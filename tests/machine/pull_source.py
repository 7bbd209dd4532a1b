"""One System that pulls read, in memory; its people change and damage rows at any moment, also while they are read.

It keeps rows in the order of their change and lists them from the last one read, as connectors must. Rows are told
under keys; the source itself knows them by a name that never changes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hub.sdk import Capabilities, LeftOut, Outgoing, Page, Receipt
from tests.machine.pull_contents import Said

PAGE_ROWS = 3
AHEAD = 1_000
LATE = 3
"""How many changes a late commit lies back: always behind the mark of whoever has read all."""


@dataclass
class Held:
    """A row as the source holds it."""

    row: dict[str, Any]
    said: Said
    number: int
    is_garbled: bool = False
    """It comes in a form its connector cannot decode; its key can be told."""
    is_keyless: bool = False
    """Its key is none anybody can use."""

    @property
    def is_readable(self) -> bool:
        return not (self.is_garbled or self.is_keyless)


@dataclass
class Trouble:
    """What happens during the next reading, each before the page of that number."""

    meanwhile: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    fails_at: int | None = None
    failure: Exception | None = None
    hangs_at: int | None = None


@dataclass
class Contents:
    """Everything a source holds, and what a backup of it keeps."""

    held: dict[str, Held] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """Rows it says are no more, with the number of that change."""
    newest: int = 0


class Source:
    """The connector and the System behind it."""

    capabilities: ClassVar = Capabilities(honours_key=True)

    def __init__(self, key: str) -> None:
        self.key = key
        self.now = Contents()
        self._backup = Contents()
        self.trouble = Trouble()
        self.is_believed = False
        """Whether a person said at the last reading that what does not come is gone."""
        self.touched: set[str] = set()
        """Names of rows that were changed since the last reading began."""

    async def check(self) -> str:
        return ""

    async def push(self, outgoing: Outgoing) -> Receipt:
        raise NotImplementedError

    async def probe(self, key: str) -> Receipt | None:
        raise NotImplementedError

    # --- what its people do -----------------------------------------------------------------------------------------

    def put(self, name: str, made: tuple[dict[str, Any], Said], when: str = "now") -> None:
        """Add or change a row; `late` leaves it where readers have passed, `ahead` is dated ahead of everything."""
        newest = self.now.newest
        if when == "now":
            newest += 1
        number = {"now": newest, "late": max(1, newest - LATE), "ahead": newest + AHEAD}[when]
        self.now.newest = max(newest, 1)
        self.now.held[name] = Held(*made, number)
        self.now.gone.pop(name, None)
        self.touched.add(name)

    def drop(self, name: str, *, is_told: bool) -> None:
        """Delete a row, and say so to whoever reads on, or not."""
        if self.now.held.pop(name, None) is None:
            return
        self.touched.add(name)
        if is_told:
            self.now.newest += 1
            self.now.gone[name] = self.now.newest

    def damage(self, name: str, key: object = None, *, garble: bool = False) -> None:
        """Let a row come in a form nobody can decode, or under a key nobody can use."""
        held = self.now.held.get(name)
        if held is None:
            return
        self.put(name, (held.row if garble else held.row | {self.key: key}, held.said))
        self.now.held[name].is_garbled, self.now.held[name].is_keyless = garble, not garble

    def back_up(self) -> None:
        self._backup = deepcopy(self.now)

    def restore(self) -> None:
        """Put the backup in the place of everything: whatever was changed since never was."""
        self.touched |= {*self.now.held, *self._backup.held}
        self.now = deepcopy(self._backup)

    # --- what readers get -------------------------------------------------------------------------------------------

    async def pull(self, _source: str, cursor: str) -> AsyncIterator[Page]:
        trouble, self.trouble, self.touched = self.trouble, Trouble(), set()
        mark, ahead = int(cursor or 0), ""
        if mark > self.now.newest:
            ahead, mark = f"the mark {mark} lies ahead of {self.now.newest}", 0
        at, stands, told = (mark, "\uffff"), mark, set[str]()
        number, is_last = 0, False
        while not is_last:
            number += 1
            await self._reach(number, trouble)
            listed = sorted((held.number, name) for name, held in self.now.held.items() if (held.number, name) > at)
            some, is_last = listed[:PAGE_ROWS], len(listed) <= PAGE_ROWS
            at = some[-1] if some else at
            told |= {name for _, name in some}
            stands = max([stands, *(change for change, _ in some if change <= self.now.newest)])
            ahead = ahead or "; ".join(f"{name} lies ahead" for change, name in some if change > self.now.newest)
            complete = is_last and not mark and {*self.now.held} <= told
            yield self._page(
                [name for _, name in some], str(stands or ""), complete, (ahead, mark if is_last else None)
            )
            ahead = ""

    def _page(self, names: list[str], cursor: str, complete: bool, said: tuple[str, int | None]) -> Page:
        ahead, since = said
        held = {name: self.now.held[name] for name in names}
        gone = () if since is None else tuple(name for name, number in self.now.gone.items() if number > since)
        return Page(
            tuple(deepcopy(each.row) for each in held.values() if not each.is_garbled),
            cursor, None, complete, tuple(LeftOut(name, "garbled") for name, each in held.items() if each.is_garbled),
            gone, ahead,
        )  # fmt: skip

    async def _reach(self, page: int, trouble: Trouble) -> None:
        for before, change in trouble.meanwhile:
            if before == page:
                change()
        if trouble.hangs_at is not None and page >= trouble.hangs_at:
            await asyncio.Event().wait()
        if trouble.failure is not None and page >= (trouble.fails_at or 1):
            raise trouble.failure
