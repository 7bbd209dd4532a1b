"""Notices when somebody sets the wall clock back, by holding it against one that only counts (F42)."""

from datetime import timedelta

from hub.clock import Clock

DRIFT = timedelta(seconds=10)
"""Less is how clocks are kept right, and lengthens no wait that anybody would notice."""


class Wall:
    """What the wall clock said when it was last looked at, beside the steady count of that moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_at, self._seen_s = clock.now(), clock.monotonic()

    def set_back_by(self) -> timedelta:
        """Return how far it was set back, again and again until `noted`; nothing for drift or a step forward."""
        now, steady_s = self._clock.now(), self._clock.monotonic()
        back = self._seen_at + timedelta(seconds=steady_s - self._seen_s) - now
        if back > DRIFT:
            return back
        self.noted()
        return timedelta(0)

    def noted(self) -> None:
        """Take what the wall clock says now for right."""
        self._seen_at, self._seen_s = self._clock.now(), self._clock.monotonic()
