"""The watch over the event loop: by hand, with a clock that is moved, and over a real loop that is really blocked."""

import asyncio
import re
import threading
import time
from itertools import count

import pytest
from structlog.testing import capture_logs

from hub.clock import SystemClock
from hub.worker.watch import BEAT_S, LATE_S, STILL_S, Watch, where
from tests.conftest import HandClock

Told = list[tuple[str, float]]


class ByHand:
    """A watch whose loop beats and whose thread looks when told to; `told` is what it said."""

    def __init__(self, clock: HandClock) -> None:
        self.clock, self.used = clock, 0.0
        self.watch = Watch(clock, lambda: self.used)
        self.told: Told = []

    def pass_s(self, seconds: float, *, busy: bool = False) -> None:
        """Let time pass, with the processor idle or busy."""
        self.clock.tick(seconds=seconds)
        self.used += seconds * busy

    def look(self) -> float:
        with capture_logs() as said:
            wait_s = self.watch.look(lambda: ["somewhere"])
        self.told += [(line["event"], line["seconds"]) for line in said]
        return wait_s

    def stand_for(self, seconds: float, *, busy: bool = False) -> None:
        """Let the loop stand, and look whenever that was asked for."""
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 1e-6:
            self.pass_s(min(left_s, max(0.001, self.watch._look_at - self.clock.monotonic())), busy=busy)
            if self.clock.monotonic() >= self.watch._look_at - 1e-6:
                self.look()

    def turn_for(self, seconds: float, *, busy: bool = False) -> None:
        """Beat as a loop does that turns, and look as often as asked."""
        for _ in range(round(seconds / BEAT_S)):
            self.stand_for(BEAT_S, busy=busy)
            self.watch.beat()


@pytest.fixture
def hand(clock: HandClock) -> ByHand:
    return ByHand(clock)


@pytest.mark.parametrize("busy", [False, True])
def test_a_loop_that_turns_is_nothing_to_tell(hand: ByHand, busy: bool) -> None:
    hand.turn_for(60, busy=busy)
    assert hand.told == []
    assert (hand.watch.times, hand.watch.seconds) == (0, 0)


@pytest.mark.parametrize("busy", [False, True])
def test_one_that_stands_still_is_told_once_and_again_when_it_turns(hand: ByHand, busy: bool) -> None:
    hand.turn_for(3)
    hand.stand_for(5.5, busy=busy)
    assert hand.told == [("loop.blocked", round(STILL_S, 1))]
    assert (hand.watch.times, hand.watch.seconds) == (1, 0)
    hand.watch.beat()
    assert hand.watch._bell.is_set(), "nobody need wait for the next look"
    hand.pass_s(0.5)
    hand.watch.beat()
    assert hand.look() == pytest.approx(STILL_S)
    assert hand.told[1:] == [("loop.turns_again", 5.5)]
    assert (hand.watch.times, hand.watch.seconds) == (1, 5.5)
    hand.turn_for(10)
    hand.stand_for(2)
    assert [event for event, _ in hand.told] == ["loop.blocked", "loop.turns_again", "loop.blocked"]


def test_a_block_is_told_about_a_second_after_its_beginning(hand: ByHand) -> None:
    for into_the_beat in (0.0, 0.1, BEAT_S - 0.01):
        hand.turn_for(5)
        hand.stand_for(into_the_beat)
        hand.stand_for(0.6)
        assert hand.told == [], "it is no second yet"
        hand.stand_for(STILL_S - 0.6 + 0.01)
        assert hand.told.pop()[0] == "loop.blocked"
        hand.watch.beat()
        hand.look()
        assert hand.told.pop()[0] == "loop.turns_again"


def test_while_all_is_well_the_thread_wakes_up_less_than_once_a_second(hand: ByHand) -> None:
    looks, beat_at = 0, hand.clock.monotonic()
    for _ in range(6_000):
        hand.pass_s(0.01)
        if hand.clock.monotonic() >= beat_at:
            hand.watch.beat()
            beat_at += BEAT_S + 0.01  # a timer is late, never early
        if hand.clock.monotonic() >= hand.watch._look_at:
            hand.look()
            looks += 1
    assert looks < 60
    assert hand.told == []


