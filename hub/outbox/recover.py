"""Recovers what nobody carries any more: leases of dead workers, waits a clock made longer, what waits unseen."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from hub.clock import Clock
from hub.failpoint import passing
from hub.logs import get_logger
from hub.outbox.claim import overrun_claims, shorten_waits
from hub.outbox.decide.settle import Claim, Outcome, Result
from hub.outbox.decide.wall import Wall
from hub.outbox.record import Settled
from hub.outbox.release import release_stranded
from hub.store import Store
from hub.store.query import deliveries

log = get_logger(__name__)
REAP_EVERY: Final = timedelta(seconds=15)
REAPED_AT_ONCE: Final = 500
"""Leases of dead workers settled together."""


@dataclass
class Recovery:
    """Looks now and then at what a live engine would never leave behind."""

    store: Store
    clock: Clock
    settle: Callable[[Result], Awaitable[Settled | None]]
    ring: Callable[[Iterable[str]], None]
    in_hand: Mapping[str, float]
    """Attempts this process carries, and until when at most in monotonic time, whatever the wall clock says."""
    everything: bool
    """No other process can hold a lease (SQLite), so every one found at the start belongs to a dead one."""
    _reap_at: float = 0.0
    _wall: Wall = field(init=False)

    def __post_init__(self) -> None:
        """Note what the wall clock says."""
        self._wall = Wall(self.clock)

    async def turn(self) -> None:
        """Do what is due of it now."""
        now = self.clock.monotonic()
        if back := self._wall.set_back_by():
            await self._shorten_waits(back)
        if now >= self._reap_at:
            more = True
            while more:  # a full page of leases: the rest must not wait until they run out
                more = await self.reap(everything=self.everything) == REAPED_AT_ONCE
            await self._release_stranded()
            self._reap_at, self.everything = now + REAP_EVERY.total_seconds(), False

    async def reap(self, *, everything: bool = False) -> int:
        """Settle attempts whose worker died or overran its lease as lost; return how many that ended."""
        now = None if everything else self.clock.now()
        claims = await self.store.write(lambda session: overrun_claims(session, now, REAPED_AT_ONCE))
        passing("reap.read")
        # A wall clock set forward ends leases early, but not what this very process still carries.
        steady_s = self.clock.monotonic()
        claims = [claim for claim in claims if self.in_hand.get(claim.attempt_id, steady_s) <= steady_s]
        settled = await asyncio.gather(*map(self._lose, claims))
        if claims:
            log.warning("leases.reaped", count=len(claims))
            self.ring({claim.system for claim in claims})
        return sum(one is not None for one in settled)

    async def _lose(self, claim: Claim) -> Settled | None:
        """Settle the attempt of a worker that is gone."""
        before = await self.store.read(lambda session: deliveries.lost_in_a_row(session, claim.delivery_id))
        return await self.settle(
            Result(claim, Outcome.LOST, "the worker was lost before an answer came", lost_before=before)
        )

    async def _shorten_waits(self, back: timedelta) -> None:
        """Let nothing wait longer than was meant because somebody set the wall clock back (F42)."""
        log.warning("clock.set_back", seconds=round(back.total_seconds()))
        now = self.clock.now()
        passing("clock.set_back")
        await self.store.write(lambda session: shorten_waits(session, now, back))
        self._wall.noted()

    async def _release_stranded(self) -> None:
        """Let go what waits behind something that ended unseen; a look first, since there hardly ever is any."""
        if await self.store.read(deliveries.stranded):
            now = self.clock.now()
            passing("release.stranded")
            self.ring(await self.store.write(lambda session: release_stranded(session, now)))
