"""The parts of a hub that read Systems, on a real database; three Systems in memory that share codes, time by hand."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hub.pulls.due import Rounds
from hub.pulls.pace import Pace
from hub.pulls.run import Pulls, lose_stale, pull_now
from hub.sdk import Connector
from hub.systems import Registry
from tests.builders import Loose
from tests.conftest import HandClock
from tests.machine.mortal import DIED, Mortal
from tests.machine.pull_source import Source
from tests.machine.virtual import VirtualLoop
from tests.some_connectors.county import files
from tests.some_connectors.source import registry_with

KEYS = {"doors": "door", "bins": "bin", "rivers": "near"}
"""Systems, and the field that is the key of their rows."""
POINTS = (
    "pull.claimed", "pull.page", "pull.mark", "pull.committed", "pull.end", "writer.before_commit", "writer.committed",
)  # fmt: skip
TABLES = ("open_item", "place_history", "pull_row", "alias", "place", "pull_cursor", "pull", "journal")


def three_systems() -> Registry:
    """Doors say where a house is; bins may name a door; the river office may name a door, a bin or both."""
    whole = registry_with("bins", aliases={"doors": {"from": "door", "optional": True}})
    return replace(whole, systems={name: whole.systems[name] for name in KEYS})


@dataclass(frozen=True)
class How:
    """How a pull is asked for."""

    from_start: bool = False
    believing: bool = False


class OneThread(VirtualLoop):
    """Does at once what others do in a thread: a story reads so often that handing over is most of its time."""

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Loose], *args: Loose) -> Loose:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done


class PullStage(Mortal):
    """A database, a clock and Systems that outlive hubs."""

    loop_kind = OneThread
    reopened_every = 100

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.catalog, self.registry = files()[0], three_systems()
        self.sources: dict[str, Any] = {}
        self._ticks = 0

    def connectors(self) -> dict[str, Connector]:
        return self.sources

    def begin(self) -> None:
        """Start a story: nobody has told anything."""
        self.clock.at, self.clock.steady = HandClock().at, HandClock().steady
        self._ticks = 0
        self.sources = {name: Source(key) for name, key in KEYS.items()}
        self.start()

    def start(self) -> None:
        """Put a hub together; what its forerunner was reading is lost."""
        self.tick()
        self.pulls = Pulls(self.store, self.clock, self.registry, self.connectors(), self.catalog, pace=Pace())
        self.rounds = Rounds(self.pulls)
        self.loop.do(lose_stale(self.pulls, timedelta(0)))

    def tick(self) -> None:
        """Let a second pass, and a little more: no two readings begin at one instant."""
        self._ticks += 1
        self.clock.tick(seconds=1, microseconds=self._ticks)

    def pull(self, system: str, how: How) -> Loose:
        """Pull a System at once; its report, or DIED."""
        self.tick()
        self.sources[system].is_believed = how.believing
        asked = pull_now(self.pulls, system, from_start=how.from_start, believing=how.believing)
        found = self.do(asked)
        return found if found is DIED else found[0]

    def pull_and_hang(self, system: str, how: How) -> None:
        """Pull a System that stops answering half way; the process is killed over it and another one starts."""
        self.tick()
        self.sources[system].is_believed = how.believing
        self.begun(pull_now(self.pulls, system, from_start=how.from_start, believing=how.believing))
        self.loop.settle()
        self.die()
        self.start()

    def wait(self, **units: float) -> None:
        """Let time pass; the hub looks which readings are due, as its worker does every minute."""
        self.clock.tick(**units)
        self.tick()
        for source in self.sources.values():
            source.is_believed = False
        self.do(self._look())

    async def _look(self) -> None:
        await self.rounds.look()
        await asyncio.sleep(0)

    def set_clock(self, hours: int) -> None:
        """Set the wall clock, as an administrator or NTP does; no time passes."""
        self.clock.at += timedelta(hours=hours)

    def forget(self) -> None:
        """Empty everything, for the next story."""
        self.die()
        self.sources = {}

        def write(session: Loose) -> None:
            for name in TABLES:
                session.connection().exec_driver_sql(f"DELETE FROM {name}")

        self.loop.do(self.store.write(write))
