"""The composition root: the one place that knows every part and puts them together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from hub.catalog import Catalog
from hub.clock import Clock, SystemClock
from hub.errors import Problem
from hub.files import Secrets, read_files
from hub.intake.accept import Intake
from hub.intake.plan import Rules
from hub.intake.skipped import look_again
from hub.logs import get_logger
from hub.outbox.capacity import Line
from hub.outbox.engine import Engine
from hub.outbox.handover import Elsewhere, Outbox
from hub.pulls.reading import After
from hub.pulls.run import Pulls
from hub.sdk.doors import Doors, open_doors
from hub.sdk.egress import Egress
from hub.settings import Settings, read_secret
from hub.store import Store, open_store
from hub.store.blobs import attachment_key, attachment_url
from hub.store.clock import DatabaseClock, instant, skew_of
from hub.store.folders import make_folder
from hub.store.readiness import Readiness
from hub.store.whereabouts import Whereabouts
from hub.systems import Registry, System, connect
from hub.web.context import Parts
from hub.web.site import make_app
from hub.worker.loop import Worker
from hub.worker.watch import Watch

log = get_logger(__name__)
SKEWED = timedelta(seconds=2)
"""Clocks that are kept right are closer together."""


@dataclass(frozen=True)
class Hub:
    """One process's hub, put together and not yet started."""

    settings: Settings
    clock: Clock
    store: Store
    catalog: Catalog
    registry: Registry
    doors: Mapping[str, Doors]
    engine: Engine
    pulls: Pulls
    intake: Intake
    watch: Watch

    async def close(self) -> None:
        """Let go of the outside and of the database."""
        self.watch.stop()
        for doors in self.doors.values():
            await doors.aclose()
        await self.store.close()


def load_files(settings: Settings, secrets: Secrets = read_secret) -> tuple[Catalog, Registry]:
    """Read and check every file people write, photo addresses signed with this installation's key."""
    key = attachment_key(settings.data_dir)
    return read_files(settings, secrets, lambda sha256: attachment_url(key, settings.address, sha256))


def build(settings: Settings, clock: Clock | None = None) -> Hub:
    """Put a hub together; raises BadFiles, BadSystems or Problem and leaves nothing open."""
    clock = clock or _shared(settings.database)
    catalog, registry = load_files(settings)
    for gap in registry.gaps:
        log.warning("wiring.gap", where=gap.where, reason=gap.reason, path=gap.params["path"])
    doors = {name: _doors(settings, system, clock) for name, system in registry.systems.items()}
    connectors = {name: connect(system, doors[name]) for name, system in registry.systems.items()}
    lines = {
        name: Line(connectors[name], system.limits.in_flight, system.limits.per_second, system.limits.answer_within)
        for name, system in registry.systems.items()
    }
    # Opened last: whatever fails above leaves no file locked behind.
    store = open_store(settings.database, settings.durability)
    _say_skew(store, clock)
    sole = store.writing.dialect.name == "sqlite"
    engine = Engine(store, clock, lines, settings.poll_interval, sole=sole)
    outbox: Outbox = engine if settings.worker else Elsewhere(store)
    rules = Rules(catalog, registry)
    intake = Intake(store, clock, rules, outbox)
    pulls = Pulls(store, clock, registry, connectors, catalog, After(partial(look_again, rules), outbox.ring))
    return Hub(settings, clock, store, catalog, registry, doors, engine, pulls, intake, Watch(clock))


def _shared(database: str) -> Clock:
    """Return the clock of a hub: this machine's own where it is alone, the database's where others share it."""
    return DatabaseClock(SystemClock()) if database.startswith("postgresql") else SystemClock()


def _say_skew(store: Store, clock: Clock) -> None:
    """Say how far this host's clock is from the database's, which the hub goes by from its first word on."""
    with contextlib.suppress(Problem):  # whoever needs the database next says what is wrong with it
        store.read_now(lambda session: instant(session, clock))
    apart = skew_of(clock)
    if apart:
        say = log.warning if abs(apart) > SKEWED else log.info
        say("clock.skew", seconds=round(apart.total_seconds(), 3))


def _doors(settings: Settings, system: System, clock: Clock) -> Doors:
    egress = Egress.parse(system.reaches, allow_loopback=settings.allow_loopback)
    return open_doors(egress, clock)


def make_site(hub: Hub) -> FastAPI:
    """Return the ASGI app of a hub; its lifespan starts and stops the worker half where settings ask for one."""
    kept = hub.settings.retention, hub.settings.retention_share
    worker = Worker(hub.engine, hub.pulls, hub.clock, hub.settings.data_dir, *kept)

    readiness = Readiness(hub.store, hub.settings.data_dir, _photos(hub.settings), hub.clock)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.watch.start()
        looking = asyncio.create_task(readiness.watch())
        if hub.settings.worker:
            await worker.start()
        try:
            yield
        finally:
            looking.cancel()
            if hub.settings.worker:
                await worker.stop()
            await hub.close()

    return make_app(_parts(hub, readiness), lifespan)


def _photos(settings: Settings) -> Whereabouts:
    """Return where photos lie, made here if they are the first, so that nobody moves them unnoticed."""
    folder = settings.data_dir / "blobs"
    make_folder(folder)
    photos = Whereabouts((folder,))
    photos.note()
    return photos


def _parts(hub: Hub, readiness: Readiness) -> Parts:
    ring: Callable[[Iterable[str]], None] = hub.intake.outbox.ring
    return Parts(
        settings=hub.settings,
        clock=hub.clock,
        store=hub.store,
        catalog=hub.catalog,
        registry=hub.registry,
        intake=hub.intake,
        pulls=hub.pulls,
        ring=ring,
        ready=readiness.checks,
        photos=readiness.photos,
        stood_still=lambda: (hub.watch.times, hub.watch.seconds),
        attachment_key=attachment_key(hub.settings.data_dir),
    )
