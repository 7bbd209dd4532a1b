"""The one writer: whatever is queued is written in one flushed transaction, then everybody is answered.

Group commit for free: while one transaction is being flushed the next group gathers. On SQLite there is exactly one
writing thread and connection; on PostgreSQL a few. Nothing awaits inside a transaction.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from hub.store.trouble import is_conflict, translate

T = TypeVar("T")
Item = TypeVar("Item")
Vector = Callable[[Session, Sequence[Item]], Sequence[T]]
"""Writes many items of one kind at once; answers each, in order, a value or an exception."""

MAX_GROUP = 256
"""Jobs in one transaction: larger groups gain little and make the first wait."""
MAX_CONFLICTS = 3
"""Times a whole group is tried again after a serialisation failure or deadlock (PostgreSQL 40001, 40P01)."""


@dataclass(eq=False)
class _Job:
    """One write somebody waits for."""

    write: Callable[..., Any]
    item: Any
    vector: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    answer: Any = None
    error: BaseException | None = None


class _Stop(Protocol):
    """Marker type of the end of the queue."""


class Writer:
    """Runs writes in groups on its own threads; every write is a sync function of a Session."""

    def __init__(self, engine: Engine, threads: int = 1) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"writer-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def write(self, write: Callable[[Session], T]) -> T:
        """Run one write and return its result once it is on disk."""
        return await self._enqueue(write, None, vector=False)  # type: ignore[no-any-return]  # typed by `write`

    async def write_item(self, write: "Vector[Item, T]", item: Item) -> T:
        """Run one item of a hot kind: all queued items of that kind go in one call."""
        return await self._enqueue(write, item, vector=True)  # type: ignore[no-any-return]  # typed by `write`

    async def close(self) -> None:
        """Write what is queued, then stop."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _enqueue(self, write: Callable[..., Any], item: object, *, vector: bool) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        job = _Job(write, item, vector, loop, loop.create_future())
        self._queue.put(job)
        return job.future

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group, more = _gather(first, self._queue)
            self._run(group)
            _answer(group)
            if not more:
                return

    def _run(self, group: list[_Job]) -> None:
        """Write a group; whatever goes wrong outside a single job is every job's error."""
        for attempt in range(1, MAX_CONFLICTS + 1):
            try:
                with Session(self._engine, expire_on_commit=False) as session:
                    for kind in _by_kind(group):
                        _write_kind(session, kind)
                    session.commit()
            except Exception as error:  # noqa: BLE001 - every waiter gets it; none may hang
                if is_conflict(error) and attempt < MAX_CONFLICTS:
                    continue
                for job in group:
                    job.error = translate(error)
            return


def _gather(first: _Job, waiting: "queue.SimpleQueue[_Job | None]") -> tuple[list[_Job], bool]:
    """Take what is queued now, up to a group's size; say whether work goes on after it."""
    group = [first]
    while len(group) < MAX_GROUP:
        try:
            job = waiting.get_nowait()
        except queue.Empty:
            break
        if job is None:
            return group, False
        group.append(job)
    return group, True


def _by_kind(group: list[_Job]) -> list[list[_Job]]:
    """Put items of one vectorised kind together, at the place of the first."""
    kinds: dict[object, list[_Job]] = {}
    for job in group:
        kinds.setdefault(job.write if job.vector else job, []).append(job)
    return list(kinds.values())


def _write_kind(session: Session, jobs: list[_Job]) -> None:
    """Write jobs of one kind in a savepoint; if a vector fails as a whole, find the culprit one by one."""
    try:
        with session.begin_nested():
            for job, answer in zip(jobs, _call(session, jobs), strict=True):
                job.answer, job.error = (None, answer) if isinstance(answer, Exception) else (answer, None)
    except Exception as error:
        if is_conflict(error):
            raise
        if len(jobs) == 1:
            jobs[0].error = translate(error)
            return
        for job in jobs:
            _write_kind(session, [job])


def _call(session: Session, jobs: list[_Job]) -> Sequence[Any]:
    if jobs[0].vector:
        return jobs[0].write(session, [job.item for job in jobs])  # type: ignore[no-any-return]  # a Vector
    return [jobs[0].write(session)]


def _answer(group: list[_Job]) -> None:
    """Wake all waiters of one loop with one call."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.answer)
