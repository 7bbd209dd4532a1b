"""Notices from outside that the event loop stands still: blocked, it can neither answer nor say so itself (F74).

The loop notes now and then that it turns, which costs one timer. A thread of its own looks about once a second at that
note, and is woken by nobody while all is well. Code that holds the interpreter itself, such as a huge regular
expression, holds up this thread too: it is told of the moment it lets go.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.clock import Clock
from hub.logs import get_logger

log = get_logger(__name__)
BEAT_S = 0.6
STILL_S = 1.25
"""After so long without a beat the loop stands still. A little over two beats, so that each look finds a fresh one."""
LATE_S = 0.1
"""A look that comes so much later than asked for means that this thread could not run either."""
BUSY_S, LEAST_SHARE = 0.75, 0.25
"""Processor time since the last beat, all together and of the time passed, from which somebody in here was at work."""
MOST_FRAMES = 24


@dataclass(eq=False)
class Watch:
    """Watches the loop of one process; `times` and `seconds` say how often and how long it stood still so far."""

    clock: Clock
    used_s: Callable[[], float] = time.process_time
    """Processor time of the process so far."""
    times: int = 0
    seconds: float = 0.0
    _bell: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _ending: bool = False

    def __post_init__(self) -> None:
        """Count from now."""
        self.begin()

    def start(self) -> None:
        """Watch the running loop until `stop`."""
        loop, thread = asyncio.get_running_loop(), threading.get_ident()

        def turn() -> None:
            if not self._ending:
                self.beat()
                loop.call_later(BEAT_S, turn)

        self.begin()
        turn()
        self._thread = threading.Thread(target=self._keep_looking, args=(thread,), name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._ending = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join(STILL_S)

    def _keep_looking(self, thread: int) -> None:
        wait_s = STILL_S
        while True:
            self._bell.wait(wait_s)
            self._bell.clear()
            if self._ending:
                return
            wait_s = self.look(lambda: where(thread))

    def begin(self) -> None:
        """Count from now."""
        now = self.clock.monotonic()
        self._beaten_at, self._used_at_beat_s, self._excused_at = now, self.used_s(), now
        self._look_at = now + STILL_S
        self._still_since: float | None = None
        self._stood_s: float | None = None

    def beat(self) -> None:
        """Note that the loop turns; in its own thread."""
        now = self.clock.monotonic()
        if self._still_since is not None and self._stood_s is None:
            self._stood_s = now - self._still_since
            self._bell.set()
        self._beaten_at, self._used_at_beat_s = now, self.used_s()

    def look(self, frames: Callable[[], list[str]]) -> float:
        """Say once that the loop stands still, and once that it turns again; return when to look again, in seconds.

        `frames` tells where the loop's thread is.
        """
        now, beaten_at = self.clock.monotonic(), self._beaten_at
        late_s, still_s = now - self._look_at, now - max(beaten_at, self._excused_at)
        if self._still_since is not None:
            self._note_end(now)
        elif still_s >= STILL_S and not (late_s >= LATE_S and self._idle_since(beaten_at, now)):
            self._still_since = beaten_at
            self.times += 1
            log.warning("loop.blocked", seconds=round(now - beaten_at, 1), frames=frames())
        elif late_s >= LATE_S:
            # Stopped, asleep with the machine, or out of processor: the loop gets as long again as we were late.
            self._excused_at = now - STILL_S + min(late_s, STILL_S)
            if late_s >= STILL_S:
                log.warning("process.stood_still", seconds=round(late_s, 1))
        return self._next_look(now)

    def _idle_since(self, beaten_at: float, now: float) -> bool:
        """Say whether the process used little processor since the last beat: then nothing in it held us up.

        Up to a stop it may have used all that fits between two beats, and no more.
        """
        return self.used_s() - self._used_at_beat_s < max(BUSY_S, (now - beaten_at) * LEAST_SHARE)

    def _note_end(self, now: float) -> None:
        if self._stood_s is not None:
            log.warning("loop.turns_again", seconds=round(self._stood_s, 1))
            self.seconds += self._stood_s
            self._excused_at, self._still_since, self._stood_s = now, None, None

    def _next_look(self, now: float) -> float:
        turned_at = max(self._beaten_at, self._excused_at)
        wait_s = STILL_S if self._still_since is not None else max(0.0, turned_at + STILL_S - now)
        self._look_at = now + wait_s
        return wait_s


def where(thread: int) -> list[str]:
    """Return the functions and lines a thread is in, the innermost last; no values."""
    inside = sys._current_frames().get(thread)  # noqa: SLF001 - the documented way to another thread's stack
    stack = list(traceback.walk_stack(inside))[:MOST_FRAMES] if inside is not None else []
    return [f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}" for frame, line in reversed(stack)]
