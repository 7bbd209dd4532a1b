"""Recovers what nobody carries any more: leases of dead workers, waits a clock made longer, what waits unseen."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hub.clock import Clock
from hub.failpoint import passing
from hub.logs import get_logger
from hub.outbox.claim import overrun_claims, shorten_waits
from hub.outbox.decide.backoff import LONGEST_DUE
from hub.outbox.decide.settle import Claim, Outcome, Result
from hub.outbox.decide.wall import DRIFT, Gap, Wall, ago
from hub.outbox.record import Settled
from hub.outbox.release import release_stranded
from hub.store import Session, Store
from hub.store.clock import instant
from hub.store.query import deliveries, entries, leases, systems

log = get_logger(__name__)
REAP_EVERY: Final = timedelta(seconds=15)
REAPED_AT_ONCE: Final = 500
"""Leases of dead workers settled together."""
NAMED_AT_ONCE: Final = 100
"""Deliveries nobody understands that are named in one line of the log."""


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
    _wall: Wall | None = None
    """None until the first turn: what the clock says is held against what was written down before."""
    _away: tuple[Gap, ...] = ()
    """From the last sign of life of any process to the start of this one."""
    _forward: timedelta = timedelta(0)
    """How far the wall clock was set forward since takes followed it."""
    _named: set[str] = field(default_factory=set)

    async def turn(self) -> None:
        """Do what is due of it now."""
        now = self.clock.monotonic()
        if self._wall is None:
            await self._begin()
        else:
            await self._heed_wall(self._wall)
        if now >= self._reap_at:
            more = True
            while more:  # a full page of leases: the rest must not wait until they run out
                more = await self.reap(everything=self.everything) == REAPED_AT_ONCE
            await self._release_stranded()
            await self._bring_back()
            await self._name_unrecognised()
            self._reap_at, self.everything = now + REAP_EVERY.total_seconds(), False

    def ago(self, now: datetime, span: timedelta, *, tried: bool = False) -> datetime:
        """Return since when that span was lived through; `tried`: in which there was a hub that could try."""
        jumps = self._wall.gaps if self._wall is not None else ()
        return ago(now, span, (*self._away, *jumps) if tried else jumps)

    async def reap(self, *, everything: bool = False) -> int:
        """Settle attempts whose worker died or overran its lease as lost; return how many that ended."""

        def look(session: Session) -> Sequence[Claim]:
            return overrun_claims(session, None if everything else self._now(session), REAPED_AT_ONCE)

        found = await self.store.write(look)
        passing("reap.read")
        # A wall clock set forward ends leases early, but not what this very process still carries.
        steady_s = self.clock.monotonic()
        claims = [claim for claim in found if self.in_hand.get(claim.attempt_id, steady_s) <= steady_s]
        settled = await asyncio.gather(*map(self._lose, claims))
        if claims:
            log.warning("leases.reaped", count=len(claims))
            self.ring({claim.system for claim in claims})
        return sum(one is not None for one in settled)

    def _now(self, session: Session) -> datetime:
        return instant(session, self.clock)

    async def _lose(self, claim: Claim) -> Settled | None:
        """Settle the attempt of a worker that is gone."""
        return await self.settle(Result(claim, Outcome.LOST, "the worker was lost before an answer came"))

    async def _begin(self) -> None:
        """Hold the clock against the last sign of life: what lies ahead was written before it was set back."""
        now, seen_at = await self.store.read(lambda session: (self._now(session), systems.last_sign(session)))
        if seen_at is not None and seen_at > now + DRIFT:
            await self._shorten_waits(seen_at - now)
        elif seen_at is not None and seen_at < now:
            self._away = (Gap(seen_at, now),)
        self._wall = Wall(self.clock)

    async def _heed_wall(self, wall: Wall) -> None:
        """Undo what somebody who set the wall clock did to waits and takes (F42)."""
        step = wall.look()
        if step < timedelta(0):
            await self._shorten_waits(-step)
            wall.noted(-step)
        elif step:
            log.warning("clock.set_forward", seconds=round(step.total_seconds()))
            self._forward += step
        if self._forward:
            passing("clock.set_forward")
            await self.store.write(lambda session: entries.follow_clock(session, self._now(session), self._forward))
            self._forward = timedelta(0)

    async def _shorten_waits(self, back: timedelta) -> None:
        """Let nothing wait longer than was meant because somebody set the wall clock back (F42)."""
        log.warning("clock.set_back", seconds=round(back.total_seconds()))
        passing("clock.set_back")
        await self.store.write(lambda session: shorten_waits(session, self._now(session), back))

    async def _bring_back(self) -> None:
        """Make due what lies further ahead than anything is ever put off; a look first, since there hardly ever is."""
        far = await self.store.read(
            lambda session: leases.systems_with_due_after(session, self._now(session) + LONGEST_DUE)
        )
        if far:
            log.warning("waits.far_ahead", systems=far)
            passing("waits.far_ahead")
            await self.store.write(lambda session: leases.bring_back(session, self._now(session), LONGEST_DUE))

    async def _release_stranded(self) -> None:
        """Let go what waits behind something that ended unseen; a look first, since there hardly ever is any."""
        if await self.store.read(deliveries.stranded):
            passing("release.stranded")
            self.ring(await self.store.write(lambda session: release_stranded(session, self._now(session))))

    async def _name_unrecognised(self) -> None:
        """Name once each Delivery whose state or intent this program does not know: it is never sent."""
        found = await self.store.read(lambda session: deliveries.unrecognised(session, NAMED_AT_ONCE))
        for delivery_id in sorted(found.keys() - self._named):
            state, intent = found[delivery_id]
            log.error("delivery.unrecognised", delivery_id=delivery_id, state=state, intent=intent)
        self._named = set(found)
