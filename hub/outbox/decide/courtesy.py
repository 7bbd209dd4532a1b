"""Who goes first when there is more to do than can be done: people who wait for an answer, before Systems. Pure.

Deliveries lose nothing by it but a moment: they are on disk, and taken up in few large strokes instead of many small
ones, which also cost less. Without a crowd there is no such rule at all.
"""

from dataclasses import dataclass
from typing import Final

MANY: Final = 16
"""Submissions on their way to disk at once that make a crowd; fewer are written about as fast as they come."""
AFTER_S: Final = 0.15
"""A crowd comes in waves: those whose group is on disk are answered together, and the next ones come together."""
EVERY_S: Final = 0.25
"""While there is a crowd, what is due is taken up this often, as much as its Systems take: nothing waits for good."""


@dataclass
class Courtesy:
    """Counts who waits for an answer; times are monotonic seconds."""

    waiting: int = 0
    crowded_at: float = float("-inf")
    taken_at: float = float("-inf")

    def come(self, now: float) -> None:
        """Note that a Submission is on its way to disk."""
        self.waiting += 1
        if self.waiting >= MANY:
            self.crowded_at = now

    def go(self) -> None:
        """Note that it is there, or never will be."""
        self.waiting -= 1

    def is_crowded(self, now: float) -> bool:
        """Say whether Deliveries let people go first just now."""
        return now - self.crowded_at < AFTER_S

    def may_take(self, now: float) -> bool:
        """Say whether what is due may be taken up now, and remember that it was."""
        if self.is_crowded(now) and now - self.taken_at < EVERY_S:
            return False
        self.taken_at = now
        return True
