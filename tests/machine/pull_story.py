"""One story of pulls: what rules share, and what its people do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from hub.pulls import decide
from hub.store.query.open_items import Decision
from tests.builders import Loose
from tests.machine.mortal import DIED
from tests.machine.pull_contents import UNUSABLE_KEYS, amended, made
from tests.machine.pull_places import check_places
from tests.machine.pull_promises import EverSaid, Reading, check_quiet, check_step, check_unmoved, check_untouched
from tests.machine.pull_rows import NOTHING, Known
from tests.machine.pull_source import Source, Trouble
from tests.machine.pull_stage import How, PullStage
from tests.machine.story import pick_of

ROWS = {"doors": ("D-1", "D-2", "D-3", "D-4"), "bins": ("B-1", "B-2", "B-3"), "rivers": ("N-1", "N-2", "N-3")}
"""By System: the rows its people may enter."""
ENTERS = ("say", "late", "ahead")
"""Kinds of changes that may add a row; the others need one that is there."""
SETTLES_IN = 3
"""Whole readings of every System after which nothing may be left to follow: a river names a bin that names a door."""


@dataclass(frozen=True)
class Change:
    """Something a source's people do to a row."""

    kind: str
    system: str
    number: int
    seed: int

    @property
    def name(self) -> str:
        return str(pick_of(ROWS[self.system], self.number))


