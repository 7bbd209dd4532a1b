"""serve, work, migrate: the commands that run the hub itself."""

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
import uvicorn
import uvloop
import yaml

from hub.app import Hub, build, make_site
from hub.cli.say import err, out, read_settings, speaking
from hub.clock import civil_day
from hub.errors import Problem
from hub.logs import configure_logs, get_logger
from hub.private import close_to_others
from hub.settings import Settings
from hub.store.blobs import drop_leftovers
from hub.store.migrate import is_current
from hub.store.migrate import migrate as migrate_database
from hub.store.query import divisions, people
from hub.web.connections import guarded_by, open_gate
from hub.worker.loop import Worker
from hub.worker.stop import stop

log = get_logger(__name__)
BEHIND_PEOPLE = 10
"""How much nicer (`nice(1)`) a worker of its own is: on one machine with `hub serve`, who submits goes first."""


def serve() -> None:
    """Serve the pages and the API, and deliver in the background (HUB_WORKER=false leaves that to `hub work`)."""
    stop.listen()
    settings = read_settings()
    configure_logs(settings.log_level)
    with speaking(settings):
        _close_to_others(settings)
        migrate_database(settings.database, stop.heed)
        stop.heed()
        _run(_serve(settings))
    stop.hear_no_more()


def _close_to_others(settings: Settings) -> None:
    """Close what is kept to everybody else on this machine, and say where that could not be done."""
    for path in close_to_others(settings.database, settings.data_dir):
        log.warning("files.exposed", path=str(path))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop, and let the threads at the database have their turn soon.

    A thread that comes back from the disk waits this long for the loop to let go; by default ten times as long, and a
    commit has a dozen such moments.
    """
    sys.setswitchinterval(0.0005)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def _serve(settings: Settings) -> None:
    drop_leftovers(settings.data_dir)
    hub = build(settings)
    if not stop.asked:
        await _prepare(hub)
    _stand()
    server = uvicorn.Server(
        uvicorn.Config(
            make_site(hub),
            host=settings.host,
            port=settings.port,
            http=guarded_by(open_gate(hub.catalog.messages)),
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=20,
        )
    )
    # uvicorn hears signals itself while it serves, and gives ours back then; in between nothing may be missed.
    stop.obey_with(lambda: setattr(server, "should_exit", True))
    if stop.asked:
        await hub.close()
        return
    await server.serve()


def _stand() -> None:
    """Count what was loaded as there to stay, and look for garbage only in what comes now."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


async def _prepare(hub: Hub) -> None:
    """Put in what a new database needs: divisions, and somebody who may sign in."""
    settings, now = hub.settings, hub.clock.now()
    if settings.seed_divisions is not None:
        lines, today = divisions.read_lines(settings.seed_divisions), civil_day(now)
        await hub.store.write(
            lambda session: divisions.is_empty(session) and divisions.import_lines(session, lines, today, now)
        )
    if settings.seed_accounts is not None:
        rows = yaml.safe_load(settings.seed_accounts.read_text(encoding="utf-8"))["accounts"]
        await hub.store.write(lambda session: people.seed_accounts(session, rows, now))
        return
    county = hub.registry.county.division
    first = await hub.store.write(lambda session: people.ensure_first_operator(session, county, now))
    if first is not None:
        login, password = first
        err.print(f"首次启动：账号 {login}，一次性口令 {password}（登录后须立即修改，不再显示）", style="bold")
        err.print(f"first start: account {login}, one-time password {password} (change it at sign-in; shown once)")


def work(once: Annotated[bool, typer.Option(help="Deliver what is due now, then stop.")] = False) -> None:
    """Deliver and pull in a process of its own, beside `hub serve` on PostgreSQL."""
    if not once:
        stop.listen()
        os.nice(BEHIND_PEOPLE)
    settings = read_settings()
    configure_logs(settings.log_level)
    with speaking(settings):
        _close_to_others(settings)
        stop.heed()
        _run(_work(settings, once=once))
    stop.hear_no_more()


async def _work(settings: Settings, *, once: bool) -> None:
    hub = build(settings)
    if not await hub.store.read(lambda session: is_current(session.connection())):
        await hub.close()
        raise Problem("store.other_schema", 503)
    if once:
        await hub.engine.drain()
        await hub.close()
        return
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    # Not by the loop's own handlers: they end with it, and a second signal just then would look like a crash.
    stop.obey_with(lambda: None if loop.is_closed() else loop.call_soon_threadsafe(told.set))
    if not stop.asked:
        kept = settings.retention, settings.retention_share
        worker = Worker(hub.engine, hub.pulls, hub.clock, settings.data_dir, *kept)
        _stand()
        hub.watch.start()
        await worker.start()
        await told.wait()
        await worker.stop()
    await hub.close()


def migrate() -> None:
    """Bring the database to this version's schema."""
    settings = read_settings()
    with speaking(settings):
        migrate_database(settings.database)
        out.print(f"{datetime.now(UTC):%H:%M:%S} 数据库已是最新 / the database is current")  # noqa: TID251 - a word to the terminal
