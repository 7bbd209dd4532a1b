"""What must hold of pulls after every step, and what after a quiet whole reading: D22."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.text import comparable
from tests.machine.pull_contents import BAD, NONE, SILENT, Said
from tests.machine.pull_rows import Key, Known, Row
from tests.machine.pull_source import Held, Source


@dataclass
class EverSaid:
    """Everything any row ever said in a story, as the hub has to understand it."""

    values: dict[tuple[str, str, str], list[object]] = field(default_factory=dict)
    """System, key and element -> SILENT, NONE, BAD, or tuples with values."""

    def note(self, system: str, name: str, said: Said) -> None:
        for element, what in said.values.items():
            self.values.setdefault((system, comparable(name), element), []).append(what)


def claims(row: Row) -> set[Key]:
    """Return the codes a row gives its Place, its own among them."""
    return {(row.system, row.row_key), *((issuer, comparable(code)) for issuer, code in row.codes)}


# --- after every step ---------------------------------------------------------------------------------------------


def check_step(before: Known, now: Known, sources: Mapping[str, Source], ever_said: EverSaid) -> None:
    """Check what no step may break, whatever it was."""
    _history_grows(before, now)
    _nothing_is_lost(before, now, sources, ever_said)
    _everything_stands(now)
    opened = [(i.system, i.pull, i.kind, i.row_key, i.field) for i in now.items if i.state == "open"]
    assert len({*opened}) == len(opened), "D22: two open items about one thing"


def check_unmoved(before: Known, now: Known) -> None:
    """What a person decided is moved by no reading."""
    for key, row in before.rows.items():
        stays = now.rows[key].place_id in (row.place_id, now.current(row.place_id))
        assert not row.decided_by or stays, f"D22: {key} was placed by a person"
    for key, code in before.codes.items():
        after = now.codes[key]
        held = (after.place_id, after.decided_by, after.ended_at)
        assert not code.decided_by or held == (code.place_id, code.decided_by, code.ended_at), f"D22: {key} was decided"


def _history_grows(before: Known, now: Known) -> None:
    for name, past in before.history.items():
        assert now.history.get(name) == past, "D22: the history is only added to"
    assert before.rows.keys() <= now.rows.keys()
    assert before.codes.keys() <= now.codes.keys()
    assert before.places.keys() <= now.places.keys()


def _nothing_is_lost(before: Known, now: Known, sources: Mapping[str, Source], ever_said: EverSaid) -> None:
    for key, row in before.live.items():
        system, row_key = key
        after = now.rows[key]
        if after.ended_at is not None:
            there = {comparable(name) for name in _held(sources[system])}
            assert row_key not in there, f"D22: {key} has ended, and is there all the time"
            continue
        for element in row.known.keys() - after.known.keys():
            said = ever_said.values[system, row_key, element]
            assert NONE in said or BAD in said, f"D22: {key} never took {element} back"
        for element, value in after.known.items():
            said = ever_said.values[system, row_key, element]
            assert (value,) in said, f"D22: {key} never said {element} is {value!r}"


def _held(source: Source) -> set[str]:
    """Return the rows nobody touched since they were read; without a key it may be gone to who was told to believe."""
    return {
        name
        for name, held in source.now.held.items()
        if name not in source.touched and not (held.is_keyless and source.is_believed)
    }


def _everything_stands(now: Known) -> None:
    """Rows and codes that have not ended stand on Places that are there, where the row stands that tells them."""
    for key, row in now.live.items():
        place = now.places[row.place_id]
        assert (place.linked_to, place.ended_at) == (None, None), f"{key} stands on a Place that is no more"
        own = now.codes[key]
        assert own.decided_by or (own.ended_at, own.place_id) == (None, row.place_id), f"{key} and its own code parted"
    for key, code in now.codes.items():
        if code.ended_at is not None or code.decided_by:
            continue
        teller = now.rows[code.told_by, code.row_key]
        assert teller.ended_at is None, f"{key} is told by a row that has ended"
        assert teller.place_id == code.place_id, f"{key} does not stand where {code.row_key} stands, which tells it"
        assert key in claims(teller), f"{key} is not told by {code.row_key}"


# --- after a whole reading ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """A whole reading that came to its end: what was known before and after, and what its source held."""

    system: str
    before: Known
    now: Known
    held: Mapping[str, Held]
    """Rows that nobody touched meanwhile."""

    @property
    def items(self) -> set[tuple[str, str, str]]:
        return {(kind, comparable(key), field) for kind, key, field in self.now.unsettled(self.system)}


def check_untouched(reading: Reading) -> None:
    """Every row that stayed as it is while all were read is known as it is."""
    for name, held in reading.held.items():
        key = (reading.system, comparable(name))
        if not held.is_readable or (key[0], key[1]) in _tangled(reading):
            continue
        row = reading.now.live.get(key)
        assert row is not None, f"C01: {key} is there, and is not known after a whole reading"
        assert row.unread_since is None
        _values_are(reading, held.said, row)
        _codes_are(reading, held.said, row)


def _tangled(reading: Reading) -> set[Key]:
    return {(reading.system, key) for kind, key, field in reading.items if kind == "codes_tangled" and not field}


def _values_are(reading: Reading, said: Said, row: Row) -> None:
    key = (row.system, row.row_key)
    was = reading.before.rows.get(key)
    for element, what in said.values.items():
        known = (row.known[element],) if element in row.known else NONE
        if what == SILENT:
            was_known = (was.known[element],) if was is not None and element in was.known else NONE
            assert known in (was_known, NONE), f"{key} says nothing of {element}: it was {was_known}, and is {known}"
        else:
            assert known == (NONE if what == BAD else what), f"{key} says {element} is {what}, and it is {known}"
        is_open = ("value_not_understood", row.row_key, element) in reading.items
        assert is_open == (what == BAD), f"{key}: an item about {element} is {'open' if is_open else 'missing'}"


def _codes_are(reading: Reading, said: Said, row: Row) -> None:
    key = (row.system, row.row_key)
    was = reading.before.rows.get(key)
    for issuer, what in said.codes.items():
        found = {comparable(code) for of, code in row.codes if of == issuer}
        if what == SILENT:
            kept = {comparable(code) for of, code in was.codes if of == issuer} if was else set()
            assert found == kept, f"{key} says nothing of {issuer}: it had {kept}, and has {found}"
        else:
            assert found == what, f"{key} tells {issuer} {what}, and has {found}"


def check_quiet(reading: Reading, *, is_complete: bool) -> None:
    """Nothing changed while all was read: what the hub knows is what the source says."""
    check_untouched(reading)
    there = {(reading.system, comparable(name)) for name in reading.held}
    known = {key for key in reading.now.live if key[0] == reading.system}
    assert not is_complete or known <= there, f"C11: {known - there} vanished, and is known after a whole reading"
    garbled = {comparable(name) for name, held in reading.held.items() if held.is_garbled}
    named = {key for kind, key, _ in reading.items if kind == "row_left_out" and key}
    assert named == garbled or (not is_complete and named >= garbled), f"left out: {garbled}, open: {named}"
    for key in known & {(reading.system, name) for name in garbled}:
        assert reading.now.rows[key].unread_since is not None, f"{key} cannot be read, and is confirmed"
    keyless = any(held.is_keyless for held in reading.held.values())
    assert (("row_left_out", "", "") in reading.items) == keyless, "rows without a key are counted"
    for kind, key, of in reading.items:
        if kind in ("value_not_understood", "codes_tangled") and is_complete:
            assert (reading.system, key) in there, f"{kind} {key} {of} is open, and its row is gone"
