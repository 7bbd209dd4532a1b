"""Thirty days of a hub from one seed: Systems that fail each in their own way, a clock that jumps to what is next."""

import random
import sqlite3
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from hub.outbox.capacity import Line
from hub.outbox.engine import Engine
from hub.sdk import Capabilities, Outgoing, Receipt, Unavailable
from hub.sdk.errors import Unanswered
from hub.store import Store
from tests.builders import FakeSystem, Loose, World
from tests.conftest import HandClock
from tests.machine.virtual import VirtualLoop

START = HandClock().at
ANSWER_WITHIN = timedelta(seconds=30)
IN_FLIGHT, PER_SECOND = 8, 20.0


class Patient(FakeSystem):
    """A System with a calendar and a temper; it notes when it was asked, in days since the story began."""

    capabilities: ClassVar[Capabilities] = Capabilities(honours_key=True, probes=True, answers_later=True)

    def __init__(self, clock: HandClock, dice: random.Random, **temper: Loose) -> None:
        super().__init__()
        self.clock, self.dice = clock, dice
        self.down: tuple[float, float] = temper.get("down", (0, 0))
        """Days between which nobody is there."""
        self.fails: float = temper.get("fails", 0.0)
        self.silent: float = temper.get("silent", 0.0)
        self.asks: list[timedelta] = temper.get("asks", [])
        """What its 503 says of when to come back."""
        self.verdict_days: float = temper.get("verdict_days", 0.0)
        self.asked_at = array("d")
        self.taken = 0
        self.refused_until: dict[str, tuple[datetime, timedelta]] = {}
        self.early: list[str] = []
        self.taken_at: dict[str, datetime] = {}

    @property
    def day(self) -> float:
        return (self.clock.now() - START) / timedelta(days=1)

    async def push(self, outgoing: Outgoing) -> Receipt:
        key, now = outgoing.key, self.clock.now()
        self.asked_at.append(self.clock.monotonic())
        told_at, wait = self.refused_until.get(key, (now, timedelta(0)))
        if now < told_at + wait:
            self.early.append(key)
        if self.down[0] <= self.day < self.down[1]:
            raise Unavailable("connection refused")
        if self.asks and self.dice.random() < 0.6:
            asked = self.dice.choice(self.asks)
            self.refused_until[key] = (now, min(max(asked, timedelta(seconds=1)), timedelta(days=1)))
            raise Unavailable("503", asked)
        if self.dice.random() < self.fails:
            raise Unavailable("503")
        self._take(key, now)
        if self.dice.random() < self.silent:
            raise Unanswered("cut off")
        return Receipt(f"N-{self.taken}", accepted=not self.verdict_days)

    def _take(self, key: str, now: datetime) -> None:
        """Count what is taken; only one that may be asked again remembers it, or its books would be what grows."""
        if key not in self.taken_at:
            self.taken += 1
        if self.verdict_days or self.silent:
            self.taken_at.setdefault(key, now)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        taken_at = self.taken_at.get(outgoing.key)
        if taken_at is None:
            return None
        return Receipt("", accepted=self.clock.now() - taken_at >= timedelta(days=self.verdict_days))


@dataclass
class Month:
    """A store, an engine that runs on it, and the story's own calendar."""

    loop: VirtualLoop
    store: Store
    file: str
    systems: dict[str, Patient]
    calendar: list[tuple[datetime, str, int]]
    """What is owed when: (instant, System, how many)."""
    dull: str = ""
    """A System the clock does not stop for: it is tried when it stops for others."""
    chores: Loose = None
    """Something to do at every stop, such as a look at pulls."""
    stops: int = 0

    def __post_init__(self) -> None:
        self.clock = self.loop.clock
        self.world = World(self.store, self.clock)
        self.look = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, isolation_level=None)
        lines = {name: Line(one, IN_FLIGHT, PER_SECOND, ANSWER_WITHIN) for name, one in self.systems.items()}
        # Nothing happens between two stops, so the engine need not look by itself.
        self.engine = Engine(
            self.store, self.clock, lines, timedelta(days=60), random.Random(7), settle_pauses_s=(), sole=True
        )
        self.loop.create_task(self.engine.run())
        self.calendar.sort(reverse=True)

    def live(self, until: datetime, each: Loose = None) -> None:
        """Let time pass until then; call `each` at every stop."""
        while self.clock.now() < until:
            self._owe_what_is_due()
            self.engine.ring(self.systems)
            if self.chores is not None:
                self.loop.create_task(self.chores())
            self.loop.settle(within_s=2.0)
            self.stops += 1
            if each is not None:
                each(self)
            self._jump(until)

    def _owe_what_is_due(self) -> None:
        while self.calendar and self.calendar[-1][0] <= self.clock.now():
            _, system, many = self.calendar.pop()
            now = self.clock.now()
            for size in [500] * (many // 500) + [many % 500]:
                if size:
                    self.loop.do(self.world.owe(size, system, created_at=now, due_at=now))

    def _jump(self, until: datetime) -> None:
        """Move the clock to the next thing that can happen."""
        now = self.clock.now()
        stored = now.replace(tzinfo=None).isoformat(" ", "microseconds")
        ready = self.look.execute(
            "SELECT 1 FROM delivery d LEFT JOIN system_state s ON s.system = d.system WHERE d.due_at <= ? AND "
            "d.system <> ? AND (s.open_until IS NULL OR s.open_until <= ?) LIMIT 1", (stored, self.dull, stored),
        ).fetchone()  # fmt: skip
        if ready:
            return
        asked = (stored, self.dull)
        instants = [
            *self.look.execute("SELECT min(due_at) FROM delivery WHERE due_at > ? AND system <> ?", asked).fetchone(),
            *self.look.execute("SELECT min(leased_until) FROM delivery").fetchone(),
            *self.look.execute(
                "SELECT min(open_until) FROM system_state WHERE open_until > ? AND system <> ?", asked
            ).fetchone(),
        ]
        found = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in instants if text]
        found += [self.calendar[-1][0]] if self.calendar else []
        hour = now + timedelta(hours=1)
        self.clock.tick(seconds=max(0.001, (min([*found, until, hour]) - now).total_seconds()))

    def count(self, where: str, *values: object) -> int:
        return int(self.look.execute(f"SELECT count(*) FROM delivery WHERE {where}", values).fetchone()[0])

    def parked_young(self, patience: timedelta) -> int:
        """How many a person must look at though they have not waited that long."""
        rows = self.look.execute("SELECT created_at, settled_at FROM delivery WHERE state = 'parked'")
        return sum(datetime.fromisoformat(b) - datetime.fromisoformat(a) <= patience for a, b in rows)

    def end(self) -> None:
        self.look.close()
        self.loop.let_go()
        self.loop.do(self.store.close())
        self.loop.end()


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
