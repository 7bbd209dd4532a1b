"""Which jobs run when. APScheduler keeps time in memory; the database knows what was done, so it catches up once."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from hub.clock import Clock
from hub.pulls.due import Rounds

ZONE = ZoneInfo("Asia/Shanghai")
Job = Callable[[], Awaitable[object]]


def schedule(rounds: Rounds, chores: Iterable[tuple[str, timedelta, Job]], clock: Clock) -> AsyncIOScheduler:
    """Return the scheduler, not yet started: one job for all pulls, first at once, and the hub's own chores."""
    scheduler = AsyncIOScheduler(
        timezone=ZONE, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    scheduler.add_job(rounds.look, _each(rounds.every), id="pulls", name="pulls", next_run_time=clock.now())
    for name, every, job in chores:
        scheduler.add_job(job, _each(every), id=name, name=name)
    return scheduler


def _each(every: timedelta) -> IntervalTrigger:
    return IntervalTrigger(seconds=int(every.total_seconds()), timezone=ZONE)
