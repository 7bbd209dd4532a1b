"""Time that stands still until moved: an event loop that reads a hand clock and knows when nothing is left to do.

What runs on it is the real thing, threads and database included. The loop says it is idle when no callback is ready and
no read or write is under way in a thread; only then may its owner move the clock, so one seed gives one story.
"""

import asyncio
import inspect
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from math import ceil
from typing import TypeVar

from hub.store import Store
from tests.builders import Loose
from tests.conftest import HandClock

T = TypeVar("T")
SIDES = frozenset({"writer", "reader", "readers"})
"""Parts of a store that do work of their own."""
PATIENCE_S = 20.0
"""Real seconds a thread may take to answer before the story counts as stuck."""


class _Watch(selectors.DefaultSelector):
    """Stands where the loop would sleep: waits for threads, moves the clock to the next timer, or ends the round."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Loose:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if self.loop.outside:
            woken = super().select(PATIENCE_S)
            assert woken, f"{self.loop.outside} reads or writes never came back"
            return woken
        self.loop.on_idle(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in a hand clock's time."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.outside = 0
        self._until: float | None = None
        watch = _Watch()
        watch.loop = self
        super().__init__(watch)

    def time(self) -> float:
        return self.clock.monotonic()

    def on_idle(self, timer_in: float | None) -> None:
        """Jump to the next timer while this round may take time, else end the round."""
        if self._until is not None and timer_in is not None and self.time() + timer_in <= self._until:
            # The clock knows no less than a microsecond: rounded down, the timer would never come.
            self.clock.tick(microseconds=ceil(timer_in * 1_000_000))
        else:
            self.stop()

    def settle(self, within_s: float | None = None) -> None:
        """Run until nothing is left to do now, or for that long in the clock's time."""
        self._until = None if within_s is None else self.time() + within_s
        self.run_forever()
        if self._until is not None:
            self.clock.tick(seconds=max(0.0, self._until - self.time()))
            self._until = None
            self.run_forever()

    def do(self, work: Coroutine[Loose, Loose, T]) -> T:
        """Run until nothing is left to do; `work` must be among what is done."""
        task = self.create_task(work)
        self.settle()
        if not task.done():
            task.cancel()
            self.settle()
            raise AssertionError("it waits for something that will not come")
        return task.result()

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Loose], *args: Loose) -> Loose:
        return self.counted(super().run_in_executor(executor, func, *args))

    def counted(self, future: "asyncio.Future[Loose]") -> "asyncio.Future[Loose]":
        """Wait for this one before time may move; return it."""
        self.outside += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _future: object) -> None:
        self.outside -= 1

    def watch(self, store: Store) -> Store:
        """Return the store with everything it does in threads counted."""
        return _Watched(store, self)  # type: ignore[return-value]  # it passes everything on

    def end(self) -> None:
        """Let go of threads and close."""
        self.outside += 1
        self.run_until_complete(self.shutdown_default_executor())
        self.close()

    def let_go(self) -> None:
        """Cancel every task there is, as a dead process does."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.settle()


class _Watched:
    """A store, or one side of it, whose work under way is counted."""

    def __init__(self, inner: Loose, loop: VirtualLoop) -> None:
        self._inner, self._loop = inner, loop

    def __getattr__(self, name: str) -> Loose:
        found = getattr(self._inner, name)
        if inspect.ismethod(found):
            return self._counted(found)
        return _Watched(found, self._loop) if name in SIDES else found

    def _counted(self, method: Callable[..., Loose]) -> Callable[..., Loose]:
        def call(*args: Loose, **named: Loose) -> Loose:
            begun = method(*args, **named)
            if inspect.iscoroutine(begun):
                return self._awaited(begun)
            return self._loop.counted(begun) if asyncio.isfuture(begun) else begun

        return call

    async def _awaited(self, begun: Coroutine[Loose, Loose, Loose]) -> Loose:
        self._loop.outside += 1
        try:
            return await begun
        finally:
            self._loop.outside -= 1
