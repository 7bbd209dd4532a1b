"""Looks which pulls are due, all in one round: between its slots a System costs no task, no timer and no query."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.logs import get_logger
from hub.model.system import PullOutcome
from hub.pulls.run import Pulls, planned, pull_due, slot_at
from hub.store.query import systems
from hub.systems import PullFlow

log = get_logger(__name__)
LOOK_EVERY = timedelta(minutes=1)
"""How often an open slot is looked at again: bounds how late a pull starts after a restart or failure."""
JUMP = timedelta(minutes=1)
"""A wall clock that is so far from the steady one was set, or the machine slept."""
AT_ONCE = 32
"""Pulls under way in one process; the first start of many Systems must not read all of them in the same moment."""
_SETTLED = frozenset({PullOutcome.DONE, PullOutcome.DOUBTED})
Key = tuple[str, str]


@dataclass
class Rounds:
    """When each pull is worth the next look, and the ones under way."""

    pulls: Pulls
    _look_at: dict[Key, datetime] = field(default_factory=dict)
    _looked: tuple[datetime, float] | None = None
    _under_way: dict[Key, asyncio.Task[None]] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def every(self) -> timedelta:
        """Return how often to look: a minute, or less for a pull that wants it."""
        return min([LOOK_EVERY, *(flow.every for flow in planned(self.pulls))])

    async def look(self) -> None:
        """Start every pull whose time has come and return at once: a slow System holds up no other."""
        now = self.pulls.clock.now()
        self._notice_jump(now)
        for flow in planned(self.pulls):
            key = (flow.system, flow.name)
            if key not in self._under_way and self._look_at.get(key, now) <= now:
                self._under_way[key] = asyncio.create_task(self._pull(key, flow))

    def _notice_jump(self, now: datetime) -> None:
        """Forget what was planned by a clock that was set since: a time a year ahead would not come for a year."""
        steady = self.pulls.clock.monotonic()
        if self._looked is not None:
            passed, passed_steadily = now - self._looked[0], timedelta(seconds=steady - self._looked[1])
            if abs(passed - passed_steadily) > JUMP:
                self._look_at.clear()
        self._looked = now, steady

    async def stop(self) -> None:
        """Break off what is under way; its pages so far are kept, its run counts as lost at the next start."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pull(self, key: Key, flow: PullFlow) -> None:
        try:
            async with self._room:
                await pull_due(self.pulls, flow)
                self._look_at[key] = await self._next_look(flow)
        except Exception:  # the database is away, say: the next round looks again
            log.exception("pull.look_failed", system=flow.system)
            self._look_at[key] = self.pulls.clock.now() + LOOK_EVERY
        finally:
            del self._under_way[key]

    async def _next_look(self, flow: PullFlow) -> datetime:
        """Return the next slot when this one is settled, by whichever process; else a moment from now."""
        now = self.pulls.clock.now()
        slot = slot_at(now, flow.every)
        latest = await self.pulls.store.read(lambda session: systems.latest_pull(session, flow.system, flow.name, now))
        if latest is not None and latest.slot_at >= slot and latest.outcome in _SETTLED:
            return slot + flow.every
        return now + min(LOOK_EVERY, flow.every)
