"""Kill web, worker and the database itself, each at its own moments: nothing lost, nothing torn, nothing stuck."""

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hub.failpoint import POINTS
from tests.crash.books import BOOKS
from tests.crash.kills import IN_FLIGHT, County, plan
from tests.crash.mortal import LOOK_S, READY_WITHIN_S, Mortal
from tests.crash.officers import Officers
from tests.crash.private_postgres import PrivatePostgres
from tests.crash.verdict import judge, write_figures

KILLS = max(12, int(os.environ.get("KILLS", "200")) * 3 // 10)
OF_DATABASE = KILLS // 5
OF_WORKER = (KILLS - OF_DATABASE) // 2
OF_WEB = KILLS - OF_DATABASE - OF_WORKER
WEB = tuple(name for name in POINTS if name.partition(".")[0] in ("intake", "revise", "replay", "blob", "writer"))
WORK = (
    "claim.leased",
    "claim.committed",
    "send.before",
    "send.after",
    "probe.before",
    "probe.after",
    "settle.written",
    "settle.committed",
    "release.written",
    "writer.before_commit",
    "writer.committed",
)
DATABASE_DEATHS = ("postgres killed", "postgres stopped at once")
HEALS_WITHIN_S = 10.0


@pytest.mark.timeout(120 + 12 * KILLS)
@pytest.mark.fault("F1", "F2", "F14", "F39")
async def test_sixty_kills_of_each_part_lose_nothing(
    tmp_path: Path, postgres: PrivatePostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    county = County(tmp_path / "hub", postgres.url)
    verdict = county.verdict
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(county.books)
        await stack.enter_async_context(county.client)
        people, healed_s = await strike(county, postgres, stack)
    verdict.repeats_allowed = KILLS * IN_FLIGHT * len(BOOKS)
    judge(verdict, county.database_url, county.home, people.told, county.books)
    write_figures("postgres", verdict)
    with capsys.disabled():
        sys.stdout.write(f"\n  PostgreSQL: {verdict.said()}; pools healed within {max(healed_s):.1f} s\n")
    assert verdict.faults == []
    assert verdict.kills.total() == KILLS
    assert max(healed_s) < HEALS_WITHIN_S


async def strike(county: County, postgres: PrivatePostgres, stack: AsyncExitStack) -> tuple[Officers, list[float]]:
    """First the database alone, then all three at their own moments, in pairs as it comes."""
    county.write_files()
    web, work = county.mortal("serve", WORKER="false"), county.mortal("work")
    for mortal in (web, work):
        mortal.start()
        stack.callback(kill_if_alive, mortal)
        assert await mortal.ready(county.client, county.url), mortal.last_words()
    # A pull whose process died holds its slot for two hours where several processes may pull: none here.
    people, tasks = await county.officers(pulling=False)
    healed_s = await kill_database(county, postgres, people, OF_DATABASE // 2)
    county.verdict.demand(holds=(web.returncode, work.returncode) == (None, None), or_else="died of its database")
    county.database_dies = True
    async with asyncio.TaskGroup() as deaths:
        deaths.create_task(county.live_and_die(web, plan(OF_WEB, WEB, OF_WEB // 4, county.dice)))
        deaths.create_task(county.live_and_die(work, plan(OF_WORKER, WORK, OF_WORKER // 4, county.dice)))
        deaths.create_task(kill_database(county, postgres, people, OF_DATABASE - OF_DATABASE // 2))
    people.running = False
    await asyncio.gather(*tasks)
    await county.drained()
    for mortal in (web, work):
        county.verdict.ready_s += mortal.ready_s
        county.verdict.demand(holds=await mortal.stop() == 0, or_else=f"no orderly end: {mortal.last_words()}")
    return people, healed_s


async def kill_database(county: County, postgres: PrivatePostgres, people: Officers, times: int) -> list[float]:
    """Stop the server dead, again and again; return how long after each it took until somebody got an answer."""
    healed_s = []
    for number in range(times):
        await asyncio.sleep(county.dice.uniform(0.5, 2.0))
        await asyncio.to_thread((postgres.kill, postgres.stop_immediately)[number % 2])
        await asyncio.to_thread(postgres.start)
        county.verdict.kills[DATABASE_DEATHS[number % 2]] += 1
        before, back_at = len(people.told.acked), time.monotonic()
        while len(people.told.acked) == before and time.monotonic() < back_at + READY_WITHIN_S:  # noqa: ASYNC110 - nobody rings
            await asyncio.sleep(LOOK_S)
        healed_s.append(time.monotonic() - back_at)
    return healed_s


def kill_if_alive(mortal: Mortal) -> None:
    if mortal.returncode is None:
        mortal.kill()
