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

    def take(self, most: int, now: float) -> int:
        """Take up to so many places for attempts that may start at `now`; return how many there were."""
        self.tokens = min(self._burst, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        taken = max(0, min(most, self.in_flight - self.busy, int(self.tokens)))
        self.busy += taken
        self.tokens -= taken
        return taken

    def give_back(self) -> None:
        """End one attempt; what its System was asked counts against its rate all the same."""
        self.busy -= 1

    def leave(self, places: int = 1) -> None:
        """Free places that were only kept: nothing was asked, so their tokens are there again too."""
        self.busy -= places
        self.tokens += places
