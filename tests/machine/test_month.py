"""Thirty days in seconds: retries, holidays, breakers, verdicts that take days, and pulls (F42, F45, F48, F70, F71).

MONTH_SEED sets which story, MONTH_BACKLOG how much waits for a System that is down for three days.
"""

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.outbox.decide.backoff import BREAKER_LONGEST, PATIENCE
from hub.store import open_store
from tests.conftest import HandClock
from tests.machine.month import IN_FLIGHT, PER_SECOND, START, Month, Patient, resident_bytes
from tests.machine.virtual import VirtualLoop

SEED = int(os.environ.get("MONTH_SEED", "2026"))
BACKLOG = int(os.environ.get("MONTH_BACKLOG", "2000"))
ASKS = [timedelta(seconds=s) for s in (-1, 0.5, 120, 3_600, 10**9)]
DAY = timedelta(days=1)


@pytest.fixture
def month(quick_url: str) -> Iterator[Month]:
    """A hub with six Systems, none of them easy."""
    clock, dice = HandClock(), random.Random(SEED)
    loop = VirtualLoop(clock)
    store = loop.watch(open_store(quick_url, "relaxed"))
    tempers: dict[str, dict[str, object]] = {
        "steady": {}, "gone": {"down": (0, 99)}, "holiday": {"down": (3, 6)}, "rude": {"asks": ASKS},
        "flaky": {"fails": 0.3, "silent": 0.05}, "slow": {"verdict_days": 1},
    }  # fmt: skip
    systems = {name: Patient(clock, dice, **temper) for name, temper in tempers.items()}
    calendar = [
        (START + timedelta(days=day, seconds=dice.randrange(80_000)), name, 4)
        for day in range(29)
        for name in systems
        if name != "slow"
    ]
    calendar.append((START + 2 * DAY, "slow", 2))
    backlog = [(START + 3 * DAY + n * timedelta(hours=3), "holiday", BACKLOG // 20) for n in range(20)]
    made = Month(loop, store, str(Path(quick_url.removeprefix("sqlite:///"))), systems, calendar + backlog, dull="gone")
    yield made
    made.end()


@pytest.mark.timeout(14_400)
@pytest.mark.fault("F45", "F48", "F70")
@pytest.mark.parametrize("quick_url", ["sqlite"], indirect=True)
def test_thirty_days_lose_nothing_storm_nobody_and_park_only_what_waited_long(month: Month) -> None:
    owed = 5 * 29 * 4 + 2 + BACKLOG // 20 * 20
    holiday = month.systems["holiday"]
    month.live(START + 3 * DAY)
    before_bytes, most_waiting = resident_bytes(), 0

    def watch(now: Month) -> None:
        nonlocal most_waiting
        most_waiting = max(most_waiting, now.count("system = 'holiday' AND state IN ('waiting', 'retry')"))

    asked_before = len(holiday.asked_at)
    month.live(START + 6 * DAY, watch)
    asked_while_down = len(holiday.asked_at) - asked_before
    month.live(START + 7 * DAY)
    grown_bytes = resident_bytes() - before_bytes
    month.live(START + 30 * DAY)

    assert most_waiting >= BACKLOG
    assert asked_while_down <= 3 * DAY / BREAKER_LONGEST + IN_FLIGHT + 20, "the breaker let more than a probe through"
    assert grown_bytes < 24 * 2**20, f"{grown_bytes:,} bytes more after a backlog of {BACKLOG:,}"
    not_yet = month.count("system = 'rude' AND state = 'retry'")
    assert sum(one.taken for one in month.systems.values()) == owed - 29 * 4 - not_yet
    assert _most_in_a_second(holiday.asked_at) <= 2 * PER_SECOND + 1
    assert month.systems["rude"].early == []
    assert month.parked_young(PATIENCE) == 0
    _all_ended_or_waits_in_patience(month, owed)


def _most_in_a_second(instants: Iterable[float]) -> int:
    return max(Counter(int(instant) for instant in instants).values())


def _all_ended_or_waits_in_patience(month: Month, owed: int) -> None:
    states = dict(month.look.execute("SELECT system || ' ' || state, count(*) FROM delivery GROUP BY 1"))
    assert sum(states.values()) == owed
    assert set(states) <= {
        "steady delivered", "holiday delivered", "rude delivered", "rude retry", "flaky delivered", "flaky retry",
        "slow delivered", "gone parked", "gone retry", "gone waiting",
    }  # fmt: skip
    gone = {state: states.get(f"gone {state}", 0) for state in ("parked", "retry", "waiting")}
    assert gone["parked"] in range(4 * 13, 4 * 16 + 1), gone
    assert states.get("rude retry", 0) <= 4 * 4
    stored = month.clock.now() - timedelta(days=2)
    text = stored.replace(tzinfo=None).isoformat(" ", "microseconds")
    assert month.count("due_at < ? AND system NOT IN ('gone')", text) == 0, "something is stuck beyond its backoff"
