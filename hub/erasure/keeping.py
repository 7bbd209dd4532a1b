"""Erasing by term, guarded: by a clock that is believed, and never more than a share without a person."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from hub.clock import Clock
from hub.erasure.belief import Belief, Seen, doubted
from hub.erasure.erase import Deed
from hub.erasure.sweep import Swept, erase_older
from hub.errors import Phrase, Problem
from hub.logs import get_logger
from hub.settings import MOST_SHARE
from hub.store import Session, Store
from hub.store.query import retention
from hub.store.query.retention import Told

log = get_logger(__name__)
ALWAYS = 10
"""So many may go whatever the share: a hub of a few dozen must come to an end too."""
SHARE = "share"


def most_at_once(session: Session, share: float) -> int:
    """Return how many Submissions may go in one go without a person."""
    return max(ALWAYS, int(share * retention.kept_count(session)))


@dataclass(frozen=True)
class Allowed:
    """What a person takes upon themselves."""

    share: float
    clock: bool = False
    """They have looked at the clock: it is right."""
    all: bool = False
    """However many there are."""


@dataclass
class Keeping:
    """One process's way to throw things away by age: asks first whether the time can be right."""

    store: Store
    clock: Clock
    share: float = MOST_SHARE
    _belief: Belief = field(default_factory=Belief)

    async def may_clear(self) -> bool:
        """Say whether what is old by the clock may go; the log says why not."""
        return not (await self._look())[0]

    async def erase(self, term: timedelta) -> Swept | None:
        """Erase what was kept for a term; None while the clock is in doubt."""
        why, told = await self._look()
        if why:
            await self._hold(why, told)
            return None
        now = self.clock.now()
        most = await self.store.read(partial(most_at_once, share=self.share))
        swept = await erase_older(self.store, now - term, Deed("", f"kept for {term.days} days", now), most=most)
        await self._hold(SHARE if swept.held else "", told)
        if swept.held:
            log.warning("retention.held", why=SHARE, most=most)
        elif swept.erased:
            log.info("submissions.erased", count=swept.erased, left=swept.left)
        return swept

    async def _look(self) -> tuple[str, Told]:
        """Return why the clock is in doubt, if it is; what it shows is remembered only if it is not."""
        now = self.clock.now()
        told = await self.store.read(partial(retention.told, now=now))
        why = self._belief.doubt(Seen(now, self.clock.monotonic(), told.believed_at, told.newest_at))
        if not why:
            await self.store.write(partial(retention.believe, at=now))
            return "", told
        believed_at = told.believed_at.isoformat() if told.believed_at else ""
        log.warning("clock.doubted", why=why, now=now.isoformat(), believed_at=believed_at)
        return why, told

    async def _hold(self, why: str, told: Told) -> None:
        await self.store.write(partial(retention.hold, why=why, believed_at=told.believed_at))


async def erase_by_hand(store: Store, before: datetime, deed: Deed, allowed: Allowed) -> Swept:
    """Erase beyond a term because a person says so; raises Problem for what they have not expressly allowed."""
    for objection in await objections(store, deed.at, 0, allowed):
        raise objection
    if allowed.clock:
        await store.write(partial(retention.trust, now=deed.at))
    most = await store.read(partial(most_at_once, share=allowed.share))
    swept = await erase_older(store, before, deed, most=None if allowed.all else most)
    if swept.held:
        raise Problem("retention.too_many", 409, most=most)
    return swept


async def objections(store: Store, now: datetime, count: int, allowed: Allowed) -> list[Problem]:
    """Return what speaks against erasing so many by this clock and was not expressly allowed."""
    found = []
    told = await store.read(partial(retention.told, now=now))
    doubt = doubted(Seen(now, 0, told.believed_at, told.newest_at))
    if doubt and not allowed.clock:
        found.append(Problem("retention.clock_doubted", 409, why=Phrase(f"doubt.{doubt}"), now=f"{now:%Y-%m-%d %H:%M}"))
    most = await store.read(partial(most_at_once, share=allowed.share))
    if count > most and not allowed.all:
        found.append(Problem("retention.too_many", 409, most=most))
    return found
