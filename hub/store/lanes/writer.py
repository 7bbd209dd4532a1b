"""The one writer: whatever is queued is written in one flushed transaction, then everybody is answered.

Group commit for free: while one transaction is being flushed the next group gathers. On SQLite there is exactly one
writing thread and connection. On PostgreSQL what is hot has one to itself, where it makes the largest groups, and a few
others do the rest, which may have to wait for a row somebody else has. Nothing awaits inside a transaction.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from random import uniform
from typing import TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from hub.failpoint import passing
from hub.store.lanes.held import Held
from hub.store.lanes.lane import Job, Lane, by_kind, call
from hub.store.trouble import Translate, is_busy, is_conflict, is_lost
from hub.store.whereabouts import DatabaseFile, Misplaced

T = TypeVar("T")
Item = TypeVar("Item")
Vector = Callable[[Session, Sequence[Item]], Sequence[T | Exception]]
"""Works on many items of one kind at once; answers each, in order, a value or an exception."""

MAX_CONFLICTS = 3
"""Times a whole group is tried again after a serialisation failure or deadlock (PostgreSQL 40001, 40P01)."""
MOST_PAUSE_S = 0.05
"""Two rivals that begin again at the same moment would meet again; each waits up to this long."""


class Writer:
    """Runs writes in groups on its own threads; every write is a sync function of a Session."""

    def __init__(
        self, engine: Engine, translate: Translate, threads: int = 1, file: DatabaseFile | None = None
    ) -> None:
        self._held = Held(engine)
        self._translate = translate
        self._file = file
        self._pause = threading.Event()
        self._hot = Lane("writer", self._run)
        self._rest = Lane("writer-rest", self._run, threads - 1) if threads > 1 else self._hot

    async def write(self, write: Callable[[Session], T]) -> T:
        """Run one write and return its result once it is on disk."""
        return await self._rest.put(write, None, vector=False)  # type: ignore[no-any-return]  # typed by `write`

    def write_item(self, write: "Vector[Item, T]", item: Item) -> "asyncio.Future[T]":
        """Run one item of a hot kind: all queued items of that kind go in one call."""
        return self._hot.put(write, item, vector=True)

    async def close(self) -> None:
        """Write what is queued, then stop."""
        await self._hot.close()
        if self._rest is not self._hot:
            await self._rest.close()
        self._held.close()

    def _run(self, group: list[Job]) -> None:
        """Write a group in one go; if any of it fails, once more with each kind behind a savepoint of its own."""
        try:
            self._commit(group, _write_bare)
        except Exception as error:  # noqa: BLE001 - the careful way finds out whose it is
            # Where the connection broke, the commit may have happened: writing again could double what is not unique.
            # Where somebody holds the database, waiting once more would keep everybody twice as long.
            # Into a file that is not the hub's any more nothing is written again.
            is_over = is_lost(error) or is_busy(error) or isinstance(error, Misplaced)
            if is_over or (len(group) == 1 and not is_conflict(error)):
                self._fail(group, error)
            else:
                self._run_carefully(group)

    def _run_carefully(self, group: list[Job]) -> None:
        """Write a group so that one job's failure is its own; whatever goes wrong outside is every job's error."""
        for attempt in range(1, MAX_CONFLICTS + 1):
            try:
                self._commit(group, self._write_kind)
            except Exception as error:  # noqa: BLE001 - every waiter gets it; none may hang
                if is_conflict(error) and attempt < MAX_CONFLICTS:
                    self._pause.wait(uniform(0, MOST_PAUSE_S))  # noqa: S311 - spreads rivals, keeps no secret
                    continue
                self._fail(group, error)
            return

    def _commit(self, group: list[Job], write: Callable[[Session, list[Job]], None]) -> None:
        with self._held.turn() as (session, transaction):
            for kind in by_kind(group):
                write(session, kind)
            session.flush()
            passing("writer.before_commit")
            transaction.commit()
            passing("writer.committed")
        if self._file is not None:
            self._file.committed()

    def _fail(self, group: list[Job], error: Exception) -> None:
        for job in group:
            job.settle(self._translate(error))

    def _write_kind(self, session: Session, jobs: list[Job]) -> None:
        """Write jobs of one kind in a savepoint; if a vector fails as a whole, find the culprit one by one."""
        try:
            with session.begin_nested():
                _write_bare(session, jobs)
        except Exception as error:
            if is_conflict(error):
                raise
            if len(jobs) == 1:
                jobs[0].error = self._translate(error)
                return
            for job in jobs:
                self._write_kind(session, [job])


def _write_bare(session: Session, jobs: list[Job]) -> None:
    """Write jobs of one kind without a savepoint: nearly always nothing fails, and a savepoint has its price."""
    for job, answer in zip(jobs, call(session, jobs), strict=True):
        job.settle(answer)
