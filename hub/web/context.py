"""What the composition root hands the web edge, and how an operation gets hold of it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from hub.catalog import Catalog
from hub.clock import Clock
from hub.intake.accept import Intake
from hub.model.people import Proof, Role
from hub.pulls.run import Pulls
from hub.settings import Settings
from hub.store import Session, Store
from hub.store.query import people
from hub.store.whereabouts import Whereabouts
from hub.systems import Registry
from hub.web.hashing import Hashing
from hub.web.lens import Lens

T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """Everything an operation may use; made once, in hub.app."""

    settings: Settings
    clock: Clock
    store: Store
    catalog: Catalog
    registry: Registry
    intake: Intake
    pulls: Pulls
    ring: Callable[[Iterable[str]], None]
    """Wake the workers of these Systems: there is something to send."""
    ready: Callable[[], Awaitable[Mapping[str, bool]]]
    """What must be so for the hub to do its work, each true or false; raises nothing."""
    stood_still: Callable[[], tuple[int, float]]
    """How often this process's event loop was blocked for about a second or more, and how many seconds together."""
    attachment_key: bytes = field(repr=False)
    """What signs photo addresses for Systems."""
    lenses: dict[Role, Lens] = field(default_factory=dict, repr=False)
    """What views are drawn with, made once for each kind of eyes."""
    photos: Whereabouts = field(default_factory=Whereabouts, repr=False)
    """Where photos lie, or lay when the hub began."""
    hashing: Hashing = field(default_factory=Hashing, repr=False)
    """Where passwords are hashed and checked, a few at a time."""

    async def write(self, proof: Proof, write: Callable[[Session], T]) -> T:
        """Run a write in somebody's name; raises Problem and writes nothing if what they showed ended meanwhile."""

        def judged(session: Session) -> T:
            people.demand_standing(session, proof)
            return write(session)

        return await self.store.write(judged)


async def parts_of(request: Request) -> Parts:
    """Return the parts of the app that answers this request; async, as FastAPI runs plain dependencies in threads."""
    parts: Parts = request.app.state.parts
    return parts


Hub = Annotated[Parts, Depends(parts_of)]
