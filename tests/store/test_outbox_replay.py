"""What is sent again goes in its order, and never brings old content back (D9, D11)."""

import asyncio

import pytest

from hub.model.delivery import LOST_THERE, State
from hub.outbox.decide.replay import Became, Fate
from hub.outbox.hand import confirm, replay, replay_each
from hub.outbox.upkeep.look_again import look_again
from hub.sdk import Capabilities, Outgoing, Receipt, Refused, Unanswered, Unavailable
from hub.store import Session
from tests.builders import HONOURS, KEYS_WHAT_IS_NEW, NEITHER, PROBES, Loose, World

SENT = Fate(Became.SENT)
c61 = pytest.mark.case("C61")
f83 = pytest.mark.fault("F83")
c42 = pytest.mark.case("C42")


class Books:
    """What a System keeps: content by its own number, and what it was told, in order."""

    def __init__(self, world: World, can: Capabilities, **limits: Loose) -> None:
        self.world, self.can = world, can
        self.content: dict[str, bytes] = {}
        self.numbers: dict[str, str] = {}
        self.told: list[Outgoing] = []
        self.made = 0
        system = world.use(can, **limits)
        system.push = self.push  # type: ignore[method-assign]  # a System of this test
        system.probe = self.probe  # type: ignore[method-assign]  # a System of this test

    async def push(self, outgoing: Outgoing) -> Receipt:
        await asyncio.sleep(0)
        self.told.append(outgoing)
        if self.can.honours_key and outgoing.key in self.numbers:
            return Receipt(self.numbers[outgoing.key], repeated=True)
        number = outgoing.amends
        if outgoing.intent == "create":
            self.made += 1
            number = f"N-{self.made}"
        elif number not in self.content:
            raise Refused("没有这个编号", "404", missing=True)
        self.content[number] = outgoing.payload
        self.numbers[outgoing.key] = number
        return Receipt(number)

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        await asyncio.sleep(0)
        number = self.numbers.get(outgoing.key)
        return Receipt(number) if number else None

    def lose(self) -> None:
        """Lose everything, as after a disk."""
        self.content, self.numbers = {}, {}


async def chains(world: World, many: int, revisions: int = 3) -> list[list[str]]:
    """Deliver so many Records of so many revisions, each with content of its own; return their ids."""
    ids = []
    for first in await world.owe(many, payload=b'{"revision":1}', created_at=world.clock.now()):
        chain = [first]
        for number in range(2, revisions + 1):
            values = {"payload": f'{{"revision":{number}}}'.encode(), "created_at": world.clock.now()}
            chain.append(await world.next_revision(chain[-1], **values))
        ids.append(chain)
    await world.drain()
    assert set((await world.states()).values()) == {State.DELIVERED}
    return ids


async def again(world: World, ids: list[str]) -> dict[str, Fate]:
    """Let somebody send these again, and let the engine do it."""
    found = await world.store.write(lambda s: replay_each(s, ids, world.deed()))
    for seconds in (0, 2, 10):
        await world.drain(seconds=seconds)
    return found


@c61
@f83
@pytest.mark.parametrize("can", [HONOURS, PROBES, NEITHER])
async def test_of_many_revisions_only_the_newest_goes_and_nothing_falls_back(world: World, can: Capabilities) -> None:
    books = Books(world, can, in_flight=8)
    ids = await chains(world, 12)
    told = len(books.told)
    found = await again(world, [one for chain in ids for one in chain])
    assert found == {one: SENT if one == chain[-1] else Fate(Became.OUTDATED, 3) for chain in ids for one in chain}
    assert len(books.told) == told + 12
    assert set(books.content.values()) == {b'{"revision":3}'}
    assert (len(books.content), books.made) == (12, 12)
    assert set((await world.states()).values()) == {State.DELIVERED}


@c61
@f83
@pytest.mark.parametrize("can", [HONOURS, PROBES, NEITHER])
async def test_what_a_system_lost_is_made_once_with_the_newest_content(world: World, can: Capabilities) -> None:
    """The hub does not know that it is lost; it is told so when it tries to change it."""
    books = Books(world, can, in_flight=8)
    ids = await chains(world, 12)
    books.lose()
    await again(world, [one for chain in ids for one in chain])
    assert set((await world.states()).values()) == {State.DELIVERED}
    assert sorted(books.content.values()) == [b'{"revision":3}'] * 12
    assert books.made == 24
    row = await world.get(ids[0][-1])
    assert (row.intent, row.amends) == ("create", "")
    fourth = await world.next_revision(ids[0][-1], after_id=None, due_at=world.clock.now(), amends=row.remote_id)
    await world.drain()
    assert (await world.get(fourth)).state == State.DELIVERED


