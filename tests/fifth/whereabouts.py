"""A hub under test that does not end is asked where it is: SIGUSR1 for its tasks, SIGABRT for its threads."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

STOPS_WITHIN_S = 30
TELL_WHEN_ASKED = "from tests.fifth.whereabouts import tell_when_asked; tell_when_asked()"
"""What a hub that may be asked runs first."""


def tell_when_asked() -> None:
    """Print every task's stack at SIGUSR1; called in the hub's process."""
    signal.signal(signal.SIGUSR1, lambda *_: _tell())


def _tell() -> None:
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()


def stop(process: subprocess.Popen[bytes], log: Path) -> int:
    """Ask a hub to stop and return its code; one that does not is made to say where it is, and killed.

    PYTHONFAULTHANDLER must be set in its environment, and what it says go to `log`.
    """
    process.terminate()
    try:
        return process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        said_before = log.stat().st_size
        for number in (signal.SIGUSR1, signal.SIGABRT):
            process.send_signal(number)
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                continue
        process.kill()
        process.wait()
        told = log.read_bytes()
        raise AssertionError(
            f"asked to stop, it did not within {STOPS_WITHIN_S} s\n"
            f"{told[:said_before][-2000:].decode()}\n--- and when asked where it is:\n{told[said_before:].decode()}"
        ) from None
