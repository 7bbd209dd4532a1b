"""Runs a hub, of any version, and writes down at its end how long each group of writes held the writer."""

import atexit
import json
import os
import time
from pathlib import Path
from typing import Any

from hub.store.lanes import writer

HELD: list[tuple[float, float]] = []
"""When each group began, by the clock all processes share, and for how many milliseconds it held the writer."""


def watch(lane: Any) -> None:  # noqa: ANN401 - a class of either version
    commit = lane._commit  # noqa: SLF001 - what is measured

    def measured(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as it is
        began = time.monotonic()
        try:
            return commit(*given, **named)
        finally:
            HELD.append((began, (time.monotonic() - began) * 1000))

    lane._commit = measured  # noqa: SLF001 - as above


def main() -> None:
    """Serve until told to stop."""
    lanes = [each for each in vars(writer).values() if isinstance(each, type) and hasattr(each, "_commit")]
    for lane in lanes:
        watch(lane)
    atexit.register(lambda: Path(os.environ["HELD_FILE"]).write_text(json.dumps(HELD)))
    from hub.cli import main as serve  # noqa: PLC0415 - after its writer is watched

    serve()


if __name__ == "__main__":
    main()
