"""`hub serve` with a recorder of calls: run by `python -m benchmarks.trace`, which talks to it over two files.

    python -m benchmarks.trace.recorded <folder>

While the file `on` is in the folder, every call of a function of `hub` or `connectors` is recorded with its thread.
When `on` goes away the record is written to `calls.json`.
"""

import json
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

LEFT_OUT = ("loop-monitor", "watch", "recorder")
"""Threads that look on and carry nothing of a submission."""


class Recorder:
    """Keeps the calls of all threads in the order they began."""

    def __init__(self, root: Path) -> None:
        self._roots = (str(root / "hub"), str(root / "connectors"), str(root / "tests" / "fifth"))
        self._known: dict[CodeType, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.is_on = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Record a call if it is one of ours and somebody records."""
        if not self.is_on or event != "call":
            return
        code = frame.f_code
        name = self._known.get(code)
        if name is None:
            is_ours = code.co_filename.startswith(self._roots) and not code.co_name.startswith("<")
            name = self._known[code] = f"{code.co_filename}:{code.co_qualname}" if is_ours else ""
        if name:
            thread = threading.current_thread().name
            if thread not in LEFT_OUT:
                self.calls.append((thread, name))


def follow(recorder: Recorder, folder: Path) -> None:
    """Switch the recorder as the file says, and write down what it has when it is switched off."""
    while True:
        is_on = (folder / "on").exists()
        if is_on and not recorder.is_on:
            recorder.calls.clear()
        if recorder.is_on and not is_on:
            recorder.is_on = False
            part = folder / "calls.part"
            part.write_text(json.dumps(recorder.calls), encoding="utf-8")
            part.rename(folder / "calls.json")
        recorder.is_on = is_on
        time.sleep(0.02)


def main() -> None:
    """Serve as `hub serve` does."""
    import hub  # noqa: PLC0415 - after the recorder is there to be asked
    from hub.cli import main as run  # noqa: PLC0415 - after the recorder is there to be asked

    recorder = Recorder(Path(hub.__file__).parents[1])
    hook: Any = recorder
    threading.Thread(target=follow, args=(recorder, Path(sys.argv[1])), name="recorder", daemon=True).start()
    threading.setprofile(hook)
    sys.setprofile(hook)
    sys.argv = ["hub", "serve"]
    run()


if __name__ == "__main__":
    main()
