"""Draws where the hub's time goes at 64 clients: `python -m benchmarks.flame [--seconds 10] [--out FILE]`.

py-spy samples the real `hub serve` from outside while load generator and Systems run; idle threads are left out.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.candidates import hub
from benchmarks.machine import end_in_order
from benchmarks.rig import Rig, Sink
from benchmarks.scenarios import MOST, tallied, warm
from benchmarks.world import ROOT

RATE = 250
PY_SPY = Path(sys.executable).with_name("py-spy")
MOST_BYTES = 400_000
_PREFIXES = (re.compile(r"/[^\s()&<]*/site-packages/"), re.compile(re.escape(f"{ROOT}/")),
             re.compile(r"/[^\s()&<]*/lib/python3\.\d+/"))  # fmt: skip
_TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*')


def record(pid: int, seconds: float, file: Path) -> "subprocess.Popen[bytes]":
    """Start sampling a process."""
    command = [str(PY_SPY), "record", "--pid", str(pid), "--duration", str(round(seconds)), "--rate", str(RATE),
               "--format", "flamegraph", "--nonblocking", "--output", str(file)]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def shown(svg: str, title: str) -> str:
    """Return the picture without this machine's folders."""
    for prefix in _PREFIXES:
        svg = prefix.sub("", svg)
    return _TITLE.sub(lambda found: found[1] + title, svg)


def draw(folder: Path, sink: Sink, seconds: float) -> str:
    """Return the picture of one run."""
    rig = Rig(folder, sink)
    candidate = hub(folder / "hub", sink.ports)
    raw = folder / "flame.svg"
    candidate.start()
    try:
        warm(rig, candidate, 500)
        sink.do("reset")
        sampling = record(candidate.pids()[0], seconds, raw)
        seen = rig.load(candidate, clients=MOST, seconds=seconds)
        _, said = sampling.communicate(timeout=60)
        print(tallied(rig.settle(seen["accepted"])))
    finally:
        candidate.stop()
    if sampling.returncode or not raw.exists():
        raise SystemExit(f"py-spy: {said.decode()[-500:]}")
    title = f"hub serve, {MOST} clients, SQLite FULL: {seen['per_second']:.0f} accepted a second while sampled"
    return shown(raw.read_text(), title)


def main() -> None:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flame")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images/flame.svg")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fillonce-flame-") as folder, Sink() as sink:
        picture = draw(Path(folder), sink, asked.seconds)
    if len(picture) > MOST_BYTES or str(ROOT) in picture:
        raise SystemExit(f"{len(picture)} bytes, at most {MOST_BYTES}, and no folder of this machine")
    asked.out.write_text(picture)
    print(f"{asked.out}: {len(picture) // 1000} kB")


if __name__ == "__main__":
    main()
