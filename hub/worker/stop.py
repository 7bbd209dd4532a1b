"""Asked to stop: heard from a process's first moment, heeded where nothing is half done. Loads nothing else.

A signal may come between any two steps of a program. Raising there could cut one in two, or be lost where nobody
listens to exceptions; so it is only noted, and start-up looks at the note between its steps.
"""

import signal
from collections.abc import Callable

ASKED_WITH = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether this process was asked to stop, and how it obeys once there is something that can."""

    def __init__(self) -> None:
        self.asked = False
        self._obey: Callable[[], object] | None = None

    def listen(self) -> None:
        """Note SIGTERM and SIGINT from now on, instead of dying of them."""
        for number in ASKED_WITH:
            signal.signal(number, lambda *_: self._hear())

    def _hear(self) -> None:
        self.asked = True
        if self._obey is not None:
            self._obey()

    def heed(self) -> None:
        """End the process in order if it was asked to stop; called where nothing is half done."""
        if self.asked:
            self.hear_no_more()
            raise SystemExit(0)

    def obey_with(self, obey: Callable[[], object]) -> None:
        """Call this when asked; whoever was asked before sees it in `asked`."""
        self._obey = obey

    def hear_no_more(self) -> None:
        """Let another signal be too late: the interpreter gives ours back as it ends, and one then would be a crash."""
        for number in ASKED_WITH:
            signal.signal(number, signal.SIG_IGN)


stop = Stop()
"""The one of this process."""