@c61
@f83
@pytest.mark.parametrize("can", [PROBES, KEYS_WHAT_IS_NEW])
async def test_what_is_known_to_be_lost_goes_as_new_at_once(world: World, can: Capabilities) -> None:
    books = Books(world, can)
    ((_, _, third),) = await chains(world, 1)
    books.lose()
    world.clock.tick(hours=21)
    assert await look_again(world.engine()) == [third]
    assert (await world.get(third)).reason == LOST_THERE
    books.told.clear()
    assert await again(world, [third]) == {third: SENT}
    assert [(sent.intent, sent.amends, sent.payload) for sent in books.told] == [("create", "", b'{"revision":3}')]
    assert (await world.get(third)).state == State.DELIVERED


@c61
@f83
async def test_where_it_cannot_be_told_from_any_other_no_the_systems_words_are_kept(world: World) -> None:
    ((_, second),) = await chains(world, 1, 2)
    world.north.on_push = [Refused("not accepted")]
    await again(world, [second])
    row = await world.get(second)
    assert (row.state, row.reason, row.intent) == (State.PARKED, "not accepted", "amend")


@c61
@f83
@pytest.mark.parametrize("states", [[State.DELIVERED] * 8, [State.PARKED, *[State.DELIVERED] * 6, State.UNKNOWN]])
async def test_an_ordered_flow_is_sent_again_one_by_one_in_its_order(world: World, states: list[State]) -> None:
    world.use(HONOURS, in_flight=8)
    order = {"order_key": "north/patrol:river-1", "attempts": 1, "due_at": None}
    ids = [(await world.owe(1, state=state, **order))[0] for state in states]
    elsewhere = await world.owe(4, state=State.DELIVERED, attempts=1, due_at=None, order_key="north/patrol:river-2")
    found = await again(world, [*reversed(ids), *elsewhere])
    assert set(found.values()) == {SENT}
    keys = [(await world.get(one)).key for one in ids]
    assert [sent.key for sent in world.north.pushed if sent.key in keys] == keys
    assert world.north.most_under_way <= 2, "one of each place"
    assert set((await world.states()).values()) == {State.DELIVERED}


@c61
@f83
async def test_what_is_sent_again_in_an_ordered_flow_waits_for_what_has_its_turn(world: World) -> None:
    world.use(HONOURS, in_flight=8)
    order = {"order_key": "north/patrol:river-1"}
    old = await world.owe(2, state=State.DELIVERED, attempts=1, due_at=None, **order)
    (blocked,) = await world.owe(1, state=State.PARKED, attempts=1, due_at=None, reason="no", **order)
    (behind,) = await world.owe(1, after_id=blocked, due_at=None, **order)
    await again(world, old)
    assert world.north.pushed == []
    assert [(await world.get(one)).after_id for one in old] == [blocked, old[0]]
    await again(world, [blocked])
    keys = [(await world.get(one)).key for one in (blocked, *old, behind)]
    assert [sent.key for sent in world.north.pushed] == keys
    assert world.north.most_under_way == 1


@c61
@f83
async def test_one_that_is_tried_anyway_is_hurried_and_the_others_wait_for_it(world: World) -> None:
    world.use(HONOURS, in_flight=8)
    order = {"order_key": "north/patrol:river-1"}
    (old,) = await world.owe(1, state=State.DELIVERED, attempts=1, due_at=None, **order)
    world.north.on_push = [Unavailable("503")]
    (tried,) = await world.owe(1, **order)
    await world.drain()
    assert await again(world, [old, tried]) == {old: SENT, tried: SENT}
    keys = [(await world.get(one)).key for one in (tried, tried, old)]
    assert [sent.key for sent in world.north.pushed] == keys
    assert world.north.most_under_way == 1


@c42
async def test_a_first_revision_is_not_sent_again_once_its_correction_went_out(world: World) -> None:
    ((first, second),) = await chains(world, 1, 2)
    before = len(world.north.pushed)
    for ids in ([first], [first, second]):
        found = await again(world, ids)
        assert found[first] == Fate(Became.OUTDATED, 2)
    assert [sent.intent for sent in world.north.pushed[before:]] == ["amend"]
    assert set((await world.states()).values()) == {State.DELIVERED}
    assert [subject for _, action, subject, _ in await world.journal() if action == "delivery.replayed"] == [second]


@c42
@pytest.mark.parametrize("outcome", [Unanswered("cut"), Receipt("B-1", accepted=False), Unavailable("503"), None])
async def test_nor_while_its_correction_is_on_its_way_or_may_have_arrived(world: World, outcome: Loose) -> None:
    world.use(NEITHER)
    (first,) = await world.owe()
    await world.drain()
    second = await world.next_revision(first, after_id=None, due_at=world.clock.now())
    if outcome is not None:
        world.north.on_push = [outcome]
        await world.drain()
    found = await world.store.write(lambda s: replay_each(s, [first], world.deed()))
    assert found == {first: Fate(Became.OUTDATED, 2)}
    assert second in await world.states()


@c42
@pytest.mark.parametrize("state", [State.WAITING, State.MANUAL, State.PARKED, State.DELIVERED])
async def test_what_somebody_asked_to_take_back_is_not_sent_again_however_far_that_is(
    world: World, state: State
) -> None:
    (first,) = await world.owe(1, state=State.UNKNOWN, attempts=1, repeat=True, due_at=None)
    await world.next_revision(first, intent="withdraw", state=state)
    found = await world.store.write(lambda s: replay_each(s, [first], world.deed()))
    assert found == {first: Fate(Became.WITHDRAWN, 2)}


