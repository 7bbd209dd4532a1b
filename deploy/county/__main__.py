"""`hub demo`: starts the county and the hub, tells the story, leaves both up until Ctrl-C; `--once` only tells it."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import httpx

from deploy.county import portal, receipt, seed, story
from deploy.county.child import NotStarted, require_free, start_child
from deploy.county.systems import ROOT, County

WIRING = ROOT / "connectors.yaml"
HUB_WITHIN_S = 60.0
"""A first start makes the database and hashes the demo passwords."""


def hub_environment(county: County, port: int) -> dict[str, str]:
    """Return what the hub is told; nothing of the caller's own HUB_ settings reaches the demo."""
    data = county.data / "hub"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    told = {
        "PROFILE": "demo",
        "HOME": str(ROOT),
        "DATA_DIR": str(data),
        "DATABASE_URL": f"sqlite:///{data / 'hub.db'}",
        "PORT": str(port),
        "CONNECTORS_FILE": str(WIRING),
        "SEED_ACCOUNTS": str(portal.ACCOUNTS),
        "SEED_DIVISIONS": str(seed.DIVISIONS),
    }
    return kept | {f"HUB_{name}": value for name, value in told.items()} | county.secrets(WIRING)


@contextmanager
def running_hub(county: County, port: int) -> Iterator[str]:
    """Run the hub as a process of its own; yield its address."""
    require_free(port, "stop what listens there or choose another with --port")
    address = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("hub")), "serve"]
    hub = start_child("hub", command, county.data / "logs" / "hub.log", cwd=ROOT, env=hub_environment(county, port))
    try:
        hub.wait_until(lambda: _answers(address), HUB_WITHIN_S)
        yield address
    finally:
        hub.stop()


def _answers(address: str) -> str | None:
    try:
        return address if httpx.get(f"{address}/readyz", timeout=2, trust_env=False).is_success else None
    except httpx.TransportError:
        return None


def demo(data: Path, port: int, *, once: bool) -> int:
    """Tell the story on a running county; return the exit code."""
    receipt.opening()
    with County(data, fixed_ports=True) as county, running_hub(county, port) as address:
        broken = story.tell(address, county)
        receipt.verdict(broken)
        if not once:
            receipt.addresses(address, county.pages, portal.accounts())
            wait_for_goodbye()
    return 1 if broken else 0


_GOODBYE = threading.Event()


def hear_goodbye(number: int, frame: FrameType | None) -> None:
    """Stop what is going on, and remember: an interrupt that meets a library in the wrong place may be swallowed."""
    _GOODBYE.set()
    signal.default_int_handler(number, frame)


def wait_for_goodbye() -> None:
    """Block until Ctrl-C or SIGTERM, unless one has come already."""
    with suppress(KeyboardInterrupt):
        _GOODBYE.wait()
    receipt.note("正在停止…")


def main() -> int:
    """Parse the command line and run; children are stopped however this ends."""
    parser = argparse.ArgumentParser(prog="hub demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="tell the story, then stop; exit 0 only if it came true")
    parser.add_argument("--port", type=int, default=8000, help="of the hub (8000)")
    parser.add_argument("--data", type=Path, help="folder to keep (var/county; with --once a temporary one)")
    asked = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear_goodbye)
    passing = asked.once and asked.data is None
    data = Path(tempfile.mkdtemp(prefix="fillonce-")) if passing else (asked.data or ROOT / "var" / "county").resolve()
    code = attempt(data, asked.port, once=asked.once)
    if passing and code == 0:
        shutil.rmtree(data)
    return code


def attempt(data: Path, port: int, *, once: bool) -> int:
    """Run the demo; say in one sentence why it could not be told, and where the logs are."""
    try:
        return demo(data, port, once=once)
    except (NotStarted, portal.Declined, httpx.TransportError, story.NothingLeft) as error:
        receipt.failed(str(error), data / "logs")
    except KeyboardInterrupt:
        receipt.note("已停止")
    return 1


if __name__ == "__main__":
    sys.exit(main())
