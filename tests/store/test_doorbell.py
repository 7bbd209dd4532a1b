"""The bell between processes: heard at the commit on PostgreSQL, needed by nobody, silent on SQLite."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from hub.errors import Problem
from hub.model.delivery import State
from hub.outbox.handover import Elsewhere
from hub.store import Store, doorbell
from tests.builders import World

END_LISTENERS = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE query = 'LISTEN hub_due' AND datname = current_database()"
)


class Listener:
    """A process that delivers, reduced to its ears."""

    def __init__(self, store: Store) -> None:
        self.heard: list[set[str]] = []
        self.task = asyncio.create_task(doorbell.listen(store.writing, self._hear))

    def _hear(self, systems: Sequence[str]) -> None:
        self.heard.append(set(systems))


async def until(happened: Callable[[], bool], again: Callable[[], None], within_s: float = 20.0) -> None:
    for _ in range(int(within_s / 0.05)):
        if happened():
            return
        again()
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was heard")


only_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_is_rung_where_there_is_but_one_process(world: World) -> None:
    written: list[object] = []
    event.listen(world.store.writing, "before_cursor_execute", lambda *seen: written.append(seen[2]))
    Elsewhere(world.store).ring(["north"])
    await world.states()
    assert not [statement for statement in written if "notify" in str(statement)]


@only_postgres
async def test_what_one_process_commits_another_hears(world: World) -> None:
    elsewhere, listener = Elsewhere(world.store), Listener(world.store)
    assert elsewhere.seat([{"id": "d", "system": "north", "due_at": None}]) == {}
    elsewhere.hand_over([], [])
    await until(lambda: bool(listener.heard), lambda: elsewhere.ring(["north", "south"]))
    assert listener.heard[0] == {"north", "south"}
    listener.task.cancel()


@only_postgres
async def test_a_listener_that_lost_its_connection_hears_again(world: World) -> None:
    elsewhere, listener = Elsewhere(world.store), Listener(world.store)
    await until(lambda: bool(listener.heard), lambda: elsewhere.ring(["north"]))
    ended = await world.store.write(lambda session: session.connection().scalar(END_LISTENERS))
    assert ended == 1
    before = len(listener.heard)
    await asyncio.sleep(0.2)
    await until(lambda: len(listener.heard) > before + 1, lambda: elsewhere.ring(["north"]))
    listener.task.cancel()


@only_postgres
async def test_names_too_long_for_one_message_mean_look_everywhere(world: World) -> None:
    listener, many = Listener(world.store), [f"system-{number:04}-{'x' * 60}" for number in range(200)]
    await until(lambda: bool(listener.heard), lambda: Elsewhere(world.store).ring(many))
    assert listener.heard[0] == set()
    listener.task.cancel()


@only_postgres
async def test_an_engine_is_woken_by_the_bell_alone(world: World) -> None:
    """Its own look comes only once an hour here."""
    engine = world.engine(poll_interval=timedelta(hours=1))
    running = asyncio.create_task(engine.run())
    ears = asyncio.create_task(doorbell.listen(world.store.writing, engine.ring))
    await asyncio.sleep(0.3)
    (delivery_id,) = await world.owe()
    elsewhere = Elsewhere(world.store)
    await until(lambda: len(world.north.pushed) == 1, lambda: elsewhere.ring(["north"]))
    await engine.stop(timedelta(seconds=5))
    await running
    ears.cancel()
    assert (await world.states())[delivery_id] == State.DELIVERED


class Mute:
    """A store whose writer ends every bell as told."""

    def __init__(self, store: Store, end: Callable[[asyncio.Future[None]], object]) -> None:
        self.writing, self.writer, self._end = store.writing, self, end

    def write_item(self, write: object, item: object) -> asyncio.Future[None]:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._end(ended)
        return ended


@only_postgres
async def test_a_bell_that_could_not_be_rung_is_said(world: World) -> None:
    full = Problem("store.full", 507)
    with capture_logs() as said:
        Elsewhere(Mute(world.store, lambda ended: ended.set_exception(full))).ring(["north"])  # type: ignore[arg-type]  # a store's two members
        Elsewhere(Mute(world.store, lambda ended: ended.cancel())).ring(["north"])  # type: ignore[arg-type]  # as above
        await asyncio.sleep(0)
    assert [(line["event"], line["kind"]) for line in said] == [("doorbell.not_rung", "Problem")]
