"""What the database holds of pulls after a step, read past the hub on a connection of its own."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from json import loads
from typing import NamedTuple

from tests.builders import Loose
from tests.machine.rows import tables

Key = tuple[str, str]
"""System and key as compared: a row. Or issuer and code as compared."""


class Row(NamedTuple):
    """A PullRow."""

    system: str
    row_key: str
    place_id: str
    digest: str
    codes: Loose
    known: Loose
    unread_since: Loose
    ended_at: Loose
    decided_by: str


class Code(NamedTuple):
    """An Alias."""

    issuer: str
    code_key: str
    place_id: str
    is_key: bool
    told_by: str
    row_key: str
    ended_at: Loose
    decided_by: str


class KnownPlace(NamedTuple):
    """A Place."""

    id: str
    linked_to: str | None
    ended_at: Loose


class HistoryEntry(NamedTuple):
    """A PlaceHistory."""

    id: str
    place_id: str
    element: str
    issuer: str
    value: Loose
    fate: str
    moved_to: str | None


class Item(NamedTuple):
    """An OpenItem."""

    id: str
    system: str
    pull: str
    kind: str
    row_key: str
    field: str
    state: str


class Run(NamedTuple):
    """A Pull."""

    id: str
    system: str
    outcome: str
    whole: bool


KINDS: dict[str, type[Loose]] = {
    "pull_row": Row, "alias": Code, "place": KnownPlace, "place_history": HistoryEntry, "open_item": Item, "pull": Run,
}  # fmt: skip


@dataclass
class Known:
    """Everything of one moment."""

    rows: dict[Key, Row]
    codes: dict[Key, Code]
    places: dict[str, KnownPlace]
    history: dict[str, HistoryEntry]
    items: list[Item]
    runs: list[Run]

    @property
    def live(self) -> dict[Key, Row]:
        """Rows that have not ended."""
        return {key: row for key, row in self.rows.items() if row.ended_at is None}

    def is_decided(self, key: Key) -> bool:
        """Say whether a person said where a code stands."""
        return key in self.codes and bool(self.codes[key].decided_by)

    def current(self, place_id: str) -> str:
        """Return what a Place turned out to be, itself for nearly all."""
        linked = self.places[place_id].linked_to
        return place_id if linked is None else self.current(linked)

    def company(self) -> dict[str, list[Row]]:
        """Rows that have not ended, by Place."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.live.values():
            found[row.place_id].append(row)
        return found

    def unsettled(self, system: str) -> set[tuple[str, str, str]]:
        """Kind, key and field of what is open or dismissed."""
        return {(i.kind, i.row_key, i.field) for i in self.items if i.system == system and i.state != "solved"}


NOTHING = Known({}, {}, {}, {}, [], [])


def _parsed(row: Row) -> Row:
    """SQLite gives JSON as text."""
    return row._replace(codes=loads(row.codes), known=loads(row.known)) if isinstance(row.codes, str) else row


def reader(url: str) -> tuple[Callable[[], Known], Callable[[], None]]:
    """Return what reads a database's rows, the same object while nobody wrote, and what ends its connection."""
    read, close = tables(url, KINDS)
    last: tuple[Loose, Known] = (None, NOTHING)

    def known() -> Known:
        nonlocal last
        found = read()
        if found is not last[0]:
            last = found, _known(found)
        return last[1]

    return known, close


def _known(tables: dict[str, list[Loose]]) -> Known:
    """Put what was read in order."""
    return Known(
        {(row.system, row.row_key): _parsed(row) for row in tables["pull_row"]},
        {(code.issuer, code.code_key): code for code in tables["alias"]},
        {place.id: place for place in tables["place"]},
        {past.id: past for past in tables["place_history"]},
        tables["open_item"],
        tables["pull"],
    )
