"""A no nobody can be sure of: what is paused, what is asked, what is left to a person; never sent blindly (F82)."""

import asyncio
from datetime import timedelta

import pytest

from hub.model import JournalEntry
from hub.model.delivery import State
from hub.model.system import Breaker
from hub.outbox.hand import cancel, confirm, replay
from hub.outbox.upkeep.resume import check_paused, resume
from hub.sdk import Capabilities, Misconfigured, Receipt, Refused, Unavailable
from tests.builders import HONOURS, LATER, NEITHER, PROBES, Loose, World

pytestmark = [pytest.mark.case("C60"), pytest.mark.fault("F82")]
MAYBE = {"certain": False}


def not_let_in() -> Misconfigured:
    return Misconfigured("HTTP 403", certain=False)


async def checked(world: World, **later: float) -> list[str]:
    """Let the worker look at what is paused, some time from now, and do what is due."""
    world.clock.tick(**later)
    engine = world.engine()
    ended = await check_paused(engine)
    await engine.drain()
    return ended


async def test_keyless_and_mute_it_is_left_to_a_person_and_the_pause_with_it(world: World) -> None:
    world.use(NEITHER, in_flight=1).on_push = [not_let_in()]
    one, other = await world.owe(2)
    await world.drain(seconds=5)
    row = await world.get(one)
    assert (row.state, row.due_at, row.repeat, row.attempts) == (State.UNKNOWN, None, True, 1)
    state = await world.health()
    assert (state.paused_reason, state.paused_by) == ("HTTP 403", one)
    for _ in range(20):
        assert await checked(world, minutes=5) == []
    assert (len(world.north.pushed), world.north.checked) == (1, 20)
    await world.store.write(lambda s: confirm(s, one, world.deed(), "S-1"))
    assert await checked(world, minutes=5) == ["north"]
    assert (await world.get(other)).state == State.DELIVERED
    assert len(world.north.pushed) == 2


async def test_asked_about_it_is_known_and_the_next_one_goes_alone(world: World) -> None:
    """What its check cannot see may still be wrong: then it is one more Delivery, not as many as fit."""
    world.use(PROBES, in_flight=1).on_push = [not_let_in()]
    one, *others = await world.owe(5)
    await world.drain()
    world.use(PROBES, in_flight=4).on_push = [not_let_in()]
    world.north.on_probe = [Receipt("N-7")]
    assert await checked(world, minutes=5) == ["north"]
    row = await world.get(one)
    assert (row.state, row.remote_id) == (State.DELIVERED, "N-7")
    assert len(world.north.pushed) == 1
    states = await world.states()
    assert sorted(states[one] for one in others) == [State.UNKNOWN, *[State.WAITING] * 3]
    world.north.on_probe = [Receipt("N-8")]
    assert await checked(world, minutes=5) == ["north"]
    await world.drain(seconds=1)
    assert set((await world.states()).values()) == {State.DELIVERED}
    assert (await world.health()).breaker == Breaker.CLOSED


async def test_never_there_it_is_sent_alone_ever_more_rarely_and_given_up_in_the_end(world: World) -> None:
    """The case itself: what was told 303 went again every five minutes, for ever, and nobody counted."""
    world.use(PROBES, in_flight=1).always = not_let_in()
    one, other = await world.owe(2)
    await world.drain()
    for _ in range(12 * 8):
        assert await checked(world, minutes=5) == []
    assert 4 <= len(world.north.pushed) <= 8
    row = await world.get(one)
    assert (row.state, row.repeat) == (State.UNKNOWN, True)
    assert row.attempts == len([sent for sent in world.north.pushed if sent.key == row.key])
    for _ in range(2 * 17):
        await checked(world, hours=12)
    assert [(await world.get(each)).state for each in (one, other)] == [State.PARKED, State.PARKED]
    assert len(world.north.pushed) < 80


async def test_where_keys_are_honoured_the_same_push_shows_whether_it_is_mended(world: World) -> None:
    world.use(HONOURS, in_flight=1).on_push = [not_let_in(), not_let_in(), Receipt("N-1")]
    one, other = await world.owe(2)
    await world.drain()
    row = await world.get(one)
    assert (row.state, row.repeat, row.attempts) == (State.RETRY, True, 1)
    assert await checked(world, minutes=5) == []
    assert ((await world.health()).failures, (await world.get(one)).attempts) == (1, 2)
    assert await checked(world, minutes=4) == []
    assert world.north.checked == 1, "it has just been tried"
    assert await checked(world, minutes=1) == ["north"]
    assert [sent.key for sent in world.north.pushed[:3]] == [row.key] * 3
    assert (await world.get(other)).state == State.DELIVERED
    entries = await world.all(JournalEntry, JournalEntry.action == "system.resumed")
    assert [(entry.subject, entry.why) for entry in entries] == [
        ("north", "the push that began the pause was answered")
    ]


async def test_a_sure_no_spends_nothing_but_does_not_end_by_a_read_alone_either(world: World) -> None:
    """Reading may be allowed where writing is not: then the pause stays, and does not flap."""
    world.use(HONOURS, in_flight=1).on_push = [Misconfigured("no right to write")] * 3
    (one,) = await world.owe()
    await world.drain()
    for minutes in (5, 5, 5):
        assert await checked(world, minutes=minutes) == []
    assert (await world.health()).paused_reason == "no right to write"
    assert ((await world.get(one)).attempts, len(world.north.pushed)) == (0, 3)
    assert await checked(world, minutes=10) == ["north"]
    assert (await world.get(one)).state == State.DELIVERED


