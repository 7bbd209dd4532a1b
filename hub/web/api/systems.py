"""How the Systems fare, the end of a pause, and pulls asked for by hand."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from hub.errors import Problem
from hub.masks import masked
from hub.model.delivery import State
from hub.model.odd import Odd, known
from hub.model.people import Role
from hub.model.system import Breaker, PullOutcome, SystemState
from hub.outbox.hand import Deed
from hub.outbox.upkeep.resume import resume
from hub.pulls.run import pull_now
from hub.store import Session
from hub.store.query import systems
from hub.store.query.counts import Counts, open_counts
from hub.systems import System
from hub.web.context import Hub, Parts
from hub.web.lens import BLANK
from hub.web.problems import documented
from hub.web.security import Caller, Keeper, Settler, demand_json
from hub.web.shapes import PLAIN, Reason, Text, View, Word

router = APIRouter(prefix="/systems", tags=["systems"])
Name = Annotated[str, Path(max_length=80, pattern=PLAIN)]
STILL = frozenset({State.WAITING, State.LEASED, State.RETRY, State.TRANSPORTED, State.UNKNOWN})
NEEDS_SOMEBODY = frozenset({State.PARKED, State.MANUAL})


class SystemView(View):
    """One System and how it fares."""

    system: str
    title: Text
    owner: str
    connector: str
    simulated: bool
    breaker: Breaker | Odd
    paused_reason: str
    last_success_at: datetime | None
    waiting: int = Field(description="not settled yet, within my own division")
    parked: int = Field(description="waiting for a person, within my own division")


class PullView(View):
    """How one pull ended."""

    system: str
    name: str
    outcome: PullOutcome
    rows: int
    left_out: int
    reason: str


@router.get("")
async def list_systems(caller: Keeper, hub: Hub) -> list[SystemView]:
    """List the Systems: a department's own, or all of them for those who keep the hub running; counts are my area's."""
    mine, area = _mine(hub, caller), None if _reaches_all(hub, caller) else caller.scope

    def look(session: Session) -> list[SystemView]:
        states, counts = systems.all_states(session), open_counts(session, area)
        return [_view(system, states.get(system.name), counts) for system in mine.values()]

    return await hub.store.read(look)


@router.post("/{system}/resume", status_code=204, dependencies=[Depends(demand_json)], responses=documented(404, 409))
async def resume_system(system: Name, asked: Reason, caller: Settler, hub: Hub) -> None:
    """Let Deliveries flow again after credentials or settings were mended; for those who act in the whole county."""
    _demand_mine(hub, caller, system)
    deed = Deed(caller.account, asked.why, hub.clock.now())
    await hub.write(caller.proof, lambda session: resume(session, system, deed))
    hub.ring([system])


@router.post("/{system}/pull", responses=documented(404, 409))
async def pull_system(
    system: Name, caller: Settler, hub: Hub, name: Annotated[Word | None, Query()] = None
) -> list[PullView]:
    """Read from a System now instead of at its next planned time; for those who act in the whole county."""
    _demand_mine(hub, caller, system)
    reports = await pull_now(hub.pulls, system, name)
    return [PullView(**vars(report) | {"reason": masked(report.reason, BLANK)}) for report in reports]


def _mine(hub: Parts, caller: Caller) -> dict[str, System]:
    """Return the Systems the caller may know of."""
    if caller.scope.role is not Role.DEPARTMENT_ADMIN:
        return dict(hub.registry.systems)
    owned = caller.owned(hub.registry)
    return {name: system for name, system in hub.registry.systems.items() if name in owned}


def _reaches_all(hub: Parts, caller: Caller) -> bool:
    """Say whether the caller acts in the whole county, as every System of the hub does."""
    return hub.registry.county.division.startswith(caller.scope.prefix)


def _demand_mine(hub: Parts, caller: Caller, system: str) -> None:
    """Raise Problem unless the caller may know of a System and acts wherever it does."""
    if system not in _mine(hub, caller):
        raise Problem("not_found", 404)
    if not _reaches_all(hub, caller):
        raise Problem("system.beyond_reach", 403, system=hub.registry.systems[system].title)


def _view(system: System, state: SystemState | None, counts: Counts) -> SystemView:
    state = state or SystemState(system=system.name)
    return SystemView(
        system=system.name,
        title=Text(**system.title),
        owner=system.owner,
        connector=system.connector_kind,
        simulated=system.simulated,
        breaker=known(Breaker, state.breaker),
        paused_reason=masked(state.paused_reason, BLANK),
        last_success_at=state.last_success_at,
        waiting=sum(counts[system.name, one] for one in STILL),
        parked=sum(counts[system.name, one] for one in NEEDS_SOMEBODY),
    )
