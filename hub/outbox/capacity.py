"""What one process has free for attempts: which Systems may have something due, and how much of it may start now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hub.clock import Clock
from hub.outbox.claim import Wanted
from hub.outbox.decide.courtesy import Courtesy
from hub.outbox.decide.settle import Claim
from hub.outbox.decide.slots import Slots
from hub.sdk import Connector


@dataclass(frozen=True)
class Line:
    """One System as the engine drives it."""

    connector: Connector
    in_flight: int
    per_second: float
    answer_within: timedelta


class Capacity:
    """Slots of every System, and what is known of who waits for them."""

    def __init__(self, lines: Mapping[str, Line], clock: Clock) -> None:
        self._lines, self._clock = lines, clock
        self.slots = {name: Slots(line.in_flight, line.per_second) for name, line in lines.items()}
        self.courtesy = Courtesy()
        self.rung: set[str] = set()
        self.behind: set[str] = set()
        """Systems that had at least as much due as they could take: what is new waits its turn behind that."""

    def ring(self, systems: Iterable[str]) -> None:
        """Note that these Systems may have something due."""
        self.rung.update(name for name in systems if name in self.slots)

    def wanted(self) -> Wanted:
        """Keep every free slot of the Systems that were rung, unless people who wait for an answer go first."""
        now = self._clock.monotonic()
        if not self.rung or not self.courtesy.may_take(now):
            return {}
        wanted = self.keep(self.rung)
        self.rung -= wanted.keys()
        return wanted

    def keep(self, names: Iterable[str], most: int | None = None) -> dict[str, tuple[int, timedelta]]:
        """Keep up to so many free slots of each of these Systems, and as many as there are when nothing is said."""
        now = self._clock.monotonic()
        kept = {name: self.slots[name].take(most or self._lines[name].in_flight, now) for name in sorted(names)}
        return {name: (many, self._lines[name].answer_within) for name, many in kept.items() if many}

    def free_rest(self, wanted: Wanted, claims: Sequence[Claim]) -> None:
        """Free the slots that were kept and stay empty."""
        counts = Counter(claim.system for claim in claims)
        for name, (most, _) in wanted.items():
            self.slots[name].leave(most - counts[name])

    def note_backlog(self, wanted: Wanted, claims: Sequence[Claim]) -> None:
        """Remember which Systems had at least as much due as there were slots for."""
        counts = Counter(claim.system for claim in claims)
        for name, (most, _) in wanted.items():
            (self.behind.add if counts[name] >= most else self.behind.discard)(name)

    def seat(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, timedelta]:
        """Keep a free slot for each of these new Deliveries whose System has one and nothing older to send."""
        seats, now = dict[str, timedelta](), self._clock.monotonic()
        for row in rows:
            name = row["system"]
            slots = self.slots.get(name)
            older = name in self.rung or name in self.behind
            if row["due_at"] is not None and slots is not None and not older and slots.take(1, now):
                seats[row["id"]] = self._lines[name].answer_within
        return seats
