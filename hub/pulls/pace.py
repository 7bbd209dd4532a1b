"""How many rows are written at once: as many as hold the writer for a moment, whatever machine and database this is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hub.store import Session

T = TypeVar("T")
WANTED_S = 0.02
"""How long one write may hold the writer: a submission that comes meanwhile waits for it."""
LEAST, MOST = 8, 500
LEAST_WHEN_BUSY = 200
"""Where others have the processor, fewer rows hold the writer hardly shorter, and cost far more each."""
MOST_GROWTH = 1.5


@dataclass
class Pace:
    """Grows and shrinks with how long the last write took, and how long it worked."""

    size: int = 64

    def timed(self, write: Callable[[Session], T], rows: int) -> Callable[[Session], T]:
        """Return a write that sets the size of the next one."""

        def measured(session: Session) -> T:
            began, began_work = time.perf_counter(), time.thread_time()
            try:
                return write(session)
            finally:
                self._learn(rows, time.perf_counter() - began, time.thread_time() - began_work)

        return measured

    def _learn(self, rows: int, took_s: float, worked_s: float) -> None:
        by_time = max(LEAST_WHEN_BUSY, rows * WANTED_S / max(took_s, 1e-6))
        by_work = max(LEAST, rows * WANTED_S / max(worked_s, 1e-6))
        self.size = int(min(by_time, by_work, self.size * MOST_GROWTH + 1, MOST))