async def test_a_pause_that_began_with_a_probe_ends_by_the_check(world: World) -> None:
    world.use(LATER).on_push = [Receipt("B-1", accepted=False)]
    (one,) = await world.owe()
    await world.drain()
    world.north.on_probe = [Misconfigured("401"), Receipt("N-1")]
    await world.drain(seconds=2)
    assert (await world.health()).paused_by is None
    assert await checked(world, minutes=5) == ["north"]
    assert (await world.get(one)).state == State.DELIVERED


@pytest.mark.parametrize("end", ["cancel", "replay", "resume"])
async def test_a_person_may_end_it_any_way(world: World, end: str) -> None:
    world.use(NEITHER).on_push = [not_let_in()]
    (one,) = await world.owe()
    await world.drain()
    if end == "cancel":
        await world.store.write(lambda s: cancel(s, one, world.deed()))
    elif end == "replay":
        assert await world.store.write(lambda s: replay(s, [one], world.deed())) == [one]
    else:
        await world.store.write(lambda s: resume(s, "north", world.deed()))
        assert (await world.health()).paused_by is None
    ended = await checked(world, minutes=5)
    assert ended == ([] if end == "resume" else ["north"])
    row = await world.get(one)
    expected = {"cancel": State.CANCELLED, "replay": State.DELIVERED, "resume": State.UNKNOWN}[end]
    assert (row.state, len(world.north.pushed)) == (expected, 2 if end == "replay" else 1)


async def test_what_was_erased_or_waits_for_nothing_more_holds_no_pause(world: World) -> None:
    world.use(HONOURS).on_push = [Misconfigured("401")]
    (one,) = await world.owe()
    await world.drain()

    def erase(session: Loose) -> None:
        for table in ("attempt", "delivery"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")

    await world.store.write(erase)
    assert await checked(world, minutes=5) == ["north"]
    assert one not in await world.states()


async def test_a_new_pause_is_not_ended_by_a_look_at_the_old_one(world: World) -> None:
    """Between the look and the end somebody resumed, and another push was turned away."""
    world.use(LATER).on_push = [Receipt("B-1", accepted=False)]
    await world.owe()
    await world.drain()
    world.north.on_probe = [Misconfigured("old")]
    await world.drain(seconds=2)

    async def meanwhile() -> str:
        await world.store.write(lambda s: resume(s, "north", world.deed()))
        world.north.on_push, world.north.on_probe = [not_let_in()], [Receipt("")]
        await world.owe()
        await world.drain(seconds=1)
        return "here"

    world.north.on_check = [meanwhile]
    assert await check_paused(world.engine()) == []
    assert (await world.health()).paused_reason == "HTTP 403"


async def test_one_system_that_hangs_keeps_no_other_paused(world: World) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    for name in ("north", "south"):
        world.use(HONOURS, name, answer_s=0.05).on_push = [Misconfigured("401")]
        await world.owe(1, name)
    await world.drain()
    world.north.on_push = [never]
    assert await checked(world, minutes=5) == ["south"]


@pytest.mark.parametrize("can", [HONOURS, NEITHER])
async def test_a_doubtful_no_that_nobody_can_ask_about_is_a_persons(world: World, can: Capabilities) -> None:
    world.use(can).on_push = [Refused("HTTP 404", code="404", **MAYBE)]
    (first,) = await world.owe()
    second = await world.next_revision(first)
    await world.drain()
    await world.drain(days=40)
    row = await world.get(first)
    assert (row.state, row.due_at, row.repeat, row.reason) == (State.UNKNOWN, None, True, "[404] HTTP 404")
    assert (await world.get(second)).state == State.WAITING, "made anew it could be there twice"
    assert (len(world.north.pushed), (await world.health()).paused_reason) == (1, "")


@pytest.mark.parametrize("there", [True, False])
async def test_a_doubtful_no_is_asked_about_before_it_is_believed(world: World, there: bool) -> None:
    world.use(PROBES).on_push = [Refused("no such house", code="404", **MAYBE)]
    world.north.on_probe = [Unavailable("503"), Receipt("N-1") if there else None]
    (first,) = await world.owe()
    second = await world.next_revision(first)
    await world.drain()
    assert (await world.get(first)).state == State.UNKNOWN
    await world.drain(minutes=20)
    await world.drain(minutes=20)
    rows = [await world.get(one) for one in (first, second)]
    if there:
        assert [(row.state, row.remote_id) for row in rows] == [(State.DELIVERED, "N-1"), (State.DELIVERED, "N-2")]
        assert [(sent.intent, sent.amends) for sent in world.north.pushed] == [("create", ""), ("amend", "N-1")]
    else:
        assert [row.state for row in rows] == [State.CANCELLED, State.DELIVERED]
        assert rows[0].reason == "superseded: [404] no such house"
        assert [sent.intent for sent in world.north.pushed] == ["create", "create"]


async def test_when_to_come_back_is_heeded_though_nobody_is_sure_who_said_it(world: World) -> None:
    asked = Unavailable("429", timedelta(minutes=10), **MAYBE)
    for name, can, state in (("north", HONOURS, State.RETRY), ("south", PROBES, State.UNKNOWN)):
        world.use(can, name).on_push = [asked]
        (one,) = await world.owe(1, name)
        await world.drain()
        row = await world.get(one)
        assert (row.state, row.repeat) == (state, True)
        assert timedelta(minutes=10) <= row.due_at - world.clock.now() <= timedelta(minutes=15)
