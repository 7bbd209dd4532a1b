"""Wrong passwords: what they make wait, for how long, and what a clock that jumps does to it."""

from datetime import timedelta

import pytest

from hub.store import Store
from hub.store.query import people
from hub.store.query.people.throttle import FROM_WITHIN, HERE_WITHIN, MOST_FROM, MOST_HERE, forgive
from tests.conftest import HandClock

pytestmark = [pytest.mark.fault("F89"), pytest.mark.case("C67")]
HERE, ELSEWHERE = "203.0.113.9", "203.0.113.10"


async def wrong(store: Store, clock: HandClock, login: str = "ada", source: str = HERE, many: int = 1) -> None:
    for _ in range(many):
        await store.write(lambda session: people.note_failure(session, login, source, clock.now()))


async def wait(store: Store, clock: HandClock, login: str = "ada", source: str = HERE) -> timedelta | None:
    return await store.read(lambda session: people.wait_for(session, login, source, clock.now()))


async def test_a_login_waits_only_where_the_wrong_ones_came_from(store: Store, clock: HandClock) -> None:
    await wrong(store, clock, many=MOST_HERE - 1)
    assert await wait(store, clock) is None
    clock.tick(seconds=20)
    await wrong(store, clock)
    assert await wait(store, clock) == HERE_WITHIN - timedelta(seconds=20)
    assert await wait(store, clock, "bo") is None
    assert await wait(store, clock, source=ELSEWHERE) is None
    clock.tick(seconds=40)
    assert await wait(store, clock) is None


async def test_guessing_at_everybody_from_one_address_is_stopped(store: Store, clock: HandClock) -> None:
    for number in range(MOST_FROM - 1):
        await wrong(store, clock, f"guess{number}")
    assert await wait(store, clock, "ada") is None
    await wrong(store, clock, "guess")
    assert await wait(store, clock, "ada") == FROM_WITHIN
    assert await wait(store, clock, "ada", ELSEWHERE) is None
    clock.tick(minutes=10)
    assert await wait(store, clock, "ada") is None


async def test_a_room_of_thirty_may_mistype_three_times_each(store: Store, clock: HandClock) -> None:
    for number in range(30):
        await wrong(store, clock, f"officer{number}", many=3)
        assert await wait(store, clock, f"officer{number}") is None


async def test_a_success_takes_its_own_back_and_nobody_elses(store: Store, clock: HandClock) -> None:
    await wrong(store, clock, many=MOST_HERE)
    await wrong(store, clock, "bo", many=MOST_HERE)
    await store.write(lambda session: forgive(session, "ada", HERE))
    assert await wait(store, clock, "ada") is None
    assert await wait(store, clock, "bo") is not None


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
async def test_a_clock_that_was_wrong_for_a_moment_locks_nobody_out(
    store: Store, clock: HandClock, jump: timedelta
) -> None:
    clock.at += jump
    await wrong(store, clock, many=MOST_HERE)
    assert await wait(store, clock) is not None
    clock.at -= jump
    assert await wait(store, clock) is None
    await wrong(store, clock, many=MOST_HERE - 1)
    assert await wait(store, clock) is None
    await wrong(store, clock)
    assert await wait(store, clock) == HERE_WITHIN
