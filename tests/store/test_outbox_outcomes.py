"""What every kind of answer does to a Delivery, told end to end on both databases (D3-D6, D10)."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from hub.model import JournalEntry
from hub.model.delivery import State
from hub.model.system import Breaker
from hub.outbox.upkeep.resume import check_paused, resume
from hub.sdk import Misconfigured, Receipt, Refused, Unavailable
from hub.sdk.errors import Unanswered
from tests.builders import HONOURS, LATER, NEITHER, PROBES, Loose, World


async def never() -> None:
    await asyncio.Event().wait()


async def test_one_delivery_is_sent_once_and_remembered_with_what_the_system_said(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Receipt("N-7", message="saved", answer='{"code":0}')]
    await world.drain()
    await world.drain(days=20)
    row, sent = await world.get(one), world.north.pushed
    assert [(s.key, s.payload, s.intent, s.attempt) for s in sent] == [(row.key, row.payload, "create", 1)]
    assert (row.state, row.remote_id, row.reason, row.attempts) == (State.DELIVERED, "N-7", "saved", 1)
    assert (row.due_at, row.lease_token, row.leased_until, row.repeat) == (None, None, None, False)
    assert row.settled_at == world.clock.now() - timedelta(days=20)
    (attempt,) = await world.attempts(one)
    assert (attempt.kind, attempt.number, attempt.outcome, attempt.answer) == ("push", 1, "accepted", '{"code":0}')
    assert attempt.ended_at == row.settled_at
    assert (await world.health()).last_success_at == row.settled_at


async def test_a_system_that_is_away_gets_the_same_bytes_and_key_later(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Unavailable("503"), Unavailable("503"), Receipt("N-1")]
    await world.drain()
    row = await world.get(one)
    wait = row.due_at - world.clock.now()
    assert (row.state, row.reason, row.attempts, row.repeat) == (State.RETRY, "503", 1, False)
    assert timedelta(seconds=1) <= wait <= timedelta(seconds=1.5)
    await world.drain()
    assert len(world.north.pushed) == 1
    await world.drain(seconds=1.5)
    assert (await world.get(one)).attempts == 2
    await world.drain(seconds=3)
    row, sent = await world.get(one), world.north.pushed
    assert row.state == State.DELIVERED
    assert {(s.key, s.payload) for s in sent} == {(row.key, row.payload)}
    assert [s.attempt for s in sent] == [1, 2, 3]
    assert [a.outcome for a in await world.attempts(one)] == ["unavailable", "unavailable", "accepted"]


@pytest.mark.fault("F48")
@pytest.mark.parametrize(("asked_s", "least_s"), [(-1, 1), (120, 120), (10**9, 86_400)])
async def test_retry_after_is_honoured_and_clamped(world: World, asked_s: int, least_s: int) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Unavailable("429", timedelta(seconds=asked_s))]
    await world.drain()
    wait = (await world.get(one)).due_at - world.clock.now()
    assert least_s <= wait.total_seconds() <= least_s * 1.5


@pytest.mark.fault("F46")
async def test_a_refusal_parks_at_once_with_the_systems_words(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Refused("该河段不归你管", code="4022")]
    await world.drain()
    await world.drain(days=30)
    row = await world.get(one)
    assert (row.state, row.reason) == (State.PARKED, "[4022] 该河段不归你管")
    assert len(world.north.pushed) == 1
    assert row.settled_at is not None
    assert (await world.health()).breaker == Breaker.CLOSED


@pytest.mark.fault("F47")
async def test_wrong_credentials_pause_the_system_and_spend_no_attempt(world: World) -> None:
    ids = await world.owe(3)
    world.use(HONOURS, in_flight=1).always = Misconfigured("password expired")
    await world.drain()
    rows = [await world.get(one) for one in ids]
    assert [(row.state, row.attempts) for row in rows] == [(State.WAITING, 0)] * 3
    state = await world.health()
    assert (state.paused_reason, state.paused_at) == ("password expired", world.clock.now())
    await world.drain(days=30)
    assert len(world.north.pushed) == 1
    world.north.always = None
    await world.store.write(lambda s: resume(s, "north", world.deed()))
    await world.drain()
    assert set((await world.states()).values()) == {State.DELIVERED}
    assert (world.author.id, "system.resumed", "north", "mended there") in await world.journal()


async def test_a_pause_without_a_reason_holds_too_and_keeps_its_first_time(world: World) -> None:
    await world.owe(2)
    world.use(HONOURS, in_flight=2).always = Misconfigured("")
    began = world.clock.now()
    await world.drain()
    await world.drain(minutes=1)
    assert len(world.north.pushed) == 2
    state = await world.health()
    assert (bool(state.paused_reason), state.paused_at) == (True, began)


async def test_a_system_that_is_not_paused_cannot_be_resumed(world: World) -> None:
    for system in ("north", "never heard of"):
        with pytest.raises(Exception, match=r"system\.not_paused"):
            await world.store.write(lambda s, name=system: resume(s, name, world.deed()))  # type: ignore[misc]  # default binds
    assert await world.journal() == []


@pytest.mark.fault("F47")
async def test_a_paused_system_resumes_by_its_own_check(world: World) -> None:
    await world.owe(1)
    await world.owe(1, "south")
    await world.owe(1, "gone")
    for name in ("north", "south", "gone"):
        world.use(HONOURS, name, answer_s=0.03).on_push = [Misconfigured("password expired")]
    await world.drain()
    del world.lines["gone"]
    engine = world.engine()
    world.north.on_check = [Misconfigured("still wrong"), Unavailable("away"), RuntimeError("a bug"), never]
    world.systems["south"].on_check = [Unavailable("away")] * 3
    for _ in range(3):
        assert await check_paused(engine) == []
    assert await check_paused(engine) == ["south"]  # north's check hangs and does not keep the others
    assert await check_paused(engine) == ["north"]
    await engine.drain()
    assert [len(world.systems[name].pushed) for name in ("north", "south", "gone")] == [2, 2, 1]
    entries = await world.all(JournalEntry, JournalEntry.action == "system.resumed")
    assert [(entry.subject, entry.account_id) for entry in entries] == [("south", ""), ("north", "")]


async def test_an_unanswered_push_is_repeated_and_marked_where_the_key_is_honoured(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Unanswered("cut off after 12 bytes")]
    await world.drain()
    row = await world.get(one)
    assert (row.state, row.repeat, row.attempts) == (State.RETRY, True, 1)
    await world.drain(seconds=2)
    assert [(s.key, s.attempt) for s in world.north.pushed] == [(row.key, 1), (row.key, 2)]
    assert (await world.get(one)).repeat is True


@pytest.mark.parametrize("silence", [Unanswered("cut off"), never, ValueError("a connector's bug")])
async def test_a_push_that_may_have_arrived_is_never_sent_blindly(world: World, silence: Loose) -> None:
    world.use(NEITHER, answer_s=0.02).on_push = [silence]
    (one,) = await world.owe()
    await world.drain()
    await world.drain(days=40)
    row = await world.get(one)
    assert (row.state, row.due_at, row.repeat, len(world.north.pushed)) == (State.UNKNOWN, None, True, 1)
    assert world.north.probed == []


async def test_an_unknown_one_that_a_probe_finds_is_delivered(world: World) -> None:
    world.use(PROBES).on_push = [Unanswered("cut off")]
    world.north.on_probe = [Unanswered("again"), Unavailable("503"), Receipt("N-9")]
    (one,) = await world.owe()
    await world.drain()
    assert (await world.get(one)).state == State.UNKNOWN
    waits = []
    for _ in range(2):
        await world.drain(minutes=20)
        row = await world.get(one)
        assert (row.state, row.attempts) == (State.UNKNOWN, 1)
        waits.append(row.due_at - world.clock.now())
    assert waits == [timedelta(minutes=5), timedelta(minutes=10)]
    await world.drain(minutes=20)
    row = await world.get(one)
    assert (row.state, row.remote_id, len(world.north.pushed)) == (State.DELIVERED, "N-9", 1)
    assert world.north.probed == [row.key] * 3
    assert [a.kind for a in await world.attempts(one)] == ["push", "probe", "probe", "probe"]


async def test_an_unknown_one_that_certainly_never_arrived_is_sent_again(world: World) -> None:
    world.use(PROBES).on_push = [Unanswered("cut off"), Receipt("N-2")]
    (one,) = await world.owe()
    await world.drain()
    await world.drain(seconds=3)
    row = await world.get(one)
    assert (row.state, row.remote_id, len(world.north.probed)) == (State.DELIVERED, "N-2", 1)
    assert [(s.key, s.payload) for s in world.north.pushed] == [(row.key, row.payload)] * 2


async def test_a_system_that_answers_later_is_looked_at_ever_more_rarely(world: World) -> None:
    world.use(LATER).on_push = [Receipt("B-1", accepted=False)]
    (one,) = await world.owe()
    await world.drain()
    row = await world.get(one)
    began = world.clock.now()
    assert (row.state, row.transported_at, row.settled_at) == (State.TRANSPORTED, began, None)
    undecided = Receipt("", accepted=False)
    looks = []
    for _ in range(40):
        world.north.on_probe = [undecided]
        world.clock.at = (await world.get(one)).due_at
        looks.append(world.clock.now() - began)
        await world.engine().drain()
    gaps = [later - sooner for sooner, later in pairwise(looks)]
    assert looks[0] == timedelta(seconds=2)
    assert gaps == sorted(gaps)
    assert gaps[-1] == timedelta(minutes=10)
    world.north.on_probe = [Receipt("", message="ok")]
    await world.drain(minutes=10)
    row = await world.get(one)
    assert (row.state, row.remote_id, row.transported_at) == (State.DELIVERED, "B-1", began)
    assert len(world.north.pushed) == 1


async def test_a_later_verdict_may_be_no_or_that_it_never_came(world: World) -> None:
    world.use(LATER).always = Receipt("B-1", accepted=False)
    refused, absent = await world.owe(2)
    await world.drain()
    keys = {(await world.get(refused)).key: Refused("行 3：户编码不存在"), (await world.get(absent)).key: None}

    async def verdict() -> Receipt | None:
        word = keys[world.north.probed[-1]]
        if word is not None:
            raise word
        return None

    world.north.on_probe = [verdict, verdict]
    world.lines["north"] = type(world.lines["north"])(world.north, 1, 1_000, timedelta(seconds=5))
    await world.drain(seconds=2)
    row = await world.get(refused)
    assert (row.state, row.reason) == (State.PARKED, "行 3：户编码不存在")
    assert (await world.get(absent)).state == State.TRANSPORTED
    assert len(world.north.pushed) == 3


async def test_patience_ends_after_fifteen_days_and_a_replay_renews_it(world: World) -> None:
    (one,) = await world.owe()
    world.north.always = Unavailable("connection refused")
    await world.drain(days=14, hours=23)
    assert (await world.get(one)).state == State.RETRY
    await world.drain(hours=2)
    row = await world.get(one)
    assert (row.state, row.due_at, row.reason) == (State.PARKED, None, "connection refused")


async def test_a_number_is_kept_when_a_later_answer_gives_none(world: World) -> None:
    world.use(LATER).on_push = [Receipt("B-77", accepted=False)]
    world.north.on_probe = [Receipt("", accepted=True)]
    (one,) = await world.owe()
    await world.drain()
    await world.drain(seconds=2)
    assert (await world.get(one)).remote_id == "B-77"


async def test_words_a_database_refuses_do_not_undo_a_delivery(world: World) -> None:
    (one,) = await world.owe()
    world.north.on_push = [Receipt("N\0-1", message="\ud800", answer="\0")]
    await world.drain()
    assert (await world.get(one)).state == State.DELIVERED


async def test_every_delivery_is_in_exactly_one_named_state_at_every_moment(world: World) -> None:
    """D3: the sum never changes."""
    ids = await world.owe(40)
    world.use(PROBES, in_flight=40)
    world.north.on_push = [Refused("no"), Unavailable("503"), Unanswered("cut"), Receipt("B", accepted=False)] * 10
    for hours in (0, 1, 24, 24 * 20, 24 * 20):
        await world.drain(hours=hours)
        states = await world.states()
        assert set(states) == set(ids)
        assert State.LEASED not in states.values()
    counted = {state: list(states.values()).count(state) for state in set(states.values())}
    assert counted == {State.PARKED: 10, State.DELIVERED: 30}