class PullStory:
    """What rules share; `stage` and `read` are set by the test, one database for all stories."""

    stage: ClassVar[PullStage]
    read: ClassVar[Callable[[], Known]]

    def __init__(self) -> None:
        super().__init__()
        self.ever_said = EverSaid()
        self.was = NOTHING
        self.people = self.by_person = False
        self.bridged: set[str] = set()

    # --- sources ----------------------------------------------------------------------------------------------------

    def change(self, change: Change) -> None:
        """Let people enter a row, or do something to one that is there."""
        source: Source = self.stage.sources[change.system]
        if change.kind not in ENTERS:
            there = sorted(source.now.held)
            if not there:
                return
            change = replace(change, number=ROWS[change.system].index(pick_of(there, change.number)))
        getattr(self, f"_{change.kind}")(source, change)

    def _say(self, source: Source, change: Change, when: str = "now") -> None:
        content = made(change.system, change.name, change.seed)
        self.ever_said.note(change.system, change.name, content[1])
        source.put(change.name, content, when)

    def _late(self, source: Source, change: Change) -> None:
        self._say(source, change, "late")

    def _ahead(self, source: Source, change: Change) -> None:
        self._say(source, change, "ahead")

    def _amend(self, source: Source, change: Change) -> None:
        """Change one field of a row and leave the others as they are."""
        held = source.now.held[change.name]
        if held.is_readable:
            content = amended((held.row, held.said), change.system, change.name, change.seed)
            self.ever_said.note(change.system, change.name, content[1])
            source.put(change.name, content)

    def _touch(self, source: Source, change: Change) -> None:
        """Let a row move to the end of the list, the same as it was."""
        held = source.now.held[change.name]
        if held.is_readable:
            source.put(change.name, (held.row, held.said))

    def _drop(self, source: Source, change: Change) -> None:
        source.drop(change.name, is_told=True)

    def _vanish(self, source: Source, change: Change) -> None:
        source.drop(change.name, is_told=False)

    def _garble(self, source: Source, change: Change) -> None:
        source.damage(change.name, garble=True)

    def _lose_key(self, source: Source, change: Change) -> None:
        source.damage(change.name, UNUSABLE_KEYS[change.seed % len(UNUSABLE_KEYS)])

    def _swap(self, source: Source, change: Change) -> None:
        """Let two rows say all but their keys of each other: what was filed of one was meant for the other."""
        names = sorted(source.now.held)
        other = names[(names.index(change.name) + 1) % len(names)]
        one, two = (source.now.held[name] for name in (change.name, other))
        if not (one.is_readable and two.is_readable) or one is two:
            return
        for name, mine, theirs in ((change.name, one, two), (other, two, one)):
            self.ever_said.note(change.system, name, theirs.said)
            source.put(name, (theirs.row | {source.key: mine.row[source.key]}, theirs.said))

    # --- readings ---------------------------------------------------------------------------------------------------

    def reading(self, system: str, how: How, trouble: Trouble | None = None) -> Loose:
        """Read a System; look at what it came to where all of it was read."""
        source: Source = self.stage.sources[system]
        before = self.read()
        source.trouble = trouble or Trouble()
        report = self.stage.pull(system, how)
        if report is DIED:
            return None
        assert report.outcome != "failed" or (trouble and trouble.failure), f"{system} failed: {report.reason}"
        if report.outcome in ("done", "doubted") and report.whole:
            quiet = not source.touched
            held = {name: each for name, each in source.now.held.items() if name not in source.touched}
            reading = Reading(system, before, self.read(), held)
            if quiet and report.outcome == "done":
                keyless = any(each.is_keyless for each in held.values())
                check_quiet(reading, is_complete=how.believing or not keyless)
            else:
                check_untouched(reading)
        return report

    # --- people -----------------------------------------------------------------------------------------------------

    def decide(self, deed: Callable[[Loose, Decision], Loose]) -> None:
        """Let a person say where something belongs."""
        word = Decision("bea", "looked there", self.stage.clock.now())
        self.stage.write(lambda session: deed(session, word) and None)
        self.by_person = True

    def link(self, one: int, other: int) -> None:
        places = self.standing()
        if self.people and len(places) > 1:
            place, into = pick_of(places, one), pick_of(places[1:], other)
            into = places[0] if into == place else into
            self.decide(lambda session, word: decide.link(session, place, into, word))

    def part(self, one: int, rows: int, into: int) -> None:
        company = self.read().company()
        shared = sorted(place for place, there in company.items() if len(there) > 1)
        if not (self.people and shared):
            return
        place = pick_of(shared, one)
        there = sorted((row.system, "homes", row.row_key) for row in company[place])
        going = [key for number, key in enumerate(there) if rows >> number & 1][: len(there) - 1] or there[:1]
        others = [None, *(each for each in self.standing() if each != place)]
        target = pick_of(others, into)
        self.decide(lambda session, word: decide.part(session, place, going, target, word))

    def place_code(self, code: int, place: int) -> None:
        codes, places = sorted(self.read().codes), self.standing()
        if self.people and codes:
            what, where = pick_of(codes, code), pick_of(places, place)
            self.decide(lambda session, word: decide.place_code(session, where, what, word))

    def standing(self) -> Sequence[str]:
        """Places that did not turn out to be another."""
        places = self.read().places.values()
        return sorted(place.id for place in places if place.linked_to is None)

    # --- what holds -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Check what no step may break."""
        now = self.read()
        if now is self.was:
            return
        self.bridged |= {row.place_id for row in now.live.values() if row.system == "rivers"}
        check_step(self.was, now, self.stage.sources, self.ever_said)
        if not self.by_person:
            check_unmoved(self.was, now)
        self.was, self.by_person = now, False

    def end_well(self) -> None:
        """All faults end, nothing changes any more: the hub comes to know what its sources say, by its own schedule."""
        stage = self.stage
        stage.die()
        stage.start()
        for source in stage.sources.values():
            source.trouble = Trouble()
            for name, held in [*source.now.held.items()]:
                if held.is_keyless:
                    source.put(name, (held.row | {source.key: name}, held.said))
        stage.wait(hours=49)  # a day at least, however often the clock was set back an hour
        self.look()
        self.demand_whole()
        for system in self.doubted():
            self.reading(system, How(from_start=True, believing=True))
            self.look()
        for _ in range(SETTLES_IN):
            reports = [self.reading(system, How(from_start=True)) for system in stage.sources]
            self.look()
            if not any(report.changed or report.ended for report in reports):
                break
        for system, report in zip(stage.sources, reports, strict=True):
            assert (report.outcome, report.changed, report.ended) == ("done", 0, 0), (
                f"{system} is not at rest: {report}"
            )
        now = self.read()
        assert not [item for item in now.items if (item.kind, item.state) == ("pull_failed", "open")]
        check_places(now, stage.sources, self.bridged)

    def demand_whole(self) -> None:
        """A day has passed: every System was read from the start, whatever the clock did."""
        for system in self.stage.sources:
            last = max((run for run in self.read().runs if run.system == system), key=lambda run: run.id)
            assert last.whole, f"{system} was not read from the start for a day: {last}"

    def doubted(self) -> list[str]:
        """Systems of which far fewer rows came than are known; a person who has looked believes them."""
        return [item.system for item in self.read().items if (item.kind, item.state) == ("doubted", "open")]
