"""How the Systems fare, the end of a pause, and pulls asked for by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from hub.errors import Problem
from hub.masks import masked
from hub.model.delivery import State
from hub.model.odd import Odd, known
from hub.model.people import Role
from hub.model.system import Breaker, Pull, PullCursor, PullOutcome, SystemState
from hub.outbox.hand import Deed
from hub.outbox.upkeep.resume import resume
from hub.pulls.run import pull_now
from hub.store import Session
from hub.store.query import systems
from hub.store.query.counts import Counts, open_counts
from hub.store.query.open_items import open_counts as items
from hub.systems import PullFlow, System
from hub.web.context import Hub, Parts
from hub.web.lens import BLANK
from hub.web.problems import documented
from hub.web.security import Caller, Keeper, Settler, demand_json
from hub.web.shapes import PLAIN, Reason, Text, View, Word

router = APIRouter(prefix="/systems", tags=["systems"])
Name = Annotated[str, Path(max_length=80, pattern=PLAIN)]
STILL = frozenset({State.WAITING, State.LEASED, State.RETRY, State.TRANSPORTED, State.UNKNOWN})
NEEDS_SOMEBODY = frozenset({State.PARKED, State.MANUAL})


class ReadingView(View):
    """How one pull of a System fares: its last run, and what is open."""

    name: str
    outcome: PullOutcome | Odd | None = Field(description="of the last run; null before the first")
    reason: str = Field(description="why it failed, or why nothing was taken away")
    started_at: datetime | None
    ended_at: datetime | None
    whole_at: datetime | None = Field(description="when every row was last read")
    rows: int
    changed: int
    ended: int
    left_out: int
    open_items: int


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
    pulls: list[ReadingView] = Field(description="what is read from there")


class How(StrEnum):
    """How a System is to be read."""

    ON = "on"
    """On from the mark of the last reading."""
    FROM_START = "from_start"
    """Every row, whatever the mark says."""
    BELIEVE = "believe"
    """Every row; what does not come has ended, even if far fewer rows come than are known."""


class PullView(View):
    """How one pull ended."""

    system: str
    name: str
    outcome: PullOutcome
    whole: bool = Field(description="it read every row, not only what is newer than its mark")
    rows: int
    changed: int = Field(description="rows that were new or said something else than before")
    ended: int = Field(description="rows the System no longer has")
    left_out: int
    noted: int = Field(description="what was met and is an open item now")
    reason: str


@router.get("")
async def list_systems(caller: Keeper, hub: Hub) -> list[SystemView]:
    """List the Systems: a department's own, or all of them for those who keep the hub running; counts are my area's."""
    theirs, area = mine(hub, caller), None if reaches_all(hub, caller) else caller.scope

    def look(session: Session) -> list[SystemView]:
        states, counts = systems.all_states(session), open_counts(session, area)
        read = _Read(systems.latest_pulls(session, hub.clock.now()), systems.cursors(session), items(session))
        return [_view(system, states.get(system.name), counts, read) for system in theirs.values()]

    return await hub.store.read(look)


@router.post("/{system}/resume", status_code=204, dependencies=[Depends(demand_json)], responses=documented(404, 409))
async def resume_system(system: Name, asked: Reason, caller: Settler, hub: Hub) -> None:
    """Let Deliveries flow again after credentials or settings were mended; for those who act in the whole county."""
    demand_mine(hub, caller, system)
    deed = Deed(caller.account, asked.why, hub.clock.now())
    await hub.write(caller.proof, lambda session: resume(session, system, deed))
    hub.ring([system])


@router.post("/{system}/pull", responses=documented(404, 409))
async def pull_system(
    system: Name,
    caller: Settler,
    hub: Hub,
    name: Annotated[Word | None, Query()] = None,
    how: Annotated[How, Query()] = How.ON,
) -> list[PullView]:
    """Read from a System now instead of at its next planned time; for those who act in the whole county."""
    demand_mine(hub, caller, system)
    is_whole, believing = how is not How.ON, how is How.BELIEVE
    reports = await pull_now(hub.pulls, system, name, from_start=is_whole, believing=believing)
    return [PullView(**vars(report) | {"reason": masked(report.reason, BLANK)}) for report in reports]


def mine(hub: Parts, caller: Caller) -> dict[str, System]:
    """Return the Systems the caller may know of."""
    if caller.scope.role is not Role.DEPARTMENT_ADMIN:
        return dict(hub.registry.systems)
    owned = caller.owned(hub.registry)
    return {name: system for name, system in hub.registry.systems.items() if name in owned}


def reaches_all(hub: Parts, caller: Caller) -> bool:
    """Say whether the caller acts in the whole county, as every System of the hub does."""
    return hub.registry.county.division.startswith(caller.scope.prefix)


def demand_mine(hub: Parts, caller: Caller, system: str) -> None:
    """Raise Problem unless the caller may know of a System and acts wherever it does."""
    if system not in mine(hub, caller):
        raise Problem("not_found", 404)
    if not reaches_all(hub, caller):
        raise Problem("system.beyond_reach", 403, system=hub.registry.systems[system].title)


@dataclass(frozen=True)
class _Read:
    """What is remembered of pulls, by System and name."""

    runs: Mapping[tuple[str, str], Pull]
    cursors: Mapping[tuple[str, str], PullCursor]
    items: Mapping[tuple[str, str], int]


def _reading(flow: PullFlow, read: _Read) -> ReadingView:
    key = (flow.system, flow.name)
    run, cursor = read.runs.get(key), read.cursors.get(key)
    return ReadingView(
        name=flow.name,
        outcome=known(PullOutcome, run.outcome) if run else None,
        reason=masked(run.reason, BLANK) if run else "",
        started_at=run.started_at if run else None,
        ended_at=run.ended_at if run else None,
        whole_at=cursor.whole_at if cursor else None,
        rows=run.rows if run else 0,
        changed=run.changed if run else 0,
        ended=run.ended if run else 0,
        left_out=run.left_out if run else 0,
        open_items=read.items.get(key, 0),
    )


def _view(system: System, state: SystemState | None, counts: Counts, read: _Read) -> SystemView:
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
        pulls=[_reading(flow, read) for flow in system.pulls],
    )
