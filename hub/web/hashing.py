"""Passwords are hashed a few at a time, each address in its turn: argon2 takes cores and memory on purpose.

Who comes when too many wait is told so at once. A crowd from one address makes others wait for one turn, not for the
crowd.
"""

import asyncio
import math
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from hub.errors import Problem

T = TypeVar("T")
AT_ONCE = 2
"""Each takes 64 MiB and four threads."""
MOST_WAITING, MOST_FROM_ONE = 128, 64
BEHIND_OTHERS = 10
"""How much nicer (`nice(1)`) hashing is than what answers everybody else; Linux keeps it by thread."""


def _step_back() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND_OTHERS)


@dataclass(eq=False)
class Hashing:
    """The places at which passwords are hashed, and who waits for one."""

    at_once: int = AT_ONCE
    _free: int = field(init=False)
    _waiting: dict[str, deque[asyncio.Future[None]]] = field(default_factory=dict)
    """By source; the one whose turn is next first."""
    _took_s: float = 0.1
    """How long a turn takes, roughly."""
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        """Open the places."""
        self._free = self.at_once
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="hashing", initializer=_step_back)

    @asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator["Hashing"]:
        """Wait for this source's turn, and keep the place until the end; raises Problem when too many wait."""
        await self._turn(source)
        began = monotonic()
        try:
            yield self
        finally:
            self._took_s += (monotonic() - began - self._took_s) / 8
            self._pass_on()

    async def run(self, work: Callable[..., T], *given: object) -> T:
        """Run work in a thread; within one's turn only."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    async def _turn(self, source: str) -> None:
        if self._free:
            self._free -= 1
            return
        self._demand_room(source)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(source, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(source, turn)
            raise

    def _demand_room(self, source: str) -> None:
        """Raise Problem when too many of this source wait; of too many together, the largest crowd gives way."""
        mine, everybody = len(self._waiting.get(source, ())), sum(map(len, self._waiting.values()))
        if everybody >= MOST_WAITING and mine < MOST_FROM_ONE:
            crowd = max(self._waiting, key=lambda each: len(self._waiting[each]))
            if len(self._waiting[crowd]) > mine + 1:
                last = self._waiting[crowd].pop()
                last.set_exception(self._busy())
                return
        if mine >= MOST_FROM_ONE or everybody >= MOST_WAITING:
            raise self._busy()

    def _busy(self) -> Problem:
        seconds = math.ceil(sum(map(len, self._waiting.values())) * self._took_s / self.at_once) + 1
        return Problem("auth.busy", 503, retry_after=seconds, seconds=seconds)

    def _pass_on(self) -> None:
        """Give a place that became free to the next source, which then goes to the end of the round."""
        while self._waiting:
            source = next(iter(self._waiting))
            queue = self._waiting.pop(source)
            turn = queue.popleft() if queue else None
            if queue:
                self._waiting[source] = queue
            if turn is not None and not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _leave(self, source: str, turn: asyncio.Future[None]) -> None:
        """Forget who waits no more; a turn that had just come goes to the next."""
        if turn.done() and not turn.cancelled():
            self._pass_on()
        elif turn in (queue := self._waiting.get(source, deque())):
            queue.remove(turn)
