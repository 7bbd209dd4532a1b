"""Whether this process can keep what it is sent: known by keeping something, seldom, however many ask."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.clock import Clock
from hub.logs import get_logger
from hub.store.blobs import has_room
from hub.store.engine import Store
from hub.store.migrate import is_current
from hub.store.query.journal import beat
from hub.store.whereabouts import Whereabouts

log = get_logger(__name__)
EVERY_S = 0.5
"""Strangers may ask as often as they like; the disk is asked no more often than this."""
LOOK_EVERY_S = 2.0


@dataclass(eq=False)
class Readiness:
    """What must be so for the hub to do its work."""

    store: Store
    data_dir: Path
    photos: Whereabouts
    clock: Clock
    _coming: asyncio.Task[Mapping[str, bool]] | None = None
    """A look that has not begun yet: who asks now waits for it."""
    _looked_at: float = float("-inf")
    _misplaced: set[str] = field(default_factory=set)

    async def checks(self) -> Mapping[str, bool]:
        """Return each thing and whether it is so, from a look that began after the question; raises nothing."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._look_soon())
        return await asyncio.shield(self._coming)

    async def _look_soon(self) -> Mapping[str, bool]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._looked_at + EVERY_S - loop.time()))
        self._coming, self._looked_at = None, loop.time()
        room = await asyncio.to_thread(has_room, self.data_dir)
        return {"database": await self._writes(), "disk": room, "photos": self.photos.is_same()}

    async def _writes(self) -> bool:
        """Say whether a row can be written, in this program's schema, to where the next start will look."""
        now = self.clock.now()
        try:
            return await self.store.write(lambda session: is_current(session.connection()) and beat(session, now))
        except Exception:  # noqa: BLE001 - whatever is wrong, not ready is the answer; the writer's users see the cause
            return False

    async def watch(self) -> None:
        """Say in the log when files go missing and when they are back, also while nobody writes."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Look once, and say what changed."""
        places = {"database": self.store.file, "photos": self.photos}
        now = {name for name, place in places.items() if place is not None and not place.is_same()}
        for name in sorted(now - self._misplaced):
            log.error("files.misplaced", what=name, paths=[str(path) for path in _of(places[name])])
        for name in sorted(self._misplaced - now):
            log.warning("files.back", what=name)
        self._misplaced = now


def _of(place: Whereabouts | None) -> tuple[Path, ...]:
    return place.paths if place is not None else ()
