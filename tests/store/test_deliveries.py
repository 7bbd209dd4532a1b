"""Queries over Deliveries that other stages lean on."""

from datetime import timedelta

from sqlalchemy import text

from hub.model.delivery import State
from hub.model.system import Pull, PullOutcome
from hub.store import Session
from hub.store.query import deliveries, leases, systems
from tests.builders import World


async def test_only_what_is_due_is_found_oldest_first_and_never_more_than_asked(world: World) -> None:
    now = world.clock.now()
    late, later = await world.owe(due_at=now - timedelta(minutes=1)), await world.owe(due_at=now)
    await world.owe(due_at=now + timedelta(seconds=1))
    await world.owe(1, "south", due_at=now)
    await world.owe(1, "east", due_at=None, state=State.PARKED)
    found = await world.store.write(lambda s: leases.due(s, "north", now, 9))
    assert [row["id"] for row in found] == [*late, *later]
    assert [row["id"] for row in await world.store.write(lambda s: leases.due(s, "north", now, 1))] == late
    assert set(await world.store.read(lambda s: leases.systems_with_due(s, now))) == {"north", "south"}


async def test_a_move_happens_only_from_the_state_it_was_meant_for(world: World) -> None:
    (one,) = await world.owe()
    gone = {"state": State.CANCELLED, "settled_at": world.clock.now()}
    assert not await world.store.write(lambda s: deliveries.move(s, one, State.RETRY, **gone))
    assert await world.store.write(lambda s: deliveries.move(s, one, State.WAITING, **gone))
    assert not await world.store.write(lambda s: deliveries.move(s, one, State.WAITING, **gone))


async def test_the_newest_of_each_flow_that_was_not_cancelled(world: World) -> None:
    (first,) = await world.owe()
    second = await world.next_revision(first)
    cancelled = await world.next_revision(second, state=State.CANCELLED)
    key = (await world.get(first)).record_key
    found = await world.store.write(lambda s: deliveries.latest_per_flow(s, [key, "other"]))
    assert {place: row.id for place, row in found.items()} == {(key, "north", "visit"): second}
    assert cancelled not in {row.id for row in found.values()}


async def test_the_last_in_an_order_is_the_one_made_last_though_all_were_made_at_once(world: World) -> None:
    ids = await world.owe(50, order_key="river-1")
    await world.owe(1, order_key="river-2", state=State.DELIVERED)
    found = await world.store.read(lambda s: deliveries.last_in_order(s, ["river-1", "river-2"]))
    assert found == {"river-1": ids[-1]}


async def test_what_is_stranded_is_only_what_nothing_will_ever_release(world: World) -> None:
    states = (State.DELIVERED, State.CANCELLED, State.PARKED, State.WAITING, State.UNKNOWN)
    ids = {state: (await world.owe(state=state))[0] for state in states}
    for first in ids.values():
        await world.owe(after_id=first, due_at=None)
    ended = {ids[State.DELIVERED]: State.DELIVERED, ids[State.CANCELLED]: State.CANCELLED}
    assert await world.store.read(deliveries.stranded) == ended
    await world.next_revision(ids[State.PARKED])
    assert await world.store.read(deliveries.stranded) == {**ended, ids[State.PARKED]: State.PARKED}


async def test_a_system_never_heard_of_is_remembered_once(world: World) -> None:
    found = await world.store.write(lambda s: sorted(systems.states(s, ["b", "a", "a"])))
    assert found == ["a", "b"]
    again = await world.store.write(lambda s: {name: row.failures for name, row in systems.states(s, "abc").items()})
    assert again == {"a": 0, "b": 0, "c": 0}
    assert sorted(await world.store.read(systems.all_states)) == ["a", "b", "c"]
    assert await world.store.write(lambda s: systems.states(s, [])) == {}


async def test_a_state_changed_behind_the_sessions_back_is_read_anew(world: World) -> None:
    """Writes of one group share a session."""
    (one,) = await world.owe()

    def change(session: Session) -> tuple[str, str, bool]:
        row, state = deliveries.by_ids(session, [one])[0], systems.states(session, ["north"])["north"]
        state.paused_reason = "wrong"
        session.flush()
        session.connection().execute(text("UPDATE system_state SET paused_reason = ''"))
        deliveries.move(session, one, State.WAITING, state=State.CANCELLED)
        again, mended = deliveries.by_ids(session, [one])[0], systems.states(session, ["north"])["north"]
        return again.state, mended.paused_reason, row is again

    assert await world.store.write(change) == (State.CANCELLED, "", True)
    assert await world.store.read(systems.paused) == []


async def test_pulls_are_remembered_by_their_newest_run_and_stale_ones_are_lost(world: World) -> None:
    now = world.clock.now()
    runs = [
        Pull(system="north", name="households", slot_at=at, started_at=at, outcome=outcome)
        for at, outcome in ((now - timedelta(days=1), PullOutcome.DONE), (now, PullOutcome.RUNNING))
    ]
    await world.add(runs)
    assert await world.store.write(lambda s: systems.lose_running(s, now, now)) == 0
    assert await world.store.write(lambda s: systems.lose_running(s, now, now + timedelta(seconds=1))) == 1
    latest = await world.store.read(lambda s: systems.latest_pull(s, "north", "households", now))
    assert latest is not None
    assert (latest.outcome, latest.ended_at) == (PullOutcome.LOST, now)
    assert latest.started_at == now
    assert await world.store.read(lambda s: systems.latest_pull(s, "north", "segments", now)) is None
    assert await world.store.read(lambda s: systems.cursor(s, "north", "households")) is None
