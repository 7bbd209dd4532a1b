"""Clocks that were wrong for a while: the schedule goes on at once, whatever they left in database and memory."""

from datetime import timedelta

import pytest

from hub.model import Pull
from hub.model.system import PullOutcome
from hub.pulls.due import LOOK_EVERY, Rounds
from hub.pulls.run import lose_stale, pull_due
from hub.store import Store
from hub.store.query.systems import SKEW
from hub.systems import PullFlow
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources
from tests.unit.pulls.test_pulls_due import settle

YEAR = timedelta(days=365)


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    sources = Sources(County(store, clock))
    sources.doors.say({"door": "D-1", "village": VILLAGE, "head": "陈大山"})
    return sources


@pytest.fixture
def flow(hub: Sources) -> PullFlow:
    return hub.registry.systems["doors"].pulls[0]


@pytest.mark.case("C03")
@pytest.mark.parametrize("by_hand", [True, False])
async def test_one_pull_by_a_clock_a_year_ahead_stops_none_of_the_next(
    hub: Sources, flow: PullFlow, clock: HandClock, by_hand: bool
) -> None:
    clock.at += YEAR
    await (hub.pull("doors") if by_hand else pull_due(hub.pulls, flow))
    clock.at -= YEAR
    read = 0
    for _ in range(120):
        read += await pull_due(hub.pulls, flow) is not None
        clock.tick(hours=6)
    assert read == 120
    assert await pull_due(hub.pulls, flow) is not None


@pytest.mark.case("C03")
async def test_a_pull_by_hand_heals_nothing_that_is_not_broken(hub: Sources, flow: PullFlow, clock: HandClock) -> None:
    clock.at += YEAR
    await hub.pull("doors")
    clock.at -= YEAR
    (report,) = await hub.pull("doors")
    assert (report.outcome, report.whole) == (PullOutcome.DONE, True), (
        "the whole reading of next year counts for nothing"
    )
    assert await pull_due(hub.pulls, flow) is None, "this slot is read"


@pytest.mark.case("C03")
async def test_a_run_that_began_in_the_time_ahead_and_never_ended_is_lost(
    hub: Sources, flow: PullFlow, clock: HandClock, store: Store
) -> None:
    ahead = clock.now() + YEAR
    run = Pull(system="doors", name="homes", slot_at=ahead, started_at=ahead, outcome=PullOutcome.RUNNING)
    await store.write(lambda session: session.add(run))
    assert await pull_due(hub.pulls, flow) is None, "it may be alive"
    assert await lose_stale(hub.pulls, timedelta(hours=2)) == 1
    assert await pull_due(hub.pulls, flow) is not None


@pytest.mark.case("C03")
async def test_another_hosts_clock_may_be_a_little_fast(
    hub: Sources, flow: PullFlow, clock: HandClock, store: Store
) -> None:
    soon = clock.now() + SKEW / 2
    run = Pull(system="doors", name="homes", slot_at=soon, started_at=soon, outcome=PullOutcome.RUNNING)
    await store.write(lambda session: session.add(run))
    assert await lose_stale(hub.pulls, timedelta(hours=2)) == 0


@pytest.mark.case("C03")
async def test_a_failed_run_of_next_year_is_not_waited_for(hub: Sources, flow: PullFlow, clock: HandClock) -> None:
    hub.doors.failure = OSError("away")
    clock.at += YEAR
    await pull_due(hub.pulls, flow)
    clock.at -= YEAR
    hub.doors.failure = None
    report = await pull_due(hub.pulls, flow)
    assert report is not None
    assert report.outcome is PullOutcome.DONE


@pytest.mark.case("C03")
@pytest.mark.parametrize("jump", [YEAR, timedelta(hours=7)])
async def test_rounds_that_planned_by_a_wrong_clock_plan_anew(hub: Sources, clock: HandClock, jump: timedelta) -> None:
    """What is only in memory, too: a clock that was ahead while the hub ran and is set right."""
    rounds = Rounds(hub.pulls)

    async def runs() -> int:
        await settle(rounds)
        return len(await hub.county.rows(Pull, system="doors"))

    clock.at += jump
    assert await runs() == 1
    clock.at -= jump
    assert await runs() == 2
    clock.tick(seconds=LOOK_EVERY.total_seconds())
    assert await runs() == 2, "this slot is read now"
    clock.tick(hours=6)
    assert await runs() == 3


@pytest.mark.case("C03")
async def test_a_clock_that_was_behind_reads_the_slots_it_missed_once(hub: Sources, clock: HandClock) -> None:
    clock.at -= YEAR
    rounds = Rounds(hub.pulls)
    await settle(rounds)
    clock.at += YEAR
    await settle(rounds)
    await settle(rounds)
    assert len(await hub.county.rows(Pull, system="doors")) == 2