@c42
async def test_what_was_made_anew_after_a_withdrawal_is_the_newest(world: World) -> None:
    (first,) = await world.owe(1, state=State.DELIVERED, attempts=1, due_at=None)
    second = await world.next_revision(first, intent="withdraw", state=State.DELIVERED, attempts=1, after_id=None)
    third = await world.next_revision(second, intent="create", state=State.DELIVERED, attempts=1, after_id=None)
    found = await world.store.write(lambda s: replay_each(s, [first, second, third], world.deed()))
    assert found == {first: Fate(Became.OUTDATED, 3), second: Fate(Became.OUTDATED, 3), third: SENT}


@c42
@pytest.mark.parametrize("state", [State.PARKED, State.MANUAL, State.CANCELLED])
async def test_but_where_the_correction_certainly_never_got_there(world: World, state: State) -> None:
    (first,) = await world.owe()
    await world.drain()
    values = {"after_id": None, "due_at": None, "attempts": 1 if state is State.PARKED else 0}
    await world.next_revision(first, state=state, **values)
    assert await again(world, [first]) == {first: SENT}


@c42
async def test_a_correction_that_is_lost_there_still_counts_as_the_newest(world: World) -> None:
    books = Books(world, PROBES)
    ((first, second),) = await chains(world, 1, 2)
    books.lose()
    world.clock.tick(hours=21)
    assert await look_again(world.engine()) == [second]
    assert await again(world, [first]) == {first: Fate(Became.OUTDATED, 2)}


@c61
@f83
async def test_a_refused_correction_waits_for_the_first_one_that_is_sent_again(world: World) -> None:
    (first,) = await world.owe()
    await world.drain()
    world.north.on_push = [Refused("not today")]
    second = await world.next_revision(first, after_id=None, due_at=world.clock.now(), amends="N-1")
    await world.drain()
    await world.store.write(lambda s: replay(s, [first], world.deed()))
    assert await world.store.write(lambda s: replay_each(s, [second], world.deed())) == {
        second: Fate(Became.SENT, after_id=first)
    }
    world.north.on_push = [Receipt("N-9")]
    await world.drain()
    assert [(sent.intent, sent.amends) for sent in world.north.pushed[-2:]] == [("create", ""), ("amend", "N-9")]


@c42
async def test_each_of_many_is_told_what_became_of_it(world: World) -> None:
    plain = {"due_at": None}
    made = {
        State.WAITING: {}, State.TRANSPORTED: {"attempts": 1}, State.MANUAL: plain, State.CANCELLED: plain,
        State.DELIVERED: plain, State.PARKED: {**plain, "payload": b""}, State.UNKNOWN: {**plain, "attempts": 1},
    }  # fmt: skip
    ids = {state: (await world.owe(1, state=state, **values))[0] for state, values in made.items()}
    (odd,) = await world.owe(1, intent="merge", state=State.PARKED, attempts=1, due_at=None)
    found = await world.store.write(lambda s: replay_each(s, [*ids.values(), odd], world.deed()))
    assert {state: found[one].became for state, one in ids.items()} == {
        State.WAITING: Became.UNDER_WAY,
        State.TRANSPORTED: Became.UNDER_WAY,
        State.MANUAL: Became.BY_HAND,
        State.CANCELLED: Became.CANCELLED,
        State.DELIVERED: Became.BY_HAND,  # nothing ever sent it: a person entered it there
        State.PARKED: Became.BY_HAND,
        State.UNKNOWN: Became.SENT,
    }
    assert found[odd].became is Became.UNRECOGNISED


@c61
@f83
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_who_send_again_at_once_line_up_behind_each_other(world: World) -> None:
    """Each looked whose turn it is, found nobody, and both went."""
    world.use(HONOURS, in_flight=8)
    order = {"order_key": "north/patrol:river-1", "attempts": 1, "due_at": None}
    ids = await world.owe(12, state=State.DELIVERED, **order)

    def one_of(delivery_id: str) -> Loose:
        def write(session: Session) -> Loose:
            return replay_each(session, [delivery_id], world.deed())

        return write

    await asyncio.gather(*(world.store.write(one_of(one)) for one in ids))
    heads = [row for row in [await world.get(one) for one in ids] if row.after_id is None]
    assert len(heads) == 1
    await world.drain()
    assert (len(world.north.pushed), world.north.most_under_way) == (12, 1)


async def test_what_a_person_confirmed_since_is_not_passed_by_an_older_one(world: World) -> None:
    (first,) = await world.owe()
    await world.drain()
    second = await world.next_revision(first, state=State.MANUAL, after_id=None)
    await world.store.write(lambda s: confirm(s, second, world.deed(), "S-1"))
    assert await again(world, [first]) == {first: Fate(Became.OUTDATED, 2)}
    assert (await again(world, [second]))[second].became is Became.BY_HAND