@pytest.mark.parametrize("busy_before", [False, True])
@pytest.mark.parametrize("beat_comes_first", [False, True])
@pytest.mark.parametrize("stopped_s", [0.3, 0.6, 1.0, 1.3, 1.45, 1.7, 2.2, 3.0, 8.0, 3_600.0])
def test_a_process_that_was_stopped_accuses_nobody(
    hand: ByHand, busy_before: bool, beat_comes_first: bool, stopped_s: float
) -> None:
    """SIGSTOP, a suspended machine, no processor to be had: the looking thread did not run either."""
    for into_the_beat_s in (0.0, 0.05, 0.3, 0.55):
        hand.turn_for(3.6, busy=busy_before)
        hand.stand_for(into_the_beat_s, busy=busy_before)
        hand.told.clear()
        hand.pass_s(stopped_s)
        if hand.clock.monotonic() - hand.watch._look_at < LATE_S:
            hand.watch.beat()  # woken in time it could not tell this from a block; but then the loop runs as well
            continue
        if beat_comes_first:
            hand.watch.beat()
        hand.look()
        hand.stand_for(0.05)
        hand.watch.beat()
        hand.turn_for(5)
        assert {event for event, _ in hand.told} <= {"process.stood_still"}
        assert len(hand.told) <= 1
        assert bool(hand.told) or stopped_s < 2 * STILL_S, "told where it was for long"
    assert hand.watch.times == 0


def test_who_holds_the_interpreter_is_told_of_when_it_lets_go(hand: ByHand) -> None:
    """The looking thread is late, as with a process that was stopped; but somebody used the processor meanwhile."""
    hand.turn_for(3)
    hand.pass_s(0.1)
    hand.pass_s(4, busy=True)
    hand.look()
    hand.watch.beat()
    hand.look()
    assert [event for event, _ in hand.told] == ["loop.blocked", "loop.turns_again"]


async def test_a_real_loop_that_is_blocked_is_told_of_meanwhile() -> None:
    watch, done = Watch(SystemClock()), threading.Event()
    heard: list[str] = []

    def listen() -> None:
        while not done.wait(0.02):
            heard.extend(line["event"] for line in said[len(heard) :])

    with capture_logs() as said:
        watch.start()
        await asyncio.sleep(0.2)
        listener = threading.Thread(target=listen)
        listener.start()
        a_driver_that_waits(2.5)
        assert heard == ["loop.blocked"], "while it was blocked"
        await asyncio.sleep(0.3)
        done.set()
        listener.join()
        watch.stop()
    assert [line["event"] for line in said] == ["loop.blocked", "loop.turns_again"]
    assert re.search(r"test_watch\.py:\d+ a_driver_that_waits$", said[0]["frames"][-1])
    assert any("test_a_real_loop_that_is_blocked" in frame for frame in said[0]["frames"])
    assert 1 - LATE_S <= said[0]["seconds"] < 2.5 <= said[1]["seconds"] < 4
    assert (watch.times, round(watch.seconds, 1)) == (1, said[1]["seconds"])


def a_driver_that_waits(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_huge_regular_expression_is_told_of_when_it_ends() -> None:
    """It holds the interpreter, so that not even the watch's thread can run: this is as soon as anybody can tell."""
    watch = Watch(SystemClock())
    with capture_logs() as said:
        watch.start()
        await asyncio.sleep(0.2)
        took_s = a_huge_expression(at_least_s=2.4)
        await asyncio.sleep(0.3)
        watch.stop()
    events = [line["event"] for line in said]
    assert events[-2:] == ["loop.blocked", "loop.turns_again"]
    assert said[-1]["seconds"] >= min(took_s, 2.4) - LATE_S
    assert any("a_huge_expression" in frame for frame in said[-2]["frames"])


def a_huge_expression(at_least_s: float) -> float:
    """Match for so long in one go, without a word to anybody."""
    for many in count(18):
        began = time.monotonic()
        re.match(r"(a+)+$", "a" * many + "b")
        took_s = time.monotonic() - began
        if took_s >= at_least_s / 2:
            began = time.monotonic()
            re.match(r"(a+)+$", "a" * (many + 1) + "b")
            return time.monotonic() - began
    raise AssertionError("it never took long")


async def test_what_is_stopped_looks_no_more() -> None:
    before = threading.active_count()
    watch = Watch(SystemClock())
    watch.stop()
    watch = Watch(SystemClock())
    watch.start()
    assert threading.active_count() == before + 1
    watch.stop()
    assert threading.active_count() == before
    beaten_at = watch._beaten_at
    await asyncio.sleep(BEAT_S + 0.1)
    assert watch._beaten_at == beaten_at


def test_a_thread_that_is_gone_is_nowhere() -> None:
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    assert ended.ident is not None
    assert where(ended.ident) == []
