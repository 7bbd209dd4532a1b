"""How many attempts one System may start right now: free places and a token bucket."""

from dataclasses import dataclass, field


@dataclass
class Slots:
    """One System's places; times are monotonic seconds."""

    in_flight: int
    per_second: float
    busy: int = 0
    tokens: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        """Begin with a second's worth of tokens."""
        self.tokens = self._burst

    @property
    def _burst(self) -> float:
        return max(1.0, self.per_second)

    def free(self, now: float) -> int:
        """Return how many attempts may start at `now`."""
        self.tokens = min(self._burst, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        return min(self.in_flight - self.busy, int(self.tokens))

    def take(self) -> None:
        """Start one attempt."""
        self.busy += 1
        self.tokens -= 1

    def give_back(self) -> None:
        """End one attempt; what its System was asked counts against its rate all the same."""
        self.busy -= 1

    def leave(self) -> None:
        """Free a place that was only kept: nothing was asked, so its token is there again too."""
        self.busy -= 1
        self.tokens += 1
