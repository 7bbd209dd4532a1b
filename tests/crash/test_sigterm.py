"""SIGTERM fifty times under load: claims nothing more, finishes what is under way, leaves no lease, exits 0 (F73)."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import pytest

from tests.crash.kills import County, count_states
from tests.crash.mortal import Mortal
from tests.crash.private_postgres import PrivatePostgres
from tests.crash.verdict import Verdict, judge, write_figures
from tests.fifth.ledger_world import sign_in

TERMS = int(os.environ.get("TERMS", "50"))
ON_POSTGRES = TERMS // 5
GRACE_S = 20.0
"""As docs/reliability.md says; an idle connection may take uvicorn a little of its own."""
UNDER_WAY = 6
CALLERS = 6


@pytest.mark.timeout(120 + 12 * TERMS)
@pytest.mark.fault("F73")
async def test_fifty_orderly_stops_under_load(
    tmp_path: Path, postgres: PrivatePostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    half = (TERMS - ON_POSTGRES) // 2
    runs = await asyncio.gather(
        stops(County(one, f"sqlite:///{one / 'hub.db'}", seed=1), half),
        stops(County(two, f"sqlite:///{two / 'hub.db'}", seed=2), TERMS - ON_POSTGRES - half),
        stops(County(tmp_path / "three", postgres.url, seed=3), ON_POSTGRES),
    )
    verdict, took_s = Verdict(), []
    for run, lane_took_s in runs:
        verdict.add(run)
        took_s += lane_took_s
    write_figures("sigterm", verdict)
    with capsys.disabled():
        stopped = f"stopped p50 {median(took_s):.2f} s, max {max(took_s):.2f} s"
        sys.stdout.write(f"\n  SIGTERM: {verdict.said()}; {stopped}\n")
    assert verdict.faults == []
    assert len(took_s) >= TERMS
    assert max(took_s) < GRACE_S


async def stops(county: County, times: int) -> tuple[Verdict, list[float]]:
    """Stop a hub in order, again and again, every other time with a second SIGTERM; nothing may even come twice."""
    verdict, took_s = county.verdict, []
    async with begun(county) as (_, parts):
        people, tasks = await county.officers()
        for number in range(times):
            await asyncio.sleep(county.dice.uniform(0.05, 0.4))
            again_after_s = [0.02] if number % 2 else []
            began = time.monotonic()
            codes = await asyncio.gather(*(part.stop(*again_after_s) for part in parts))
            took_s.append(time.monotonic() - began)
            verdict.kills["SIGTERM"] += 1
            verdict.demand(holds=set(codes) == {0}, or_else=f"exit codes {codes}: {parts[0].last_words()}")
            left = count_states(county.database_url).get("leased", 0)
            verdict.demand(holds=left == 0, or_else=f"{left} leases left behind")
            for part in parts:
                part.start()
            await all_ready(county, parts)
        people.running = False
        await asyncio.gather(*tasks)
        await county.drained()
        await asyncio.gather(*(part.stop() for part in parts))
        verdict.ready_s += [ready_s for part in parts for ready_s in part.ready_s]
    judge(verdict, county.database_url, county.home, people.told, county.books)
    return verdict, took_s


def lone(tmp_path: Path) -> County:
    """A county of one process."""
    return County(tmp_path / "hub", f"sqlite:///{tmp_path / 'hub' / 'hub.db'}")


@asynccontextmanager
async def begun(county: County) -> AsyncIterator[tuple[County, list[Mortal]]]:
    """One process on SQLite; web and worker apart on PostgreSQL, the web first, since it makes the schema."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(county.books)
        await stack.enter_async_context(county.client)
        county.write_files()
        apart = county.database_url.startswith("postgresql")
        parts = [county.mortal("serve", WORKER="false"), county.mortal("work")] if apart else [county.mortal()]
        for part in parts:
            part.start()
            stack.callback(kill_if_alive, part)
            await all_ready(county, [part])
        yield county, parts


async def all_ready(county: County, parts: list[Mortal]) -> None:
    for part in parts:
        assert await part.ready(county.client, county.url), part.last_words()


def kill_if_alive(part: Mortal) -> None:
    if part.returncode is None:
        part.kill()


@pytest.mark.fault("F73")
async def test_what_is_under_way_is_finished_though_asked_twice(tmp_path: Path) -> None:
    async with begun(lone(tmp_path)) as (county, (hub,)):
        await sign_in(county.client, county.url)
        county.books.answer_after_s = 1.5
        for number in range(UNDER_WAY):
            await county.submit(number)
        assert await hub.stop(0.3, 0.3) == 0
    assert count_states(county.database_url) == {"delivered": UNDER_WAY * 3}
    assert {n for count in county.books.seen.values() for n in count.values()} == {1}


@pytest.mark.fault("F73")
async def test_asked_again_until_the_very_end_it_still_ends_in_order(tmp_path: Path) -> None:
    """The interpreter gives signals back before it is gone: one that comes then would look like a crash."""
    async with begun(lone(tmp_path)) as (county, parts):
        for _ in range(3):
            assert await parts[0].stop(*[0.001] * 1500) == 0, parts[0].last_words()
            parts[0].start()
            await all_ready(county, parts)


@pytest.mark.fault("F73")
async def test_who_does_not_answer_in_time_is_left_to_the_next_life(tmp_path: Path) -> None:
    async with begun(lone(tmp_path)) as (county, (hub,)):
        county.write_files(answer_within="60s")
        hub.kill()
        hub.start()
        await all_ready(county, [hub])
        await sign_in(county.client, county.url)
        county.books.awake.clear()
        for number in range(UNDER_WAY):
            await county.submit(number)
        began = time.monotonic()
        assert await hub.stop() == 0
        assert time.monotonic() - began < GRACE_S + 5
        county.books.awake.set()
        hub.start()
        await all_ready(county, [hub])
        await county.drained()
        assert await hub.stop() == 0
    assert count_states(county.database_url) == {"delivered": UNDER_WAY * 3}
    assert {n for count in county.books.seen.values() for n in count.values()} == {1}


@pytest.mark.fault("F73")
async def test_who_connects_while_it_stops_does_not_hold_it_up(tmp_path: Path) -> None:
    """A connection accepted between closing the door and telling those inside would be served for the whole grace."""
    async with begun(lone(tmp_path)) as (county, (hub,)):
        callers = [asyncio.create_task(call_again_and_again(county.port)) for _ in range(CALLERS)]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        assert await hub.stop() == 0
        took_s = time.monotonic() - began
        connections = sum(await asyncio.gather(*callers))
    assert connections > CALLERS
    assert took_s < GRACE_S / 2


async def call_again_and_again(port: int) -> int:
    """Connect and say nothing, until nobody opens; return how often."""
    writers = []
    try:
        while True:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
            await asyncio.sleep(0.001)
    except OSError:
        for writer in writers:
            writer.close()
        return len(writers)
