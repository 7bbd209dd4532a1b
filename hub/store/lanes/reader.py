"""The reader of hot questions: who is asking, which Places are meant. Many ask at once, one look answers them all."""

from typing import TypeVar

from sqlalchemy import Engine

from hub.store.lanes.held import Held
from hub.store.lanes.lane import Job, Lane, by_kind, call
from hub.store.lanes.writer import Vector
from hub.store.trouble import Translate

T = TypeVar("T")
Item = TypeVar("Item")


class Reader:
    """Runs questions in groups on one thread of its own, on a read-only connection."""

    def __init__(self, engine: Engine, translate: Translate) -> None:
        self._held = Held(engine)
        self._translate = translate
        self._lane = Lane("looker", self._run)

    async def look(self, query: "Vector[Item, T]", item: Item) -> T:
        """Ask one question of a hot kind: all queued ones of that kind go in one call."""
        return await self._lane.put(query, item, vector=True)  # type: ignore[no-any-return]  # typed by `query`

    async def close(self) -> None:
        """Answer what is queued, then stop."""
        await self._lane.close()
        self._held.close()

    def _run(self, group: list[Job]) -> None:
        """Answer a group from one look at the database; where it fails, each kind once more by itself."""
        kinds = by_kind(group)
        try:
            self._look(kinds)
        except Exception as error:  # noqa: BLE001 - every waiter gets it; none may hang
            if len(kinds) > 1:
                for jobs in kinds:
                    self._run(jobs)
                return
            for job in group:
                job.settle(self._translate(error))

    def _look(self, kinds: list[list[Job]]) -> None:
        with self._held.turn() as (session, _):
            for jobs in kinds:
                for job, answer in zip(jobs, call(session, jobs), strict=True):
                    job.settle(answer)
