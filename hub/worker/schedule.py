"""Which jobs run when. APScheduler keeps time in memory; the database knows what was done, so it catches up once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from hub.clock import Clock
from hub.pulls.due import Rounds

ZONE = ZoneInfo("Asia/Shanghai")
PULLS = "pulls"
KEEP_UP_EVERY_S = 30.0
Job = Callable[[], Awaitable[object]]


def schedule(rounds: Rounds, chores: Iterable[tuple[str, timedelta, Job]], clock: Clock) -> AsyncIOScheduler:
    """Return the scheduler, not yet started: one job for all pulls, first at once, and the hub's own chores."""
    scheduler = AsyncIOScheduler(
        timezone=ZONE, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    scheduler.add_job(rounds.look, _each(rounds.every), id=PULLS, name=PULLS, next_run_time=clock.now())
    for name, every, job in chores:
        scheduler.add_job(job, _each(every), id=name, name=name)
    return scheduler


def plan_anew(scheduler: AsyncIOScheduler, now: datetime) -> None:
    """Bring forward every job whose next run lies farther ahead than it ever should: the clock was set back (C03).

    APScheduler plans by the wall clock. A job planned while that was a year ahead would wait for a year.
    """
    for job in scheduler.get_jobs():
        if job.next_run_time is not None and job.next_run_time - now > job.trigger.interval:
            job.modify(next_run_time=now if job.id == PULLS else now + job.trigger.interval)


def keep_up(scheduler: AsyncIOScheduler, clock: Clock) -> Callable[[], None]:
    """Look again and again, by the loop's steady time, whether the jobs' times may still come; return what ends it."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def look() -> None:
        plan_anew(scheduler, clock.now())
        timers[:] = [loop.call_later(KEEP_UP_EVERY_S, look)]

    timers.append(loop.call_later(KEEP_UP_EVERY_S, look))

    def stop() -> None:
        timers[0].cancel()

    return stop


def _each(every: timedelta) -> IntervalTrigger:
    return IntervalTrigger(seconds=int(every.total_seconds()), timezone=ZONE)
