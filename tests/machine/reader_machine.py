"""Everything that can happen between 走村入户 and its reader: rows slide from page to page, come late, vanish."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.machine.drawn import DrawnReadings
from tests.machine.mortal import DIED
from tests.machine.pull_contents import Said
from tests.machine.pull_promises import EverSaid, Reading, check_quiet, check_step, check_untouched
from tests.machine.pull_rows import NOTHING, Known
from tests.machine.pull_stage import How
from tests.machine.reader_stage import ELEMENT, NAME, ReaderStage

VALUES = ("陈大山", "李小河", "王小明")
MOST = 9


@dataclass(frozen=True)
class Change:
    """Rows that are entered or changed at one time, or one that is struck off."""

    numbers: frozenset[int]
    value: str
    when: str


values = st.sampled_from(VALUES)
changes = st.builds(
    Change,
    st.frozensets(st.integers(1, MOST), min_size=1, max_size=5),
    values,
    st.sampled_from(("now", "now", "now", "late", "long_ago", "ahead", "gone", "gone")),
)
hows = st.sampled_from((How(), How(from_start=True), How(from_start=True, believing=True)))
requests = st.integers(1, 8)


class ReaderMachine(DrawnReadings):
    """One story of one System, drawn at random; `stage` and `read` are set by the test."""

    stage: ClassVar[ReaderStage]
    read: ClassVar[Callable[[], Known]]

    def __init__(self) -> None:
        super().__init__()
        self.ever_said = EverSaid()
        self.was = NOTHING

    @initialize(first=st.frozensets(st.integers(1, MOST), min_size=4))
    def begin(self, first: frozenset[int]) -> None:
        self.stage.begin()
        self.enter(Change(first, VALUES[0], "now"))

    @rule(change=changes)
    def enter(self, change: Change) -> None:
        """People enter, change and strike off rows."""
        office = self.stage.office
        if change.when == "gone":
            office.remove(min(change.numbers))
            return
        for number in change.numbers:
            self.ever_said.note(NAME, office.list.key_of(number), Said({ELEMENT: (change.value,)}, {}))
        office.put(sorted(change.numbers), change.value, change.when)

    @rule(how=hows)
    def read_all(self, how: How) -> None:
        self.reading(how)

    @rule(how=hows, some=st.lists(st.tuples(requests, changes), min_size=1, max_size=4))
    def read_while_it_changes(self, how: How, some: list[tuple[int, Change]]) -> None:
        """Rows move between two requests."""
        self.stage.office.meanwhile = [(number, lambda change=change: self.enter(change)) for number, change in some]
        self.reading(how)

    @rule(how=hows, some=st.lists(st.tuples(st.integers(3, 6), changes), min_size=1, max_size=2), value=values)
    def read_what_was_imported(self, how: How, some: list[tuple[int, Change]], value: str) -> None:
        """More rows of one time than fit a page: they can only be read by page number, and slide while they are."""
        self.enter(Change(frozenset(range(1, MOST + 1)), value, "now"))
        self.read_while_it_changes(how, some)

    @rule(how=hows, number=requests)
    def cut(self, how: How, number: int) -> None:
        """It does not answer any more from some request on."""
        self.stage.office.cut_at = number
        self.reading(how)

    @rule(how=hows, number=requests)
    def kill(self, how: How, number: int) -> None:
        """The hub is killed between two requests."""
        self.stage.office.hangs_at = number
        self.reading(how)

    @rule(hours=st.sampled_from((1, 6, 25)))
    def wait(self, hours: int) -> None:
        self.stage.wait(hours=hours)

    @rule(hours=st.sampled_from((-8_760, -1, 1, 8_760)))
    def set_clock(self, hours: int) -> None:
        """Somebody sets the wall clock, here and there: both are hosts of one rack."""
        self.stage.set_clock(hours)

    def look(self) -> None:
        """Check what no step may break."""
        now = self.read()
        if now is not self.was:
            check_step(self.was, now, self.stage.sources, self.ever_said)  # type: ignore[arg-type]  # it holds rows alike
            self.was = now

    def reading(self, how: How) -> None:
        """Read; look at what it came to where all of it was read."""
        office, before = self.stage.office, self.read()
        report = self.stage.pull(NAME, how)
        was_cut = office.cut_at is not None
        office.mend()
        if report is DIED:
            return
        # A list that changes may look as if it went in circles: then nothing is believed, and it is read again.
        may_fail = was_cut or office.touched
        assert report.outcome in ("done", "doubted") or may_fail, f"it failed: {report.reason}"
        if report.outcome == "failed" or not report.whole:
            return
        held = {key: each for key, each in office.now.held.items() if key not in office.touched}
        reading = Reading(NAME, before, self.read(), held)
        if office.touched or report.outcome != "done":
            check_untouched(reading)
        else:
            check_quiet(reading, is_complete=True)

    def end_well(self) -> None:
        """All faults end: a whole reading finds everything, and reading on from it the next change."""
        self.stage.start()
        self.stage.wait(hours=25)
        self.every_promise_holds()
        self.reading(How(from_start=True, believing=True))
        self.every_promise_holds()
        for number, when in enumerate(("now", "late"), 1):
            self.enter(Change(frozenset({number}), VALUES[2], when))
            self.reading(How())
            row = self.read().live[NAME, self.stage.office.list.key_of(number).lower()]
            assert row.known == {ELEMENT: VALUES[2]}, f"what changed {when} after a whole reading was not read"
