"""One run under way: which readings it makes, how it ends, and what stays open after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hub.catalog import Catalog
from hub.clock import Clock
from hub.failpoint import passing
from hub.logs import get_logger
from hub.model.open_item import ItemKind, ItemState
from hub.model.system import Pull, PullCursor, PullOutcome
from hub.pulls.closing import Found, end_vanished, namesakes
from hub.pulls.items import LONGEST_FINGERPRINT, PULL_ITEMS, Items
from hub.pulls.pace import Pace
from hub.pulls.read import Reader
from hub.pulls.reading import After, Reading, ReadingContext, Tally, date_back
from hub.pulls.shared import shared_codes
from hub.pulls.work import PullProvenance
from hub.sdk import Connector
from hub.store import Session, Store
from hub.store.query import open_items, pull_rows, systems
from hub.store.query.open_items import ItemKey, RaisedItem
from hub.systems import PullFlow, Registry
from hub.text import comparable

log = get_logger(__name__)
LEAST_SHARE = 0.5
"""A complete reading with this share of the rows known before, or less, is doubted (F72): ended codes open no door."""
ROW_ITEMS = frozenset(ItemKind) - PULL_ITEMS - {ItemKind.PLACES_TO_LINK}


@dataclass(frozen=True)
class Pulls:
    """All that running pulls needs."""

    store: Store
    clock: Clock
    registry: Registry
    connectors: Mapping[str, Connector]
    catalog: Catalog
    after: After = field(default_factory=After)
    pace: Pace = field(default_factory=Pace)
    _readers: dict[tuple[str, str], Reader] = field(default_factory=dict, init=False)

    def reader(self, flow: PullFlow) -> Reader:
        """Return what reads the rows of a pull; making one takes longer than an empty reading."""
        key = (flow.system, flow.name)
        if key not in self._readers:
            self._readers[key] = Reader(flow, self.catalog, self.registry.county)
        return self._readers[key]


@dataclass(frozen=True)
class PullReport:
    """How one run ended."""

    system: str
    name: str
    outcome: PullOutcome
    whole: bool
    rows: int
    changed: int
    ended: int
    left_out: int
    noted: int
    """What this run met that is an open item now."""
    reason: str


@dataclass(frozen=True)
class RunOptions:
    """How a run is to read."""

    slot: datetime
    from_start: bool = False
    """Read every row, whatever the mark says."""
    believing: bool = False
    """End what did not come, even if far fewer rows came than are known: a person has looked."""
    by_hand: bool = False


class Run:
    """One run of one pull."""

    def __init__(self, pulls: Pulls, flow: PullFlow, pull: Pull, asked: RunOptions) -> None:
        self._pulls, self._flow, self._pull, self._asked = pulls, flow, pull, asked
        self._reader = pulls.reader(flow)
        self._items = Items(flow, ())
        self._on, self._whole, self._last = Tally(), Tally(), Tally()
        """Counts of the reading from the mark on, of the whole reading, and of whichever of them came last."""
        self._is_whole = self._is_doubted = False
        self._known_before = 0
        self._failure: RaisedItem | None = None
        self._distrusted = ""
        self._met: list[RaisedItem] = []
        self._solved: list[ItemKey] = []
        self._merge_again: list[str] = []

    async def read(self) -> None:
        """Read on from the mark, then every row if that is due; changes only the second finds were missed before."""
        store, flow = self._pulls.store, self._flow
        mark, there = await store.read(lambda session: (
            systems.cursor(session, flow.system, flow.name), open_items.unsettled(session, flow.system, flow.name)
        ))  # fmt: skip
        if mark is not None and mark.moved_at > self._pulls.clock.now() + systems.SKEW:
            await date_back(store, flow, self._pulls.clock.now())
        self._items = Items(flow, there)
        self._known_before = mark.rows_known if mark is not None else 0
        is_due = self._is_due(mark)
        if mark is not None and mark.cursor and not (mark.distrusted or self._asked.from_start):
            self._on = await self._reading(mark.cursor)
            is_due = is_due or bool(self._on.ahead and not self._items.has(ItemKind.MARK_AHEAD))
        if self._on.complete:  # it has no way but to give everything
            self._whole, self._on = self._on, Tally()
        elif is_due:
            self._whole = await self._reading("")
        if is_due or self._whole.complete:
            await self._judge(lost_some=mark is not None and mark.flow_version == self._reader.version)
        await self._close()

    async def _reading(self, cursor: str) -> Tally:
        reading = Reading(self._means())
        try:
            await reading.read(cursor)
        finally:
            self._last = reading.tally
        return reading.tally

    def _is_due(self, mark: PullCursor | None) -> bool:
        """Say whether every row is to be read: a while ago, or never, or the mark or the wiring is another."""
        if mark is None or mark.whole_at is None or mark.distrusted or self._asked.from_start or not mark.cursor:
            return True
        since = self._pulls.clock.now() - mark.whole_at
        # One that lies ahead of now was written by a clock that was wrong.
        return since.total_seconds() < 0 or since >= self._flow.whole_every or mark.flow_version != self._reader.version

    async def _judge(self, *, lost_some: bool) -> None:
        """End rows that a whole reading did not bring, unless it is doubted; report changes missed before it."""
        self._is_whole = True
        came = len(self._whole.seen)
        few = self._whole.complete and came <= LEAST_SHARE * self._known_before
        self._is_doubted = bool(few and self._known_before and not self._asked.believing)
        if self._is_proof(self._whole) and not self._is_doubted:
            now = self._pulls.clock.now()
            told = PullProvenance(self._whole.as_of or now, now, self._pull.id, flow=self._flow)
            self._whole.ended += await end_vanished(self._means(), self._whole, told)
        missing = RaisedItem(ItemKind.ROWS_MISSING, "open_item.rows_missing", params={"count": self._whole.changed})
        self._say(missing, is_met=lost_some and self._on.as_of is not None and self._whole.changed > 0)
        params = {"count": came, "known": self._known_before}
        self._say(RaisedItem(ItemKind.DOUBTED, "open_item.doubted", params=params), is_met=self._is_doubted)

    def _is_proof(self, whole: Tally) -> bool:
        """Say whether a row that did not come is gone; one that came without a key may be any of them."""
        return whole.complete and (self._asked.believing or not whole.keyless)

    def _means(self) -> ReadingContext:
        pulls = self._pulls
        connector = pulls.connectors[self._flow.system]
        return ReadingContext(
            pulls.store,
            pulls.clock,
            self._flow,
            connector,
            self._reader,
            self._items,
            self._pull.id,
            pulls.pace,
            pulls.after,
        )

    def _say(self, met: RaisedItem, *, is_met: bool) -> None:
        """Note something about the pull as a whole: it is so now, or no longer."""
        if is_met:
            self._met.append(met)
        else:
            self._solved.append(met.key)

    async def _close(self) -> None:
        """Note what a run that came to its end leaves open, and what it solves."""
        ahead = self._whole.ahead or self._on.ahead
        self._say(RaisedItem(ItemKind.MARK_AHEAD, "open_item.mark_ahead", params={"why": ahead}), is_met=bool(ahead))
        taken, described = [*self._on.taken, *self._whole.taken], [*self._on.described, *self._whole.described]
        flow, items, read = self._flow, self._items, self._pulls.store.read
        found: list[Found] = []
        if taken or items.has_any(ItemKind.CODES_TANGLED):  # what this run raised is in `taken`
            shared = await read(lambda session: shared_codes(session, flow, items, taken))
            found.append(([each for each in shared.met if items.shared.get(each.key) != each], shared.solved))
            self._merge_again = shared.merge_again
        if (described or items.has_any(ItemKind.PLACES_TO_LINK)) and self._others_describe():
            found.append(await read(lambda session: namesakes(session, flow, items, described)))
        for met, solved in found:
            self._met += items.named(met, self._pulls.clock.now())
            self._solved += solved
        met, solved = items.rest(is_whole=self._is_whole)
        self._met, self._solved = self._met + met, self._solved + solved
        if self._is_whole:
            self._look_at_rows()

    def _others_describe(self) -> bool:
        """Say whether another System, too, tells what such Places are called."""
        flows = [flow for system in self._pulls.registry.systems.values() for flow in system.pulls]
        return self._flow.describes and any(
            flow.describes and flow.into == self._flow.into and flow.system != self._flow.system for flow in flows
        )

    def _look_at_rows(self) -> None:
        """Count open items of rows that came unchanged; solve those of rows that came no more."""
        is_certain = self._is_proof(self._whole) and not self._is_doubted
        for key, item in self._items.there.items():
            if item.kind not in ROW_ITEMS or not item.row_key or item.state != ItemState.OPEN:
                continue
            if hash(comparable(item.row_key)) not in self._whole.seen:
                self._solved += [key] if is_certain else []
            elif self._items.is_untouched(key) and key not in self._solved:
                self._met.append(RaisedItem(
                    item.kind, item.reason, item.row_key, item.field, item.params, item.value, item.place_id,
                    item.other_place_id, item.mark,
                ))  # fmt: skip

    def fail(self, reason: str, key: str = "open_item.pull_failed", *, is_marks_fault: bool = False) -> None:
        """Note why the run was broken off; a mark it may be due to is trusted no more."""
        fingerprint = f"{key}|{reason}"[:LONGEST_FINGERPRINT]
        self._failure = RaisedItem(ItemKind.PULL_FAILED, key, params={"why": reason}, fingerprint=fingerprint)
        self._distrusted = f"reading on from the mark failed: {reason}" if is_marks_fault and not self._is_whole else ""

    async def end(self) -> PullReport:
        """Close the run's row."""
        pull, now, last = self._pull, self._pulls.clock.now(), self._last
        pull.outcome = PullOutcome.DOUBTED if self._is_doubted else PullOutcome.DONE
        pull.ended_at, pull.whole, pull.reason = now, self._is_whole, ""
        pull.rows, pull.left_out = last.rows, last.left_out
        tallies = {id(tally): tally for tally in (self._on, self._whole, last)}.values()
        pull.changed, pull.ended = sum(each.changed for each in tallies), sum(each.ended for each in tallies)
        if self._is_doubted:
            pull.reason = f"{pull.rows} rows came where {self._known_before} were known; nothing was removed"
        if self._failure is not None:
            pull.outcome, pull.reason = PullOutcome.FAILED, str(self._failure.params["why"])
            self._met, self._solved = [self._failure], []
        else:
            self._solved.append((str(ItemKind.PULL_FAILED), "", ""))
        await self._pulls.store.write(self._ended(now))
        log.info("pull.ended", pull_id=pull.id, system=pull.system, outcome=pull.outcome.value, rows=pull.rows)
        return PullReport(
            pull.system, pull.name, pull.outcome, pull.whole, pull.rows, pull.changed, pull.ended, pull.left_out,
            self._items.noted, pull.reason,
        )  # fmt: skip

    def _ended(self, now: datetime) -> Callable[[Session], None]:
        flow = self._flow

        def write(session: Session) -> None:
            session.merge(self._pull)
            mark = systems.cursor(session, flow.system, flow.name)
            met, solved = [*self._met], [*self._solved]
            if mark is not None:
                self._keep_mark(mark, now)
                session.add(mark)
                quiet = RaisedItem(
                    ItemKind.NOTHING_NEW,
                    "open_item.nothing_new",
                    params={"slots": mark.quiet_slots},
                    fingerprint="quiet",
                )
                is_quiet = bool(flow.quiet_slots and mark.quiet_slots >= flow.quiet_slots)
                if is_quiet:
                    met.append(quiet)
                else:
                    solved.append(quiet.key)
            open_items.settle(session, self._items.of_run(met, solved, now))
            pull_rows.merge_again(session, (flow.system, flow.name), self._merge_again)
            passing("pull.end")

        return write

    def _keep_mark(self, mark: PullCursor, now: datetime) -> None:
        """Keep what this run says of the mark and of the whole."""
        mark.distrusted = self._distrusted
        if self._failure is not None:
            return
        is_new = self._on.changed + self._on.ended + self._whole.changed + self._whole.ended > 0
        mark.quiet_slots = 0 if is_new else mark.quiet_slots + (not self._asked.by_hand)
        if self._is_whole and not self._is_doubted:
            came = len(self._whole.seen)
            mark.whole_at, mark.flow_version = now, self._reader.version
            if self._is_proof(self._whole):
                mark.rows_known, mark.whole_as_of = came, self._whole.as_of
            else:  # nothing has ended, so what is known has not become less
                mark.rows_known = max(came, self._known_before)
