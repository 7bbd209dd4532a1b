"""Everything that can happen between Systems and the hub that reads them, as rules for Hypothesis.

As in hub_machine.py no rule has a precondition: one that finds nothing to do does nothing.
"""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from hub.sdk import Misconfigured, Refused, Unavailable
from tests.machine.drawn import DRAWN_SEEDS, PICKS, DrawnReadings
from tests.machine.pull_source import Trouble
from tests.machine.pull_stage import KEYS, POINTS, How
from tests.machine.pull_story import Change, PullStory

systems = st.sampled_from(sorted(KEYS))
numbers = st.integers(0, 3)
seeds, picks = DRAWN_SEEDS, PICKS
enters = st.builds(Change, st.just("say"), systems, numbers, seeds)
WORK = ("amend", "late", "touch", "drop", "vanish", "swap", "garble", "lose_key", "ahead")
kinds = st.sampled_from(("say", "say", "amend", "lose_key", *WORK))
changes = st.builds(Change, kinds, systems, numbers, seeds)
WHOLE = How(from_start=True)
hows = st.sampled_from((How(), WHOLE, WHOLE, How(from_start=True, believing=True)))
FAILURES = (Unavailable("away"), Misconfigured("401"), Refused("no such cursor"), ValueError("not a number"))
WAITS_H = (1, 6, 25)
JUMPS_H = (-8_760, -1, 1, 8_760)


class PullMachine(PullStory, DrawnReadings):
    """One story of three Systems, drawn at random."""

    @initialize(first=st.lists(enters, min_size=6, max_size=12), people=st.booleans())
    def begin(self, first: list[Change], *, people: bool) -> None:
        """In every other story nobody decides anything: what a person placed moves no more."""
        self.stage.begin()
        self.people = people
        for change in first:
            self.change(change)

    # --- sources ----------------------------------------------------------------------------------------------------

    @rule(some=st.lists(enters, min_size=1, max_size=3))
    def enter(self, some: list[Change]) -> None:
        """People enter and change rows."""
        for change in some:
            self.change(change)

    @rule(some=st.lists(changes, min_size=1, max_size=3))
    def work(self, some: list[Change]) -> None:
        """They also delete and damage them."""
        for change in some:
            self.change(change)

    @rule(system=systems)
    def back_up(self, system: str) -> None:
        self.stage.sources[system].back_up()

    @rule(system=systems)
    def restore(self, system: str) -> None:
        """A System is restored from its backup: what was changed since never was."""
        self.stage.sources[system].restore()

    # --- readings ---------------------------------------------------------------------------------------------------

    @rule(system=systems, how=hows, some=st.lists(st.tuples(kinds, numbers, seeds), min_size=1, max_size=4))
    def read_what_changed(self, system: str, how: How, some: list[tuple[str, int, int]]) -> None:
        """It is read in quiet, right after people worked in it."""
        for kind, number, seed in some:
            self.change(Change(kind, system, number, seed))
        self.reading(system, how)

    @rule(system=systems, how=hows, some=st.lists(st.tuples(st.integers(1, 3), changes), min_size=1, max_size=3))
    def read_while_it_changes(self, system: str, how: How, some: list[tuple[int, Change]]) -> None:
        """Rows change between two pages, here and at others."""
        meanwhile = [(page, lambda change=change: self.change(change)) for page, change in some]
        self.reading(system, how, Trouble(meanwhile))

    @rule(system=systems, how=hows, page=st.integers(1, 3), failure=st.sampled_from(FAILURES))
    def fail(self, system: str, how: How, page: int, failure: Exception) -> None:
        """It fails half way."""
        self.reading(system, how, Trouble(fails_at=page, failure=failure))

    @rule(system=systems, how=hows, page=st.integers(1, 3))
    def kill(self, system: str, how: How, page: int) -> None:
        """The hub is killed between two pages, and another process starts."""
        self.stage.sources[system].trouble = Trouble(hangs_at=page)
        self.stage.pull_and_hang(system, how)

    @rule(point=st.sampled_from(POINTS), system=systems, how=hows)
    def die_at(self, point: str, system: str, how: How) -> None:
        """It is killed when next it passes this point."""
        self.stage.die_at(point)
        self.reading(system, how)

    @rule(hours=st.sampled_from(WAITS_H))
    def wait(self, hours: int) -> None:
        """Time passes, and the hub reads what is due, all at once."""
        self.stage.wait(hours=hours)

    @rule(hours=st.sampled_from(JUMPS_H))
    def set_clock(self, hours: int) -> None:
        """Somebody sets the wall clock; no time passes."""
        self.stage.set_clock(hours)

    # --- people -----------------------------------------------------------------------------------------------------

    @rule(one=picks, other=picks)
    def a_person_links(self, one: int, other: int) -> None:
        self.link(one, other)

    @rule(one=picks, rows=picks, into=picks)
    def a_person_parts(self, one: int, rows: int, into: int) -> None:
        self.part(one, rows, into)

    @rule(code=picks, place=picks)
    def a_person_places_a_code(self, code: int, place: int) -> None:
        self.place_code(code, place)
