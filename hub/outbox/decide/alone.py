"""When a Delivery that workers died over has its turn: with nothing else under way, and not all the time. Pure.

Whoever dies with eight in hand leaves eight under suspicion. Only what is tried alone can be told from the others, and
while it is tried nobody else goes; so the others then have at least as long.
"""

from dataclasses import dataclass
from typing import Final

SHORTEST_S: Final = 1.0
"""The shortest turn of all others between two that are tried alone."""


@dataclass
class Alone:
    """Whether one is due that is to be tried alone; times are monotonic seconds."""

    due: bool = False
    began_s: float = 0.0
    not_before_s: float = 0.0

    def has_turn(self, now_s: float) -> bool:
        """Say whether nothing else may begin now."""
        return self.due and now_s >= self.not_before_s

    def begin(self, now_s: float) -> None:
        """Note that one is under way; its turn lasts until it ends."""
        self.began_s = now_s

    def end(self, now_s: float) -> None:
        """Let the others have a turn as long."""
        self.not_before_s = now_s + max(SHORTEST_S, now_s - self.began_s)
