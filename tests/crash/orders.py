"""What shall happen at which failpoint: `name=action[@n]`, several with commas; n counts passages, 1 unless given."""

import errno
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hub.failpoint import POINTS

ACTIONS = ("kill", "raise", "sleep", "enospc")
SLEEP_S = 0.3


class Struck(Exception):
    """A failpoint was ordered to raise."""


@dataclass(frozen=True)
class Order:
    """Do `action` when a point is passed for the `nth` time."""

    action: str
    nth: int = 1


def read_orders(text: str) -> dict[str, Order]:
    """Read orders; raises ValueError for a name nobody registered or an action nobody knows."""
    orders = {}
    for part in filter(None, text.split(",")):
        name, _, what = part.partition("=")
        action, _, nth = what.partition("@")
        if name not in POINTS or action not in ACTIONS:
            raise ValueError(f"{part!r}: no such failpoint or action")
        orders[name] = Order(action, int(nth or 1))
    return orders


class Acting:
    """Counts passages of every point, notes the first of each in a file, and obeys its orders."""

    def __init__(self, orders: Mapping[str, Order], seen_file: str = "") -> None:
        self.passed: Counter[str] = Counter()
        self._orders = orders
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._seen = os.open(seen_file, flags, 0o600) if seen_file else None

    def __call__(self, name: str) -> None:
        if name not in POINTS:
            raise LookupError(f"failpoint {name!r} is not in hub.failpoint.POINTS")
        with self._lock:
            self.passed[name] += 1
            passages = self.passed[name]
            if passages == 1 and self._seen is not None:
                os.write(self._seen, f"{name}\n".encode())
        order = self._orders.get(name)
        if order is not None and order.nth == passages:
            act(name, order.action)


def act(name: str, action: str) -> None:
    """Do what was ordered."""
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(SLEEP_S)
    elif action == "enospc":
        raise OSError(errno.ENOSPC, "No space left on device", name)
    else:
        raise Struck(name)
