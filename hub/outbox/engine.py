"""The engine: keeps each System as busy as its limits allow and no busier. Owns tasks and slots, decides nothing.

One pass: 1. note which Systems may have something due (rung, or found by a look at the database); 2. claim for those
with free slots, in one write; 3. start an attempt per claim; each attempt settles itself through the writer, where
results of the same moment share one transaction, and rings its System again.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from hub.clock import Clock
from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.delivery import State
from hub.outbox.attempt import attempt
from hub.outbox.claim import LEASE_MARGIN, claim_due
from hub.outbox.decide.courtesy import Courtesy
from hub.outbox.decide.settle import Claim, Result
from hub.outbox.decide.slots import Slots
from hub.outbox.record import Ledger, Settled
from hub.outbox.recover import Recovery
from hub.sdk import Capabilities, Connector
from hub.store import Store
from hub.store.query import deliveries

log = get_logger(__name__)
GONE = Capabilities(honours_key=False)
"""What may be assumed of a System that is no longer configured: nothing."""
REFILL = timedelta(milliseconds=50)
"""How soon to look again at a System that had something due but no free slot or token."""


@dataclass(frozen=True)
class Line:
    """One System as the engine drives it."""

    connector: Connector
    in_flight: int
    per_second: float
    answer_within: timedelta


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
        """Set up slots and bell."""
        self._courtesy = Courtesy()
        self._slots = {name: Slots(line.in_flight, line.per_second) for name, line in self.lines.items()}
        self._rung: set[str] = set()
        self._behind: set[str] = set()
        """Systems that had at least as much due as they could take: what is new waits its turn behind that."""
        self._bell = asyncio.Event()
        self._look_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand: dict[str, float] = {}
        """Attempts of our own under way, and until when at most in monotonic time, whatever the wall clock says."""
        self.recovery = Recovery(self.store, self.clock, self._settle, self.ring, self._in_hand, everything=self.sole)
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()
        self._ledger = Ledger(
            lambda system: self.lines[system].connector.capabilities if system in self.lines else GONE,
            self.clock.now,
            self.dice.random,
        )

    def ring(self, systems: Iterable[str]) -> None:
        """Say that these Systems may have something due."""
        self._rung.update(name for name in systems if name in self._slots)
        self._bell.set()

    def seat(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, timedelta]:
        """Keep a free place for new Deliveries, unless older ones or many people wait; `hand_over` gives each back."""
        seats, now = dict[str, timedelta](), self.clock.monotonic()
        self._courtesy.come(now)
        if self._courtesy.is_crowded(now):
            return seats
        if self._ended.is_set() or self._stopping or self.recovery.everything:
            return seats  # while every lease counts as a dead one's, none may be made
        for row in rows:
            name = row["system"]
            slots = self._slots.get(name)
            older = name in self._rung or name in self._behind
            if row["due_at"] is not None and slots is not None and not older and slots.take(1, now):
                seats[row["id"]] = self.lines[name].answer_within
        return seats

    def hand_over(self, seated: Iterable[Mapping[str, Any]], claims: Sequence[Claim]) -> None:
        """Send what was leased in its seat, free the seats nobody took."""
        self._courtesy.go()
        taken = {claim.delivery_id for claim in claims}
        for row in seated:
            if row["id"] not in taken:
                self._slots[row["system"]].leave()
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
            await self.step()
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            elif self._rung:
                # A System's rate allows no more this moment; wait only for one that still has something due.
                await asyncio.sleep(REFILL.total_seconds())
                self._rung.clear()
                await self._look()
            else:
                return

    async def _pause(self) -> None:
        """Sleep until rung; a System rung but out of tokens or slots is looked at again soon."""
        longest = REFILL.total_seconds() if self._rung else self.poll_interval.total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), longest)
        self._bell.clear()

    async def _look(self) -> None:
        self.ring(await self.store.read(partial(deliveries.systems_with_due, now=self.clock.now())))

    async def step(self) -> None:
        """Claim once for every rung System, its free slots kept for it meanwhile, and start the attempts."""
        wanted = self._wanted()
        if not wanted:
            return
        now = self.clock.now()
        claims: list[Claim] = []
        try:
            claims = await self.store.write(lambda session: claim_due(session, wanted, now))
            passing("claim.committed")
        finally:
            counts = Counter(claim.system for claim in claims)
            for name, (most, _) in wanted.items():
                self._slots[name].leave(most - counts[name])
        for name, (most, _) in wanted.items():
            (self._behind.add if counts[name] >= most else self._behind.discard)(name)
        for claim in claims:
            self._start(claim)

    def _wanted(self) -> dict[str, tuple[int, timedelta]]:
        now, wanted = self.clock.monotonic(), dict[str, tuple[int, timedelta]]()
        if not self._rung or not self._courtesy.may_take(now):
            return wanted
        for name in sorted(self._rung):
            line = self.lines[name]
            if taken := self._slots[name].take(line.in_flight, now):
                wanted[name] = (taken, line.answer_within)
                self._rung.discard(name)
        return wanted

    def _start(self, claim: Claim) -> None:
        task = asyncio.create_task(self._carry(claim))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, claim: Claim) -> None:
        line = self.lines[claim.system]
        self._in_hand[claim.attempt_id] = self.clock.monotonic() + (line.answer_within + LEASE_MARGIN).total_seconds()
        try:
            try:
                result = await attempt(line.connector, claim, line.answer_within)
            finally:
                self._slots[claim.system].give_back()
            settled = await self._settle(result)
        finally:
            del self._in_hand[claim.attempt_id]
        if claim.system in self._behind or settled is None or settled.state is not State.DELIVERED:
            self.ring([claim.system])
        elif claim.system in self._rung:
            self._bell.set()

    async def ask(self, claim: Claim) -> Result:
        """Ask a System about one Delivery beside the queue; it takes a place and counts against the rate like any."""
        line, slots = self.lines[claim.system], self._slots[claim.system]
        while not slots.take(1, self.clock.monotonic()):  # noqa: ASYNC110 - places and tokens tell nobody
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
