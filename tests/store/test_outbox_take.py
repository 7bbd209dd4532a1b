"""Entries by hand: one person at a time has one, it comes back by itself, a correction is told to who has it (F66)."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from hub.errors import Problem
from hub.model import Account, Delivery, Take
from hub.model.delivery import BY_HAND, HELD_FOR, State
from hub.model.people import Role
from hub.outbox.entry.take import give_back, take
from hub.outbox.hand import Deed, cancel, confirm, replay
from hub.store import Session, Store, open_store
from tests.builders import World, account
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit

MANY = 50
Deeds = list[tuple[str, Callable[[Session, str, Deed], object]]]
SETTLING: Deeds = [
    ("confirm", lambda s, one, deed: confirm(s, one, deed, "S-1")),
    ("cancel", cancel),
]


def settler(**values: object) -> Account:
    plain = {"role": Role.DEPARTMENT_ADMIN, "department": "water-bureau", "division": "330783000000"}
    return account(**{**plain, **values})


async def people(world: World, many: int = 2, **values: object) -> list[Account]:
    """Keep that many new people of one department."""
    made = [settler(name=f"何{number}", **values) for number in range(many)]
    await world.add([one.model_copy() for one in made])
    return made


async def entry_by_hand(world: World, **values: object) -> str:
    (one,) = await world.owe(**{"state": State.MANUAL, "due_at": None, **values})
    return one


async def takes(store: Store) -> list[Take]:
    return await store.read(lambda s: list(s.exec(select(Take))))


async def refused(world: World, act: Callable[[Session], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        await world.store.write(act)
    assert caught.value.status == 409
    return caught.value


@pytest.mark.fault("F66")
async def test_of_fifty_at_once_one_has_it(world: World) -> None:
    one, everybody = await entry_by_hand(world), await people(world, MANY)
    asked = [world.store.write(lambda s, who=who: take(s, one, who, world.clock.now())) for who in everybody]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert one_winner(answers)
    (kept,) = await takes(world.store)
    assert (kept.delivery_id, kept.until) == (one, world.clock.now() + HELD_FOR)
    assert [(who, did) for who, did, _, _ in await world.journal()] == [(kept.account_id, "delivery.taken")]


def one_winner(answers: list[BaseException | None]) -> bool:
    lost = [answer for answer in answers if isinstance(answer, Problem) and answer.code == "delivery.taken"]
    return answers.count(None) == 1 and len(lost) == len(answers) - 1


@pytest.mark.fault("F66")
async def test_of_several_processes_one_has_it(world: World, database_url: str) -> None:
    """Fifty people ask for five entries: of four processes of a PostgreSQL hub, of the one there is on SQLite."""
    made, everybody = [await entry_by_hand(world) for _ in range(5)], await people(world, MANY)
    many = 4 if world.store.writing.dialect.name == "postgresql" else 1
    now, start = world.clock.now(), threading.Barrier(many)

    async def ask(store: Store, number: int) -> list[list[BaseException | None]]:
        start.wait()
        mine, told = everybody[number::many], []
        for one in made:
            asked = [store.write(lambda s, who=who, one=one: take(s, one, who, now)) for who in mine]  # type: ignore[misc]  # defaults bind
            told.append(list(await asyncio.gather(*asked, return_exceptions=True)))
        return told

    async def elsewhere(number: int) -> list[list[BaseException | None]]:
        store = open_store(database_url, "relaxed")
        try:
            return await ask(store, number)
        finally:
            await store.close()

    if many == 1:
        told = [await ask(world.store, 0)]
    else:
        told = await asyncio.gather(*(asyncio.to_thread(asyncio.run, elsewhere(number)) for number in range(many)))
    for number in range(len(made)):
        assert one_winner([answer for of_process in told for answer in of_process[number]])
    assert len(await takes(world.store)) == len(made)


async def test_who_has_it_has_it_longer_by_taking_it_again(world: World) -> None:
    one, (he,) = await entry_by_hand(world), await people(world, 1)
    for _ in range(3):
        await world.store.write(lambda s: take(s, one, he, world.clock.now()))
        world.clock.tick(minutes=20)
    (kept,) = await takes(world.store)
    assert kept.until == world.clock.now() - timedelta(minutes=20) + HELD_FOR
    assert len(await world.journal()) == 1


@pytest.mark.fault("F66")
async def test_a_closed_tab_gives_it_back_when_the_time_is_over(world: World) -> None:
    one, (he, lin) = await entry_by_hand(world), await people(world)
    await world.store.write(lambda s: take(s, one, he, world.clock.now()))
    world.clock.tick(seconds=HELD_FOR.total_seconds() - 1)
    await refused(world, lambda s: take(s, one, lin, world.clock.now()))
    world.clock.tick(seconds=1)
    await world.store.write(lambda s: take(s, one, lin, world.clock.now()))
    problem = await refused(world, lambda s: confirm(s, one, Deed(he, "done", world.clock.now()), "S-1"))
    assert problem.code == "delivery.taken"
    assert [(who, did) for who, did, _, _ in await world.journal()] == [
        (he.id, "delivery.taken"), (lin.id, "delivery.taken"),
    ]  # fmt: skip


@pytest.mark.fault("F66")
async def test_given_back_it_is_free_at_once(world: World) -> None:
    one, (he, lin) = await entry_by_hand(world), await people(world)
    await world.store.write(lambda s: give_back(s, one, he, world.clock.now()))
    await world.store.write(lambda s: take(s, one, he, world.clock.now()))
    assert (await refused(world, lambda s: give_back(s, one, lin, world.clock.now()))).code == "delivery.taken"
    await world.store.write(lambda s: give_back(s, one, he, world.clock.now()))
    await world.store.write(lambda s: take(s, one, lin, world.clock.now()))
    did = [(who, action) for who, action, _, _ in await world.journal()]
    assert did == [(he.id, "delivery.taken"), (he.id, "delivery.given_back"), (lin.id, "delivery.taken")]


@pytest.mark.fault("F66")
@pytest.mark.parametrize("state", sorted(BY_HAND))
@pytest.mark.parametrize(("name", "settle"), SETTLING)
async def test_only_who_has_it_settles_it(
    world: World, state: State, name: str, settle: Callable[[Session, str, Deed], object]
) -> None:
    one, (he, lin) = await entry_by_hand(world, state=state), await people(world)
    now = world.clock.now()
    await world.store.write(lambda s: take(s, one, he, now))
    assert (await refused(world, lambda s: settle(s, one, Deed(lin, name, now)))).code == "delivery.taken"
    assert (await world.get(one)).state == state
    await world.store.write(lambda s: settle(s, one, Deed(he, name, now)))
    assert (await world.get(one)).state in {State.DELIVERED, State.CANCELLED}
    assert await takes(world.store) == []
    assert (await refused(world, lambda s: settle(s, one, Deed(lin, name, now)))).code == "delivery.not_for_hand"


@pytest.mark.fault("F66")
async def test_what_somebody_enters_is_sent_again_by_nobody_else(world: World) -> None:
    held, free = await entry_by_hand(world, state=State.PARKED), await entry_by_hand(world, state=State.PARKED)
    (he, lin), now = await people(world), world.clock.now()
    await world.store.write(lambda s: take(s, held, he, now))
    assert await world.store.write(lambda s: replay(s, [held, free], Deed(lin, "it is back", now))) == [free]
    assert await world.store.write(lambda s: replay(s, [held], Deed(he, "it is back", now))) == [held]
    assert await takes(world.store) == []


async def test_a_name_is_told_to_colleagues_only(world: World) -> None:
    one, (he, lin) = await entry_by_hand(world), await people(world)
    operator = settler(role=Role.OPERATOR, department="")
    other = settler(department="agriculture-office")
    await world.add([operator.model_copy(), other.model_copy()])
    await world.store.write(lambda s: take(s, one, he, world.clock.now()))
    told = [await refused(world, lambda s, w=who: take(s, one, w, world.clock.now())) for who in (lin, operator, other)]  # type: ignore[misc]  # default binds
    assert [(one.code, one.params) for one in told] == [
        ("delivery.taken", {"name": he.name, "until": "2026-11-23 09:30"}),
        ("delivery.taken_elsewhere", {"until": "2026-11-23 09:30"}),
        ("delivery.taken_elsewhere", {"until": "2026-11-23 09:30"}),
    ]


@pytest.mark.parametrize("state", sorted(frozenset(State) - BY_HAND))
async def test_what_is_not_for_a_person_is_taken_by_nobody(world: World, state: State) -> None:
    leased = {"lease_token": "t", "leased_until": world.clock.now()} if state is State.LEASED else {}
    one, (he,) = await entry_by_hand(world, state=state, **leased), await people(world, 1)
    problem = await refused(world, lambda s: take(s, one, he, world.clock.now()))
    assert (problem.code, problem.params) == ("delivery.not_for_hand", {"state": state.words})
    with pytest.raises(Problem, match=r"delivery\.unknown"):
        await world.store.write(lambda s: take(s, "nobody", he, world.clock.now()))


async def test_nobody_takes_what_waits_for_its_turn(world: World) -> None:
    (first,), (he,) = await world.owe(), await people(world, 1)
    second = await world.next_revision(first, state=State.MANUAL, after_id=None)
    problem = await refused(world, lambda s: take(s, second, he, world.clock.now()))
    assert (problem.code, problem.params) == ("delivery.not_its_turn", {"state": State.WAITING.words})


@pytest.mark.fault("F66")
async def test_it_is_still_taken_after_a_restart(database_url: str, clock: HandClock) -> None:
    world = World(open_store(database_url), clock)
    one, (he, lin) = await entry_by_hand(world), await people(world)
    await world.store.write(lambda s: take(s, one, he, world.clock.now()))
    await world.store.close()
    again = open_store(database_url)
    with pytest.raises(Problem, match=r"delivery\.taken"):
        await again.write(lambda s: take(s, one, lin, world.clock.now()))
    await again.write(lambda s: confirm(s, one, Deed(he, "done", world.clock.now()), "S-1"))
    row = await again.read(lambda s: s.get_one(Delivery, one))
    assert (row.state, row.remote_id) == (State.DELIVERED, "S-1")
    await again.close()


@pytest.mark.fault("F66")
@pytest.mark.parametrize("held", [True, False])
async def test_a_correction_is_told_to_who_enters_what_it_replaces(store: Store, clock: HandClock, held: bool) -> None:
    county = await County(store, clock).settle()
    first = await county.submit(visit())
    await county.put(await county.delivery("files", "visit"), state=State.DELIVERED, remote_id="F-7", due_at=None)
    second = await county.correct(first, visit(answers={"visit.purpose": "safety"}))
    old = (await county.deliveries(second))["files/visit"]
    assert old.state == State.MANUAL
    he, now = settler(), clock.now()
    await store.write(lambda s: s.add(he.model_copy()))
    if held:
        await store.write(lambda s: take(s, old.id, he, now))
    third = await county.correct(second, visit(answers={"visit.purpose": "mediation"}))
    assert await takes(store) == []
    acts: list[Callable[[Session], object]] = [
        lambda s: take(s, old.id, he, now),
        lambda s: give_back(s, old.id, he, now),
        lambda s: confirm(s, old.id, Deed(he, "done", now), "F-8"),
        lambda s: cancel(s, old.id, Deed(he, "done", now)),
    ]
    for act in acts:
        with pytest.raises(Problem) as caught:
            await store.write(act)
        assert (caught.value.code, caught.value.status) == ("delivery.outdated", 409)
    new = (await county.deliveries(third))["files/visit"]
    await store.write(lambda s: take(s, new.id, he, now))
    await store.write(lambda s: confirm(s, new.id, Deed(he, "done", now), "F-8"))
