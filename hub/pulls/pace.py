"""How many rows are written at once: as many as hold the writer for a moment, whatever machine and database this is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hub.store import Session

T = TypeVar("T")
WANTED_S = 0.015
"""How long one write may hold the writer: a submission that comes meanwhile waits for it."""
LEAST, MOST = 8, 600
MOST_GROWTH = 1.5


@dataclass
class Pace:
    """Grows and shrinks with how long the last writes took."""

    size: int = 32
    longest_s: float = 0.0

    def timed(self, write: Callable[[Session], T], rows: int) -> Callable[[Session], T]:
        """Return a write that sets the size of the next one."""

        def measured(session: Session) -> T:
            began = time.perf_counter()
            try:
                return write(session)
            finally:
                self._learn(rows, time.perf_counter() - began)

        return measured

    def _learn(self, rows: int, took_s: float) -> None:
        self.longest_s = max(self.longest_s, took_s)
        fitting = rows * WANTED_S / max(took_s, 1e-6)
        self.size = int(max(LEAST, min(MOST, fitting, self.size * MOST_GROWTH + 1)))
