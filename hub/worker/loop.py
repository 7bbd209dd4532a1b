"""Keeps the engine and the schedule running until told to stop, then lets work under way finish."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub.clock import Clock
from hub.logs import get_logger
from hub.outbox.engine import Engine
from hub.outbox.resume import check_paused
from hub.pulls.run import Pulls, lose_stale
from hub.worker.schedule import schedule

log = get_logger(__name__)
GRACE = timedelta(seconds=20)
CHECK_PAUSED_EVERY = timedelta(minutes=5)
LONGEST_PULL = timedelta(hours=2)
LOSE_STALE_EVERY = timedelta(minutes=10)


@dataclass
class Worker:
    """The background half of a hub process."""

    engine: Engine
    pulls: Pulls
    clock: Clock
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _scheduler: AsyncIOScheduler | None = None

    async def start(self) -> None:
        """Start delivering and pulling; runs a dead process left behind are marked lost first."""
        await lose_stale(self.pulls, timedelta(0) if self.engine.sole else LONGEST_PULL)
        self._tasks.append(asyncio.create_task(self.engine.run()))
        chores = [
            ("check-paused", CHECK_PAUSED_EVERY, self._check_paused),
            ("lose-stale", LOSE_STALE_EVERY, self._lose_stale),
        ]
        self._scheduler = schedule(self.pulls, chores, self.clock)
        self._scheduler.start()

    async def stop(self) -> None:
        """Start nothing more, let attempts finish within the grace time."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        await self.engine.stop(GRACE)
        await asyncio.gather(*self._tasks)
        log.info("worker.stopped")

    async def _check_paused(self) -> None:
        await check_paused(self.engine)

    async def _lose_stale(self) -> None:
        """Let a pull start again whose process died while others live on."""
        await lose_stale(self.pulls, LONGEST_PULL)
