"""A lane of work on the database: what is queued runs as one group, then everybody who waits is answered.

While one group runs the next one gathers, so groups grow with the load by themselves. What a group does with its jobs
is the lane's owner's: the writer commits them, the reader looks.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

MAX_GROUP = 256
"""Jobs after which a group takes no more: larger ones gain little and make the first wait."""


@dataclass(eq=False, slots=True)
class Job:
    """One piece of work somebody waits for."""

    work: Callable[..., Any]
    item: Any
    vector: bool
    """All items of the same `work` in a group go in one call, which answers each, in order."""
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    answer: Any = None
    error: BaseException | None = None

    def settle(self, answer: object) -> None:
        """Keep what came of it: a value, or the exception to raise."""
        self.answer, self.error = (None, answer) if isinstance(answer, Exception) else (answer, None)


class Lane:
    """Threads that take groups of jobs off one queue."""

    def __init__(self, name: str, run: Callable[[list[Job]], None], threads: int = 1) -> None:
        self._run = run
        self._queue: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, work: Callable[..., Any], item: object, *, vector: bool) -> asyncio.Future[Any]:
        """Queue one job; the future holds its answer once its group is done.

        What a loop queues in one turn goes over together: waking a thread costs both sides more than a small job.
        """
        loop = asyncio.get_running_loop()
        job = Job(work, item, vector, loop, loop.create_future())
        gathered = self._gathered.get(loop)
        if gathered is None:
            self._gathered[loop] = [job]
            loop.call_soon(self._pass_on, loop)
        else:
            gathered.append(job)
        return job.future

    def _pass_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if gathered := self._gathered.pop(loop, None):
            self._queue.put(gathered)

    async def close(self) -> None:
        """Do what is queued, then stop."""
        for loop in [*self._gathered]:
            self._pass_on(loop)
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group, more = _gather(first, self._queue)
            self._run(group)
            _answer(group)
            if not more:
                return


def _gather(first: list[Job], waiting: "queue.SimpleQueue[list[Job] | None]") -> tuple[list[Job], bool]:
    """Take what is queued now, up to about a group's size; say whether work goes on after it."""
    group = [*first]
    while len(group) < MAX_GROUP:
        try:
            jobs = waiting.get_nowait()
        except queue.Empty:
            break
        if jobs is None:
            return group, False
        group += jobs
    return group, True


def by_kind(group: list[Job]) -> list[list[Job]]:
    """Put items of one vectorised kind together, at the place of the first."""
    kinds: dict[object, list[Job]] = {}
    for job in group:
        kinds.setdefault(job.work if job.vector else job, []).append(job)
    return list(kinds.values())


def call(session: Session, jobs: list[Job]) -> Sequence[Any]:
    """Run the jobs of one kind; return what each is answered."""
    if jobs[0].vector:
        return jobs[0].work(session, [job.item for job in jobs])  # type: ignore[no-any-return]  # a Vector
    return [jobs[0].work(session)]


def _answer(group: list[Job]) -> None:
    """Wake all waiters of one loop with one call."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in group:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.answer)
