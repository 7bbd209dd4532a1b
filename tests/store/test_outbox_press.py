"""Late entries by hand: what is late, one reminder for each, in the order to work them (F66)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select

from hub.model import Reminder
from hub.model.delivery import State
from hub.model.people import Role, Scope
from hub.outbox.engine import Engine
from hub.outbox.entry.press import AT_ONCE, enter_by, late_before, press
from hub.outbox.entry.take import take
from hub.outbox.hand import confirm
from hub.pulls.run import Pulls
from hub.store import Store
from hub.store.query import deliveries
from hub.store.query.entries import late_counts
from hub.store.query.lists import Viewer, Window, Work
from hub.store.query.views import entries
from hub.systems import BY_HAND_WITHIN, County, Registry
from hub.worker.loop import Worker
from tests.builders import Loose, World
from tests.conftest import HandClock
from tests.some_connectors.county import County as Real
from tests.some_connectors.county import files, visit

QUICK = timedelta(hours=4)
OPERATOR = Viewer(Scope("nobody", Role.OPERATOR, "330783000000"), ())


def wired(**within: timedelta) -> Registry:
    """A Registry of which only owners and limits matter."""
    systems: Any = {
        name: SimpleNamespace(owner=f"{name}-office", limits=SimpleNamespace(by_hand_within=time))
        for name, time in within.items()
    }
    return Registry(County("330783000000", {}), systems, {})


REGISTRY = wired(north=BY_HAND_WITHIN, quick=QUICK, other=QUICK)


async def owe(world: World, system: str = "north", **values: object) -> str:
    plain = {"state": State.MANUAL, "due_at": None, "created_at": world.clock.now()}
    (one,) = await world.owe(1, system, **{**plain, **values})
    return one


async def reminders(store: Store) -> dict[str, Reminder]:
    return {row.delivery_id: row for row in await store.read(lambda s: list(s.exec(select(Reminder))))}


async def pressed(world: World) -> list[str]:
    return [one.delivery_id for one in await world.store.write(lambda s: press(s, REGISTRY, world.clock.now()))]


@pytest.mark.fault("F66")
async def test_an_entry_is_late_after_its_systems_own_time(world: World) -> None:
    now = world.clock.now()
    for system, within in (("north", BY_HAND_WITHIN), ("quick", QUICK), ("gone", BY_HAND_WITHIN)):
        for age in (within, within + timedelta(seconds=1)):
            await owe(world, system, created_at=now - age)
    for state in frozenset(State) - {State.MANUAL, State.LEASED}:
        await owe(world, state=state, created_at=now - timedelta(days=30))
    counted = await world.store.read(lambda s: late_counts(s, late_before(REGISTRY, now)))
    assert counted == {"north": 1, "quick": 1, "gone": 1}
    assert enter_by(REGISTRY, "quick", State.MANUAL, now) == now + QUICK
    assert enter_by(REGISTRY, "quick", State.PARKED, now) is None


@pytest.mark.fault("F66")
async def test_late_ones_come_first_and_then_the_longest_waiting(world: World) -> None:
    now, day = world.clock.now(), timedelta(days=1)
    fresh = await owe(world, created_at=now)
    late = await owe(world, created_at=now - 3 * day)
    newer = await owe(world, created_at=now)
    quick = await owe(world, "quick", created_at=now - QUICK - day / 24)
    await owe(world, state=State.PARKED, created_at=now - 3 * day)
    cut = late_before(REGISTRY, now)

    async def listed(window: Window, **work: Loose) -> list[str]:
        return [row.id for row in await world.store.read(lambda s: entries(s, OPERATOR, window, Work(cut, **work)))]

    assert await listed(Window()) == [late, quick, fresh, newer]
    assert await listed(Window(), late_only=True) == [late, quick]
    assert await listed(Window(), system="north") == [late, fresh, newer]
    for place, one in enumerate([late, quick, fresh]):
        assert await listed(Window(2, one)) == [late, quick, fresh, newer][place + 1 : place + 3]


@pytest.mark.fault("F66")
async def test_one_reminder_for_each_to_the_owner_until_it_ends(world: World) -> None:
    one, gone = await owe(world, "quick"), await owe(world, "gone")
    assert await pressed(world) == []
    world.clock.tick(hours=5)
    assert await pressed(world) == [one]
    assert await pressed(world) == []
    world.clock.tick(days=2)
    assert await pressed(world) == [gone]
    kept = await reminders(world.store)
    assert {row.department for row in kept.values()} == {"quick-office", ""}
    assert [(did, what, why) for _, did, what, why in await world.journal()] == [
        ("delivery.reminded", one, "quick-office"), ("delivery.reminded", gone, ""),
    ]  # fmt: skip
    await world.store.write(lambda s: confirm(s, one, world.deed(), "S-1"))
    kept = await reminders(world.store)
    assert (kept[one].closed_at, kept[gone].closed_at) == (world.clock.now(), None)
    assert await pressed(world) == []


async def test_all_that_press_at_once_remind_once(world: World) -> None:
    made = [await owe(world) for _ in range(7)]
    world.clock.tick(days=3)
    found = await asyncio.gather(*(pressed(world) for _ in range(6)))
    assert sorted(one for part in found for one in part) == sorted(made)
    assert len(await world.journal()) == len(await reminders(world.store)) == 7


@pytest.mark.fault("F66")
async def test_the_worker_s_job_presses_for_all_however_many(world: World, tmp_path: Path) -> None:
    made = await world.owe(AT_ONCE + 1, state=State.MANUAL, due_at=None)
    world.clock.tick(days=3)
    pulls = Pulls(world.store, world.clock, REGISTRY, {}, files()[0])
    await Worker(Engine(world.store, world.clock, {}), pulls, world.clock, tmp_path)._press()
    assert set(await reminders(world.store)) == set(made)


async def test_what_ended_unseen_is_pressed_for_no_more(world: World) -> None:
    one = await owe(world)
    world.clock.tick(days=3)
    await pressed(world)
    await world.store.write(lambda s: deliveries.move(s, one, State.MANUAL, state=State.CANCELLED))
    await pressed(world)
    assert (await reminders(world.store))[one].closed_at == world.clock.now()


async def test_a_correction_ends_the_reminder_of_what_it_replaces(store: Store, clock: HandClock) -> None:
    county = await Real(store, clock).settle()
    first = await county.submit(visit())
    await county.put(await county.delivery("files", "visit"), state=State.DELIVERED, remote_id="F-7", due_at=None)
    await county.correct(first, visit(answers={"visit.purpose": "safety"}))
    clock.tick(days=3)
    ((late, _),) = await store.write(lambda s: press(s, county.registry, clock.now()))
    assert (await reminders(store))[late].department == "agriculture-rural-bureau"
    await county.correct(first, visit(answers={"visit.purpose": "mediation"}))
    assert (await reminders(store))[late].closed_at == clock.now()


async def test_takes_that_ran_out_are_forgotten(world: World) -> None:
    one = await owe(world)
    await world.store.write(lambda s: take(s, one, world.author, world.clock.now()))
    await pressed(world)
    assert len(await world.store.read(lambda s: s.connection().exec_driver_sql("SELECT * FROM take").all())) == 1
    world.clock.tick(hours=1)
    await pressed(world)
    assert await world.store.read(lambda s: s.connection().exec_driver_sql("SELECT * FROM take").all()) == []


@pytest.mark.fault("F42")
async def test_a_clock_that_is_ahead_for_a_minute_reminds_nobody_early(world: World) -> None:
    """One reminder for each: one that came a year early would be the only one."""
    one = await owe(world)
    engine = world.engine()
    await engine._turn()
    world.clock.at += timedelta(days=365)
    await engine._turn()

    async def press_now() -> list[str]:
        ago = engine.recovery.ago
        return [
            late.delivery_id for late in await world.store.write(lambda s: press(s, REGISTRY, world.clock.now(), ago))
        ]

    assert await press_now() == []
    world.clock.tick(days=3)
    assert await press_now() == [one]


@pytest.mark.fault("F42")
async def test_one_made_while_the_clock_was_ahead_is_late_now_and_not_in_a_year(world: World) -> None:
    one = await owe(world, created_at=world.clock.now() + timedelta(days=365))
    await owe(world, created_at=world.clock.now() + timedelta(seconds=2))
    assert await pressed(world) == [one]
