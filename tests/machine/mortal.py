"""A hub in process on a real database that can die at any failpoint; database, clock and loop outlive it."""

import asyncio
from typing import ClassVar

from hub.failpoint import arm
from hub.store import Store, open_store
from tests.builders import Loose
from tests.conftest import HandClock
from tests.machine.virtual import VirtualLoop

DIED = object()
"""What `Mortal.do` returns when the hub died over it and nobody got an answer."""


class Dead(Exception):
    """Ends whatever runs in a hub that is dead already."""


class Mortal:
    """What a stage of either machine is made of; `start` puts a hub together on what the database holds."""

    loop_kind: ClassVar = VirtualLoop
    reopened_every: ClassVar = 10
    """Deaths after which the database is opened anew too: nothing is queued or held when a hub dies here, so files and
    connections tell no tale, but every statement is compiled again, which is most of the time a story takes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = HandClock()
        self.loop: VirtualLoop = self.loop_kind(self.clock)
        self.store = self._open()
        self.dead = False
        self._deaths = 0

    def start(self) -> None:
        raise NotImplementedError

    def die(self) -> None:
        """End the hub as SIGKILL does: nobody is told, nothing is finished."""
        self._drop()

    def _open(self) -> Store:
        return self.loop.watch(open_store(self.url, "relaxed"))

    def _drop(self) -> None:
        self.loop.let_go()
        arm(None)
        self.dead = False
        self._deaths += 1
        if self._deaths % self.reopened_every == 0:
            self.loop.do(self.store.close())
            self.store = self._open()

    def do(self, work: Loose) -> Loose:
        """Let the hub do something and finish what follows from it; DIED when it died over it."""
        task = self.begun(work)
        self.loop.settle()
        if self.dead:
            self.die()
            self.start()
            return DIED
        assert task.done(), "it waits for something that will not come"
        return task.result()

    def begun(self, work: Loose) -> "asyncio.Task[Loose]":
        """Let the hub begin something; how it ends is looked at, so that asyncio warns of no death."""
        task = self.loop.create_task(work)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return task

    def write(self, write: Loose) -> Loose:
        return self.do(self.store.write(write))

    def die_at(self, point: str) -> None:
        """Let the hub die when next it passes this point: from then on it commits, sends and answers nothing."""
        arm(lambda name: self._pass(name, point))

    def _pass(self, name: str, point: str) -> None:
        self.dead = self.dead or name == point
        if self.dead and name != "writer.committed":
            raise Dead(name)

    def close(self) -> None:
        self.loop.let_go()
        self.loop.do(self.store.close())
        self.loop.end()
