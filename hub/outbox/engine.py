"""The engine: keeps each System as busy as its limits allow and no busier. Owns tasks and slots, decides nothing.

One pass: 1. note which Systems may have something due (rung, or found by a look at the database); 2. claim for those
with free slots, in one write; 3. start an attempt per claim; each attempt settles itself through the writer, where
results of the same moment share one transaction, and rings its System again.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hub.clock import Clock
from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.delivery import State
from hub.outbox.attempt import attempt
from hub.outbox.capacity import Capacity, Line
from hub.outbox.claim import LEASE_MARGIN, Wanted, claim_alone, claim_due, claim_suspect, has_suspect
from hub.outbox.decide.alone import Alone
from hub.outbox.decide.backoff import PATIENCE
from hub.outbox.decide.settle import Claim, Result
from hub.outbox.record import Ledger, Settled
from hub.outbox.recover import Recovery
from hub.sdk import Capabilities
from hub.store import Session, Store
from hub.store.clock import instant
from hub.store.query import leases

log = get_logger(__name__)
GONE = Capabilities(honours_key=False)
"""What may be assumed of a System that is no longer configured: nothing."""
REFILL = timedelta(milliseconds=50)
"""How soon to look again at a System that had something due but no free slot or token."""
Claiming = Callable[[Session, Wanted, datetime], list[Claim]]


@dataclass
class Engine:
    """Drives deliveries until stopped; many may run on one PostgreSQL database, one on a SQLite file."""

    store: Store
    clock: Clock
    lines: Mapping[str, Line]
    poll_interval: timedelta = timedelta(seconds=1)
    dice: random.Random = field(default_factory=random.SystemRandom)
    settle_pauses_s: Sequence[float] = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
    """Waits between tries to write a result down while the database is away, well within the lease's margin."""
    sole: bool = False
    """No other process can hold a lease (SQLite), so every lease found at start belongs to a dead one."""

    def __post_init__(self) -> None:
        """Set up capacity and bell."""
        self.capacity = Capacity(self.lines, self.clock)
        self._bell = asyncio.Event()
        self._look_at = 0.0
        self._alone = Alone()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand: dict[str, float] = {}
        """Attempts of our own under way, and until when at most in monotonic time, whatever the wall clock says."""
        self.recovery = Recovery(self.store, self.clock, self._settle, self.ring, self._in_hand, everything=self.sole)
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()
        self._ledger = Ledger(
            lambda system: self.lines[system].connector.capabilities if system in self.lines else GONE,
            lambda session: instant(session, self.clock),
            self.dice.random,
            lambda now: self.recovery.ago(now, PATIENCE, tried=True),
        )

    def ring(self, systems: Iterable[str]) -> None:
        """Say that these Systems may have something due."""
        self.capacity.ring(systems)
        self._bell.set()

    def seat(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, timedelta]:
        """Keep a free slot for new Deliveries, unless older ones or many people wait; `hand_over` gives each back."""
        now = self.clock.monotonic()
        self.capacity.courtesy.come(now)
        # While every lease counts as a dead one's, none may be made.
        idle = self._ended.is_set() or self._stopping or self.recovery.everything
        if idle or self.capacity.courtesy.is_crowded(now) or self._alone.has_turn(now):
            return {}
        return self.capacity.seat(rows)

    def hand_over(self, seated: Iterable[Mapping[str, Any]], claims: Sequence[Claim]) -> None:
        """Send what was leased in its seat, free the seats nobody took."""
        self.capacity.courtesy.go()
        taken = {claim.delivery_id for claim in claims}
        for row in seated:
            if row["id"] not in taken:
                self.capacity.slots[row["system"]].leave()
                self.ring([row["system"]])
        for claim in claims:
            self._start(claim)

    async def run(self) -> None:
        """Recover what a dead process left, then deliver until `stop`."""
        self._ended.clear()
        try:
            while not self._stopping:
                try:
                    await self._turn()
                except Problem as problem:
                    # The database cannot write or read now; what is leased or due stays so and is found again.
                    log.warning("engine.held_up", code=problem.code)
                except Exception:  # one bad turn must not end delivery for good
                    log.exception("engine.turn_failed")
                await self._pause()
        finally:
            self._ended.set()

    async def _turn(self) -> None:
        """Do what is due in the hub's own time: recover, look, claim."""
        await self.recovery.turn()
        now = self.clock.monotonic()
        if now >= self._look_at:
            await self._look()
            self._look_at = now + self.poll_interval.total_seconds()
        await self.step()

    async def stop(self, grace: timedelta) -> None:
        """Claim nothing more, let attempts under way finish within `grace`; the rest stay leased and are recovered."""
        self._stopping = True
        self._bell.set()
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._ended.wait()  # a claim under way may still start attempts
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            log.warning("engine.stopped_early", under_way=len(self._tasks))
            for task in self._tasks:
                task.cancel()

    async def drain(self) -> None:
        """Run everything that is due now, until nothing is under way; for tests and `hub work --once`."""
        await self._look()
        while True:
            self._alone.not_before_s = 0.0
            await self.step()
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            elif self.capacity.rung:
                # A System's rate allows no more this moment; wait only for one that still has something due.
                await asyncio.sleep(REFILL.total_seconds())
                self.capacity.rung.clear()
                await self._look()
            else:
                return

    async def _pause(self) -> None:
        """Sleep until rung; a System rung but out of tokens or slots is looked at again soon."""
        longest = REFILL.total_seconds() if self.capacity.rung else self.poll_interval.total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), longest)
        self._bell.clear()

    async def _look(self) -> None:
        def look(session: Session) -> tuple[list[str], bool]:
            now = instant(session, self.clock)
            return leases.systems_with_due(session, now), has_suspect(session, self.lines, now)

        rung, self._alone.due = await self.store.read(look)
        self.ring(rung)

    async def step(self) -> None:
        """Claim once for every rung System, its free slots kept for it meanwhile, and start the attempts."""
        if self._alone.has_turn(self.clock.monotonic()):
            await self._try_suspect()
            return
        wanted = self.capacity.wanted()
        if wanted:
            claims = await self._claim(claim_due, wanted)
            self.capacity.note_backlog(wanted, claims)
            for claim in claims:
                self._start(claim)

    async def _claim(self, claim: Claiming, wanted: Wanted) -> list[Claim]:
        """Claim into slots that were kept, and free those that stay empty."""
        claims: list[Claim] = []
        try:
            claims = await self.store.write(lambda session: claim(session, wanted, instant(session, self.clock)))
            passing("claim.committed")
        finally:
            self.capacity.free_rest(wanted, claims)
        return claims

    async def _try_suspect(self) -> None:
        """Once nothing is under way, try one that workers died over."""
        if self._tasks:
            return
        claims = await self._claim(claim_suspect, self.capacity.keep(self.lines, 1))
        self._alone.due = bool(claims)
        for claim in claims:
            self._alone.begin(self.clock.monotonic())
            self._start(claim).add_done_callback(lambda _: self._alone.end(self.clock.monotonic()))

    async def try_alone(self, system: str, delivery_id: str) -> None:
        """Try one Delivery of a paused System, if it is due and a slot is free, and return when it is settled."""
        wanted = self.capacity.keep([system], 1)
        for claim in await self._claim(partial(claim_alone, delivery_id), wanted):
            await asyncio.wait([self._start(claim)])

    def _start(self, claim: Claim) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._carry(claim))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry(self, claim: Claim) -> None:
        line = self.lines[claim.system]
        self._in_hand[claim.attempt_id] = self.clock.monotonic() + (line.answer_within + LEASE_MARGIN).total_seconds()
        try:
            try:
                result = await attempt(line.connector, claim, line.answer_within)
            finally:
                self.capacity.slots[claim.system].give_back()
            settled = await self._settle(result)
        finally:
            del self._in_hand[claim.attempt_id]
        if claim.system in self.capacity.behind or settled is None or settled.state is not State.DELIVERED:
            self.ring([claim.system])
        elif claim.system in self.capacity.rung:
            self._bell.set()

    async def ask(self, claim: Claim) -> Result:
        """Ask a System about one Delivery beside the queue; it takes a slot and counts against the rate like any."""
        line, slots = self.lines[claim.system], self.capacity.slots[claim.system]
        while not slots.take(1, self.clock.monotonic()):  # noqa: ASYNC110 - slots and tokens tell nobody
            await asyncio.sleep(REFILL.total_seconds())
        try:
            return await attempt(line.connector, claim, line.answer_within)
        finally:
            slots.give_back()

    async def _settle(self, result: Result) -> Settled | None:
        """Write a result down; if the database cannot for long, the lease runs out and the attempt counts as lost."""
        pauses_s = iter(self.settle_pauses_s)
        while True:
            try:
                settled = await self.store.writer.write_item(self._ledger.settle, result)
            except Exception as error:  # the next reap finds the lease
                pause_s = next(pauses_s, None) if isinstance(error, Problem) else None
                if pause_s is None:
                    log.exception("attempt.unsettled", delivery_id=result.claim.delivery_id, system=result.claim.system)
                    return None
                await asyncio.sleep(pause_s)
            else:
                passing("settle.committed")
                _note(result, settled)
                self.ring(settled.released)
                return settled


def _note(result: Result, settled: Settled) -> None:
    """Log a settlement once it is on disk; inside the transaction a repeated group would say it twice."""
    claim = result.claim
    event = "attempt.settled" if settled.state is not None else "attempt.lease_lost"
    # What went well is in the attempts; a line for each would cost more than sending it.
    say = log.debug if settled.state is State.DELIVERED else log.info
    say(event, delivery_id=claim.delivery_id, system=claim.system, kind=claim.kind, outcome=result.outcome.value)
