"""Keeps the engine and the schedule running until told to stop, then lets work under way finish."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub.clock import Clock
from hub.erasure.keeping import Keeping
from hub.logs import get_logger
from hub.outbox.engine import Engine
from hub.outbox.entry.press import AT_ONCE, press
from hub.outbox.upkeep.look_again import look_again
from hub.outbox.upkeep.resume import check_paused
from hub.pulls.due import Rounds
from hub.pulls.run import Pulls, lose_stale
from hub.settings import MOST_SHARE
from hub.store import doorbell
from hub.store.blobs import TIDY_EVERY, tidy
from hub.store.query.counts import advance, keep
from hub.store.query.journal import latest_epoch
from hub.worker.schedule import keep_up, schedule

log = get_logger(__name__)
GRACE = timedelta(seconds=20)
CHECK_PAUSED_EVERY = timedelta(minutes=5)
LOOK_AGAIN_EVERY = timedelta(minutes=10)
LONGEST_PULL = timedelta(hours=2)
LOSE_STALE_EVERY = timedelta(minutes=10)
TALLY_EVERY = timedelta(minutes=1)
PRESS_EVERY = timedelta(minutes=10)
ERASE_EVERY = timedelta(hours=1)
"""A day is soon enough, but a hub that is restarted every night must come to it too."""


@dataclass
class Worker:
    """The background half of a hub process."""

    engine: Engine
    pulls: Pulls
    clock: Clock
    data_dir: Path
    retention: timedelta | None = None
    """How long Submissions are kept; None is for good."""
    share: float = MOST_SHARE
    """How much of them may be erased in one go without a person."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _scheduler: AsyncIOScheduler | None = None
    _stop_keeping_up: Callable[[], None] = lambda: None
    _rounds: Rounds = field(init=False)
    _keeping: Keeping = field(init=False)
    _listening: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        """Set up the rounds of pulls, and what throws things away by age."""
        self._rounds = Rounds(self.pulls)
        self._keeping = Keeping(self.engine.store, self.clock, self.share)

    async def start(self) -> None:
        """Start delivering and pulling; runs a dead process left behind are marked lost first."""
        await self._say_what_was_restored()
        await self._keeping.may_clear()  # before anything comes in that a wrong clock would date
        await lose_stale(self.pulls, timedelta(0) if self.engine.sole else LONGEST_PULL)
        self._tasks.append(asyncio.create_task(self.engine.run()))
        if not self.engine.sole:
            self._listening = asyncio.create_task(doorbell.listen(self.engine.store.writing, self._hear))
        chores = [
            ("check-paused", CHECK_PAUSED_EVERY, self._check_paused),
            ("look-again", LOOK_AGAIN_EVERY, self._look_again),
            ("lose-stale", LOSE_STALE_EVERY, self._lose_stale),
            ("tally", TALLY_EVERY, self._tally),
            ("tidy-photos", TIDY_EVERY, self._tidy_photos),
            ("press", PRESS_EVERY, self._press),
            ("erase", ERASE_EVERY, self._erase),
        ]
        self._scheduler = schedule(self._rounds, chores, self.clock)
        self._scheduler.start()
        self._stop_keeping_up = keep_up(self._scheduler, self.clock)

    def _hear(self, systems: Sequence[str]) -> None:
        """Wake the engine for what another process has committed."""
        self.engine.ring(systems or self.engine.lines)

    async def _say_what_was_restored(self) -> None:
        """Warn at every start that what the hub did between the copy and its restore is unknown to it."""
        epoch = await self.engine.store.read(latest_epoch)
        if epoch is not None:
            copied_at, began_at = epoch.copied_at.isoformat(), epoch.began_at.isoformat()
            log.warning("hub.restored", epoch=epoch.number, copied_at=copied_at, began_at=began_at)

    async def stop(self) -> None:
        """Start nothing more, let attempts finish within the grace time."""
        if self._scheduler is not None:
            self._stop_keeping_up()
            self._scheduler.shutdown(wait=False)
        if self._listening is not None:
            self._listening.cancel()
        await self._rounds.stop()
        await self.engine.stop(GRACE)
        await asyncio.gather(*self._tasks)
        log.info("worker.stopped")

    async def _check_paused(self) -> None:
        await check_paused(self.engine)

    async def _look_again(self) -> None:
        await look_again(self.engine)

    async def _lose_stale(self) -> None:
        """Let a pull start again whose process died while others live on."""
        await lose_stale(self.pulls, LONGEST_PULL)

    async def _tidy_photos(self) -> None:
        if await self._keeping.may_clear():
            await tidy(self.engine.store, self.data_dir, self.clock.now())

    async def _press(self) -> None:
        """Remind the owners of Systems of the entries by hand that became late."""
        registry, more, ago = self.pulls.registry, await self._keeping.may_clear(), self.engine.recovery.ago
        while more:
            late = await self.engine.store.write(lambda session: press(session, registry, self.clock.now(), ago))
            more = len(late) == AT_ONCE
            if late:
                log.warning("entries.late", systems=sorted({one.system for one in late}), count=len(late))

    async def _erase(self) -> None:
        """Erase what was kept for as long as this installation says."""
        if self.retention is not None:
            await self._keeping.erase(self.retention)

    async def _tally(self) -> None:
        """Count what came since the last time, so that nobody who asks has to count everything."""
        counted = await self.engine.store.read(advance)
        if counted:
            await self.engine.store.write(lambda session: keep(session, counted))
