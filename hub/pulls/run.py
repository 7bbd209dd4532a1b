"""Runs one pull: claim its slot, store page by page with the cursor, end with an outcome people can read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.clock import Clock
from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.mapping import Unmapped
from hub.model.system import Pull, PullCursor, PullOutcome
from hub.pulls.merge import Merged, Told, merge_page
from hub.sdk import Connector, Page
from hub.sdk.errors import DeliveryFailure
from hub.store import Session, Store, Taken
from hub.store.query import systems
from hub.systems import PulledRow, PullFlow, Registry

log = get_logger(__name__)
LEAST_SHARE = 0.2
"""A complete pull with this share of the rows known before, or less, is doubted (F72)."""
RETRY_FAILED = timedelta(minutes=5)
NOTED = 20
"""Left-out rows named in a pull's reason; the rest are counted."""
EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Pulls:
    """All that running pulls needs."""

    store: Store
    clock: Clock
    registry: Registry
    connectors: Mapping[str, Connector]


@dataclass(frozen=True)
class PullReport:
    """How one run ended."""

    system: str
    name: str
    outcome: PullOutcome
    rows: int
    left_out: int
    reason: str


def slot_at(now: datetime, every: timedelta) -> datetime:
    """Return the planned time `now` belongs to; missed slots in between are caught up by one run."""
    return EPOCH + ((now - EPOCH) // every) * every


def planned(pulls: Pulls) -> list[PullFlow]:
    """Return every pull of every System."""
    return [flow for system in pulls.registry.systems.values() for flow in system.pulls]


async def pull_due(pulls: Pulls, flow: PullFlow) -> PullReport | None:
    """Run a pull whose slot is open, or that failed a while ago; None when nothing is due or another is at it."""
    now = pulls.clock.now()
    latest = await pulls.store.read(lambda session: systems.latest_pull(session, flow.system, flow.name))
    slot = slot_at(now, flow.every)
    if latest is None or latest.slot_at < slot:
        return await _run(pulls, flow, slot)
    failed = latest.outcome in (PullOutcome.FAILED, PullOutcome.LOST)
    if failed and now - latest.started_at >= RETRY_FAILED:
        return await _run(pulls, flow, now)
    return None


async def pull_now(pulls: Pulls, system: str, name: str | None = None) -> list[PullReport]:
    """Run a System's pulls (or one of them) at once; raises Problem for unknown names or one already running."""
    known = pulls.registry.systems.get(system)
    flows = [flow for flow in (known.pulls if known else ()) if name in (None, flow.name)]
    if not flows:
        raise Problem("pull.unknown", 404, system=system, name=name or "")
    reports = []
    for flow in flows:
        report = await _run(pulls, flow, pulls.clock.now())
        if report is None:
            raise Problem("pull.running", 409, system=system, name=flow.name)
        reports.append(report)
    return reports


async def _run(pulls: Pulls, flow: PullFlow, slot: datetime) -> PullReport | None:
    pull = Pull(
        system=flow.system, name=flow.name, slot_at=slot, started_at=pulls.clock.now(), outcome=PullOutcome.RUNNING
    )
    if not await _claim(pulls, pull):
        return None
    run = _Run(pulls, flow, pull)
    try:
        await run.read()
        outcome, reason = run.verdict()
    except DeliveryFailure as failure:
        outcome, reason = PullOutcome.FAILED, failure.reason
    except Exception as error:
        log.exception("pull.failed", pull_id=pull.id, system=flow.system)
        outcome, reason = PullOutcome.FAILED, f"connector fault: {type(error).__name__}"
    return await run.end(outcome, reason)


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


class _Run:
    """One run under way: its counts and where it stands."""

    def __init__(self, pulls: Pulls, flow: PullFlow, pull: Pull) -> None:
        self._pulls, self._flow, self._pull = pulls, flow, pull
        self._rows, self._complete, self._rows_known = 0, False, 0
        self._left_out: list[str] = []

    async def read(self) -> None:
        """Read pages from where the last run stopped; each is stored with its cursor or not at all."""
        name = (self._flow.system, self._flow.name)
        row = await self._pulls.store.read(lambda session: systems.cursor(session, *name))
        self._rows_known = row.rows_known if row else 0
        connector = self._pulls.connectors[self._flow.system]
        async for page in connector.pull(self._flow.source, row.cursor if row else ""):
            rows = self._read_rows(page)
            merged = await self._pulls.store.write(self._store_page(page, rows))
            passing("pull.committed")
            self._rows += merged.rows
            self._left_out += merged.left_out
            self._complete = page.complete

    def _read_rows(self, page: Page) -> list[PulledRow]:
        self._left_out += [": ".join(filter(None, (each.key, each.reason))) for each in page.left_out]
        rows = []
        for row in page.rows:
            try:
                rows.append(self._flow.read_row(row))
            except Unmapped as unmapped:
                self._left_out.append(str(unmapped))
        return rows

    def _store_page(self, page: Page, rows: list[PulledRow]) -> Callable[[Session], Merged]:
        now = self._pulls.clock.now()
        told = Told(self._flow, page.as_of or now, self._pull.id, now)
        done = self._rows + len(rows)

        def write(session: Session) -> Merged:
            merged = merge_page(session, rows, told)
            kept = systems.cursor(session, self._flow.system, self._flow.name)
            kept = kept or PullCursor(system=self._flow.system, name=self._flow.name, moved_at=now)
            kept.cursor, kept.moved_at = page.cursor, now
            if page.complete:
                kept.rows_known = max(kept.rows_known, done)
            session.add(kept)
            passing("pull.page")
            return merged

        return write

    def verdict(self) -> tuple[PullOutcome, str]:
        """Judge a run that read to the end."""
        if self._complete and self._rows_known and self._rows <= LEAST_SHARE * self._rows_known:
            return (
                PullOutcome.DOUBTED,
                f"{self._rows} rows came where {self._rows_known} were known; nothing was removed",
            )
        return PullOutcome.DONE, ""

    async def end(self, outcome: PullOutcome, reason: str) -> PullReport:
        """Close the run's row."""
        pull, now = self._pull, self._pulls.clock.now()
        pull.outcome, pull.ended_at, pull.rows, pull.left_out = outcome, now, self._rows, len(self._left_out)
        pull.reason = "; ".join(filter(None, (reason, *self._left_out[:NOTED])))

        def write(session: Session) -> None:
            session.merge(pull)
            passing("pull.end")

        await self._pulls.store.write(write)
        log.info("pull.ended", pull_id=pull.id, system=pull.system, outcome=outcome.value, rows=self._rows)
        return PullReport(pull.system, pull.name, outcome, self._rows, len(self._left_out), pull.reason)


async def lose_stale(pulls: Pulls, older_than: timedelta) -> int:
    """Mark runs of dead processes as lost, so that the next may start."""
    now = pulls.clock.now()
    passing("pull.lose")
    return await pulls.store.write(lambda session: systems.lose_running(session, now, now - older_than))
