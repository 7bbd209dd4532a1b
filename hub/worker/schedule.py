"""Which jobs run when. APScheduler keeps time in memory; the database knows what was done, so it catches up once."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from hub.clock import Clock
from hub.pulls.run import Pulls, planned, pull_due
from hub.systems import PullFlow

ZONE = ZoneInfo("Asia/Shanghai")
LOOK_EVERY = timedelta(minutes=1)
"""How often a pull looks whether its slot is still open: bounds how late a pull starts after a restart or failure."""
Job = Callable[[], Awaitable[object]]


def schedule(pulls: Pulls, chores: Iterable[tuple[str, timedelta, Job]], clock: Clock) -> AsyncIOScheduler:
    """Return the scheduler, not yet started: one job per pull, and the hub's own chores."""
    scheduler = AsyncIOScheduler(
        timezone=ZONE, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    now = clock.now()
    for flow in planned(pulls):
        trigger = IntervalTrigger(seconds=int(min(flow.every, LOOK_EVERY).total_seconds()), timezone=ZONE)
        scheduler.add_job(
            _pull_job(pulls, flow), trigger, id=f"pull/{flow.system}/{flow.name}", name="pull", next_run_time=now
        )
    for name, every, job in chores:
        scheduler.add_job(job, IntervalTrigger(seconds=int(every.total_seconds()), timezone=ZONE), id=name, name=name)
    return scheduler


def _pull_job(pulls: Pulls, flow: PullFlow) -> Job:
    async def pull() -> None:
        await pull_due(pulls, flow)

    return pull
