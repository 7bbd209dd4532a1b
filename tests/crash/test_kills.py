"""Kill -9 the hub two hundred times, at every failpoint and at random: nothing lost, nothing torn, nothing stuck."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from hub.failpoint import POINTS
from tests.crash.keeper import keep_copies
from tests.crash.kills import County, run_kills, shares
from tests.crash.verdict import Verdict, write_figures

KILLS = int(os.environ.get("KILLS", "200"))
AT_RANDOM = 3 / 10
LANES = 2
"""Hubs killed side by side: one starts on one core while the other works."""
AT_FIRST_START = ("migrate.begin", "migrate.commit", "key.written", "name.given")
BY_HAND = (
    "release.stranded", "resume.written", "clock.set_back", "clock.set_forward",
    "waits.far_ahead", "look.written", "tidy.found", "tidy.removed", "erase.wiped"
)  # fmt: skip
"""Reached in tests/crash/test_rare.py: they need workers at odds, a System that says no, a clock set back, a day.
tests/crash/test_tidy_killed.py has the next two: they need photos that lay about for a week; tests/crash/
test_erase_killed.py the last: it needs submissions of years ago."""
KEEPING = tuple(name for name in POINTS if name.startswith(("backup.", "restore.")))
"""Of commands that run beside the hub or instead of it: tests/resources/test_restore_killed.py."""
IN_TURN = tuple(name for name in POINTS if name not in AT_FIRST_START + BY_HAND + KEEPING)


@pytest.mark.timeout(60 + 12 * KILLS)
@pytest.mark.fault("F1", "F2", "F5", "F39", "F69")
async def test_two_hundred_kills_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = await asyncio.gather(*(lane(tmp_path, number, kills) for number, kills in enumerate(shares(KILLS, LANES))))
    verdict = Verdict()
    for run in runs:
        verdict.add(run)
    write_figures("sqlite", verdict)
    with capsys.disabled():
        sys.stdout.write(f"\n  SQLite: {verdict.said()}\n")
    assert verdict.faults == []
    assert verdict.kills.total() == KILLS
    if KILLS - verdict.kills["random"] >= len(IN_TURN):
        never = [name for name in IN_TURN if not verdict.kills[name]]
        assert never == [], "registered, but no life ended there"


async def lane(home: Path, number: int, kills: int) -> Verdict:
    """One hub; the lanes share out the failpoints, each begins elsewhere in the list."""
    begin = number * len(IN_TURN) // LANES
    at_random = int(kills * AT_RANDOM)
    points = IN_TURN[begin:] + IN_TURN[:begin]
    return await run_kills(
        home / f"hub-{number}",
        kills,
        points,
        at_random=at_random,
        seed=20261122 + number,
        beside=lambda county, told: keep_copies(county, told, [kills // 3, kills * 2 // 3]),
    )


@pytest.mark.fault("F1")
async def test_a_first_start_may_be_killed_anywhere(tmp_path: Path) -> None:
    home = tmp_path / "hub"
    county = County(home, f"sqlite:///{home / 'hub.db'}")
    async with county.books, county.client:
        county.write_files()
        hub = county.mortal()
        for name in AT_FIRST_START:
            hub.start(f"{name}=kill")
            assert not await hub.ready(county.client, county.url), f"{name} was not reached"
            assert (hub.returncode, name in hub.passed) == (-9, True)
        hub.start()
        assert await hub.ready(county.client, county.url), hub.last_words()
        assert await hub.stop() == 0
    assert len(list((home / "keys").glob("*.key"))) == 1
