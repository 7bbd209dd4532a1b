"""Places for hashing: few at once, fair between addresses, an honest no beyond; and it steps back behind all else."""

import asyncio
import os
import threading
from collections import Counter

import pytest

from hub.errors import Problem
from hub.web.hashing import AT_ONCE, BEHIND_OTHERS, MOST_FROM_ONE, MOST_WAITING, Hashing
from hub.web.security import source_of
from tests.builders import until


class Desk:
    """Hashing whose work ends when told, and who had a turn in which order."""

    def __init__(self, at_once: int = 1) -> None:
        self.hashing = Hashing(at_once)
        self.served: list[str] = []
        self.refused = Counter[str]()
        self.problems: list[Problem] = []
        self.most = self.under_way = 0
        self.gate = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, source: str, many: int = 1) -> list[asyncio.Task[None]]:
        """Let people from one source queue up."""
        come = [asyncio.create_task(self._try(source)) for _ in range(many)]
        self.tasks += come
        return come

    async def _try(self, source: str) -> None:
        try:
            async with self.hashing.turn(source):
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                self.served.append(source)
                await self.gate.wait()
                self.under_way -= 1
        except Problem as problem:
            self.problems.append(problem)
            self.refused[source] += 1

    async def end(self) -> None:
        self.gate.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert {(problem.code, problem.status) for problem in self.problems} <= {("auth.busy", 503)}
        assert all(problem.retry_after for problem in self.problems)


@pytest.mark.fault("F89")
@pytest.mark.case("C67")
async def test_few_at_once_and_each_source_in_its_turn() -> None:
    desk = Desk()
    desk.come("crowd", 20)
    await asyncio.sleep(0)
    desk.come("lone")
    desk.come("pair", 2)
    await asyncio.sleep(0)
    await desk.end()
    assert (desk.most, len(desk.served)) == (1, 23)
    assert desk.served[:6] == ["crowd", "crowd", "lone", "pair", "crowd", "pair"]


@pytest.mark.fault("F89")
@pytest.mark.case("C67")
async def test_beyond_what_one_source_may_wait_it_is_told_so() -> None:
    desk = Desk()
    desk.come("crowd", MOST_FROM_ONE + 6)
    await asyncio.sleep(0)
    desk.come("lone")
    await asyncio.sleep(0)
    assert desk.refused == {"crowd": 5}
    await desk.end()
    assert len(desk.served) == MOST_FROM_ONE + 2


@pytest.mark.fault("F89")
@pytest.mark.case("C67")
async def test_where_all_places_are_taken_the_largest_crowd_gives_way() -> None:
    desk = Desk()
    for crowd in range(MOST_WAITING // MOST_FROM_ONE + 1):
        desk.come(f"crowd{crowd}", MOST_FROM_ONE)
        await asyncio.sleep(0)
    for number in range(10):
        desk.come(f"lone{number}")
        await asyncio.sleep(0)
    assert not any(source.startswith("lone") for source in desk.refused)
    assert desk.refused.total() >= 10
    await desk.end()
    assert {f"lone{number}" for number in range(10)} <= set(desk.served)


@pytest.mark.fault("F89")
@pytest.mark.case("C67")
async def test_a_thousand_sources_of_one_each_are_bounded() -> None:
    desk = Desk()
    for number in range(1_000):
        desk.come(f"source{number}")
    await asyncio.sleep(0)
    assert desk.refused.total() == 1_000 - MOST_WAITING - 1
    await desk.end()
    desk.gate.clear()
    (last,) = desk.come("later")
    await until(lambda: desk.served[-1] == "later")
    desk.gate.set()
    await last


async def test_who_leaves_while_waiting_gives_their_place_up() -> None:
    desk = Desk()
    desk.come("first")
    gone = desk.come("gone", 3)
    desk.come("next")
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.sleep(0)
    await desk.end()
    assert desk.served == ["first", "next"]
    desk.come("later")
    await desk.end()
    assert desk.served[-1] == "later"


async def test_a_turn_that_came_as_its_owner_left_goes_to_the_next() -> None:
    desk = Desk()
    desk.come("first")
    (gone,) = desk.come("gone")
    desk.come("next")
    await asyncio.sleep(0)
    desk.gate.set()
    await asyncio.sleep(0)
    gone.cancel()
    await desk.end()
    assert desk.served == ["first", "next"]
    assert desk.under_way == 0


async def test_it_steps_back_behind_what_answers_people() -> None:
    hashing = Hashing()
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def nice() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async with hashing.turn("here") as turn:
        assert await turn.run(nice) == min(19, BEHIND_OTHERS)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
    assert AT_ONCE == 2


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", ""),
        ("unix:" + "x" * 200, ("unix:" + "x" * 200)[:80]),
    ],
)
def test_one_subscriber_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
