"""Runs one pull: claim its slot, read on from its mark or from the start, end with an outcome people can read."""

from datetime import datetime, timedelta

from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.system import Pull, PullOutcome
from hub.pulls.reading import Unending
from hub.pulls.under_way import PullReport, Pulls, Run, RunOptions
from hub.sdk.errors import DeliveryFailure, Refused
from hub.store import Session, Taken
from hub.store.query import systems
from hub.systems import PullFlow

log = get_logger(__name__)
RETRY_FAILED = timedelta(minutes=5)
EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
__all__ = ["PullReport", "Pulls", "lose_stale", "planned", "pull_due", "pull_now", "slot_at"]


def slot_at(now: datetime, every: timedelta) -> datetime:
    """Return the planned time `now` belongs to; missed slots in between are caught up by one run."""
    return EPOCH + ((now - EPOCH) // every) * every


def planned(pulls: Pulls) -> list[PullFlow]:
    """Return every pull of every System."""
    return [flow for system in pulls.registry.systems.values() for flow in system.pulls]


async def pull_due(pulls: Pulls, flow: PullFlow) -> PullReport | None:
    """Run a pull whose slot is open, or that failed a while ago; None when nothing is due or another is at it."""
    now = pulls.clock.now()
    latest = await pulls.store.read(lambda session: systems.latest_pull(session, flow.system, flow.name, now))
    slot = slot_at(now, flow.every)
    if latest is None or latest.slot_at < slot:
        report = await _run(pulls, flow, RunOptions(slot))
        if report is None and await _is_taken_from_ahead(pulls, flow, slot):
            return await _run(pulls, flow, RunOptions(now))
        return report
    failed = latest.outcome in (PullOutcome.FAILED, PullOutcome.LOST)
    if failed and now - latest.started_at >= RETRY_FAILED:
        return await _run(pulls, flow, RunOptions(now))
    return None


async def _is_taken_from_ahead(pulls: Pulls, flow: PullFlow, slot: datetime) -> bool:
    """Say whether this slot was used up before it came, by a run of a host whose clock was ahead."""
    now = pulls.clock.now()
    return await pulls.store.read(lambda session: systems.ran_ahead(session, (flow.system, flow.name), slot, now))


async def pull_now(
    pulls: Pulls, system: str, name: str | None = None, *, from_start: bool = False, believing: bool = False
) -> list[PullReport]:
    """Run a System's pulls (or one of them) at once; raises Problem for unknown names or one already running."""
    known = pulls.registry.systems.get(system)
    flows = [flow for flow in (known.pulls if known else ()) if name in (None, flow.name)]
    if not flows:
        raise Problem("pull.unknown", 404, system=system, name=name or "")
    reports = []
    for flow in flows:
        report = await _run(pulls, flow, RunOptions(pulls.clock.now(), from_start, believing, by_hand=True))
        if report is None:
            raise Problem("pull.running", 409, system=system, name=flow.name)
        reports.append(report)
    return reports


async def _run(pulls: Pulls, flow: PullFlow, asked: RunOptions) -> PullReport | None:
    pull = Pull(
        system=flow.system, name=flow.name, slot_at=asked.slot, started_at=pulls.clock.now(),
        outcome=PullOutcome.RUNNING,
    )  # fmt: skip
    if not await _claim(pulls, pull):
        return None
    run = Run(pulls, flow, pull, asked)
    try:
        await run.read()
    except Refused as refused:
        run.fail(refused.reason, is_marks_fault=True)
    except DeliveryFailure as failure:
        run.fail(failure.reason)
    except Unending as unending:
        run.fail("the reading was broken off", str(unending), is_marks_fault=True)
    except Exception as error:
        log.exception("pull.failed", pull_id=pull.id, system=flow.system)
        run.fail(f"connector fault: {type(error).__name__}", is_marks_fault=True)
    return await run.end()


async def _claim(pulls: Pulls, pull: Pull) -> bool:
    """Insert the run; the unique slot and the unique running row let exactly one through."""

    def insert(session: Session) -> None:
        session.add(pull)

    try:
        await pulls.store.write(insert)
    except Taken:
        return False
    passing("pull.claimed")
    return True


async def lose_stale(pulls: Pulls, older_than: timedelta) -> int:
    """Set the outcome of runs whose process died to `lost`, so that the next may start."""
    now = pulls.clock.now()
    passing("pull.lose")
    return await pulls.store.write(lambda session: systems.lose_running(session, now, now - older_than))
