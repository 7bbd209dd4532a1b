"""Asked to stop: noted whenever it comes, heeded only where the program looks."""

import os
import signal
from collections.abc import Iterator

import pytest

from hub.worker.stop import ASKED_WITH, Stop


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Give back what the test runner listens with."""
    before = {number: signal.getsignal(number) for number in ASKED_WITH}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ASKED_WITH)
def test_a_signal_is_noted_and_heeded_where_the_program_looks(number: signal.Signals) -> None:
    stop = Stop()
    stop.listen()
    stop.heed()
    os.kill(os.getpid(), number)
    assert stop.asked
    with pytest.raises(SystemExit) as ended:
        stop.heed()
    assert ended.value.code == 0
    assert {signal.getsignal(each) for each in ASKED_WITH} == {signal.SIG_IGN}
    os.kill(os.getpid(), number)


def test_what_can_obey_is_told_each_time() -> None:
    stop, told = Stop(), list[str]()
    stop.listen()
    stop.obey_with(lambda: told.append("stop"))
    assert (told, stop.asked) == ([], False)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
    assert (told, stop.asked) == (["stop", "stop"], True)
