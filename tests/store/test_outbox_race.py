"""Many processes on one database: nothing is claimed twice, nothing is left, nobody passes anybody (F40 in small)."""

import asyncio
import threading
from collections import Counter

import pytest
from sqlalchemy import text

from hub.intake.order import queue_behind
from hub.model.delivery import State
from hub.outbox.release import release
from hub.store import Session, open_store
from hub.store.query import deliveries
from tests.builders import AT, FakeSystem, Loose, World, delivery, line, record, submission
from tests.conftest import HandClock

ROWS = 500


async def dispatch(url: str, sent: list[str], start: threading.Barrier) -> None:
    """Be a worker process: an own store, an own engine, an own connector."""
    store = open_store(url, "relaxed")
    system = FakeSystem()
    world = World(store, HandClock())
    world.systems["north"], world.lines["north"] = system, line(system, in_flight=20, per_second=10_000)
    start.wait()
    for _ in range(3):
        await world.engine().drain()
    sent += [one.key for one in system.pushed]
    await store.close()


def run(url: str, sent: list[str], start: threading.Barrier) -> None:
    asyncio.run(dispatch(url, sent, start))


@pytest.mark.fault("F40")
async def test_four_dispatchers_on_one_database_never_send_twice(world: World, database_url: str) -> None:
    await world.owe(ROWS)
    many = 4 if world.store.writing.dialect.name == "postgresql" else 1
    sent: list[list[str]] = [[] for _ in range(many)]
    if many == 1:
        world.lines["north"] = line(world.north, in_flight=20, per_second=10_000)
        await world.drain()
        sent[0] = [one.key for one in world.north.pushed]
    else:
        start = threading.Barrier(many)
        await asyncio.gather(*(asyncio.to_thread(run, database_url, mine, start) for mine in sent))
    times = Counter(key for mine in sent for key in mine)
    assert (len(times), set(times.values())) == (ROWS, {1})
    assert Counter((await world.states()).values()) == {State.DELIVERED: ROWS}
    assert sum(bool(mine) for mine in sent) == many
    health = await world.health()
    assert (health.failures, health.last_success_at) == (0, AT)


@pytest.mark.case("C61")
@pytest.mark.fault("F83")
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_that_queue_at_once_stand_one_behind_the_other(world: World) -> None:
    """Both looked whose turn it is before either was written, and both went at once."""
    await world.owe()
    sub = submission(world.author)
    records = [record(sub) for _ in range(2)]
    made = [delivery(of, world.author, order_key="north/patrol:river-1") for of in records]
    await world.add([sub], records)
    looked, may_end = threading.Event(), threading.Event()

    def queue(row: Loose, wait: bool) -> str | None:
        with Session(world.store.writing) as session:
            values = {"id": row.id, "order_key": row.order_key, "due_at": row.due_at, "after_id": None}
            queue_behind(session, [values])
            if wait:
                looked.set()
                may_end.wait(20)
            row.sqlmodel_update({"due_at": values["due_at"], "after_id": values["after_id"]})
            session.add(row)
            session.commit()
            return values["after_id"]

    first = asyncio.create_task(asyncio.to_thread(queue, made[0], True))
    await asyncio.to_thread(looked.wait, 20)
    first_id, second = made[0].id, asyncio.create_task(asyncio.to_thread(queue, made[1], False))
    await asyncio.sleep(0.3)
    assert not second.done(), "it looks when the first one is there"
    may_end.set()
    assert (await first, await second) == (None, first_id)


@pytest.mark.case("C61")
@pytest.mark.fault("F83")
async def test_what_is_sent_again_since_somebody_looked_lets_nobody_pass(world: World) -> None:
    """It had ended, with one behind it nobody let go; now it is on its way again, and that one waits for it."""
    (first,) = await world.owe(replayed_at=world.clock.now(), attempts=1)
    behind = await world.next_revision(first)
    looked = {first: State.DELIVERED}
    assert await world.store.write(lambda s: release(s, looked, world.clock.now())) == {}
    row = await world.get(behind)
    assert (row.state, row.after_id, row.due_at) == (State.WAITING, first, None)
    await world.drain()
    assert [(sent.intent, sent.amends) for sent in world.north.pushed] == [("create", ""), ("amend", "N-1")]


@pytest.mark.case("C61")
@pytest.mark.fault("F83")
async def test_who_was_put_behind_another_meanwhile_is_not_let_go(world: World) -> None:
    (ended,) = await world.owe(state=State.DELIVERED, attempts=1, due_at=None)
    (ahead,) = await world.owe(1)
    (follower,) = await world.owe(1, after_id=ended, due_at=None)

    def write(session: Session) -> bool:
        row = deliveries.by_ids(session, [follower])[0]
        session.expunge(row)
        deliveries.move(session, follower, State.WAITING, after_id=ahead)
        return deliveries.move_behind(session, row, after_id=None, due_at=world.clock.now())

    assert not await world.store.write(write)
    assert (await world.get(follower)).after_id == ahead


@pytest.mark.case("C61")
@pytest.mark.fault("F83")
async def test_a_withdrawal_that_was_put_behind_another_meanwhile_is_not_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ended,) = await world.owe(state=State.CANCELLED, attempts=1, due_at=None)
    (ahead,) = await world.owe(1)
    follower = await world.next_revision(ended)
    await world.store.write(lambda s: deliveries.move(s, follower, State.WAITING, intent="withdraw"))
    by_ids = deliveries.by_ids

    def moved_meanwhile(session: Session, ids: list[str]) -> list[Loose]:
        session.connection().execute(
            text("UPDATE delivery SET after_id = :a WHERE id = :f"), {"a": ahead, "f": follower}
        )
        return list(by_ids(session, ids))

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "by_ids", moved_meanwhile)
        looked = {ended: State.CANCELLED}
        released = await world.store.write(lambda s: release(s, looked, world.clock.now()))
    assert released == {ended: ()}
    row = await world.get(follower)
    assert (row.state, row.after_id) == (State.WAITING, ahead)
