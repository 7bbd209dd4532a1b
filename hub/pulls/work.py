"""The unit of work of one transaction: the rows, codes and Places it has read, each once, and those it has changed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.model.column import new_id
from hub.model.known import Fate
from hub.pulls.where import RowId, is_told_by, row_id
from hub.store import Session
from hub.store.query import pull_rows
from hub.store.query.pull_rows import Changes, Code, NewPlace, PlaceData, Row
from hub.systems import PullFlow
from hub.text import comparable

CodeKey = tuple[str, str]
"""Issuer, and the code as it is compared."""


@dataclass(frozen=True)
class Provenance:
    """Who says what a unit of work writes: when, and in which run or by which person."""

    as_of: datetime
    now: datetime
    pull_id: str = ""
    account_id: str = ""
    """Not empty: a person says so, and no pull."""
    moves: Fate = Fate.MOVED
    """What the history calls it when something leaves its Place now."""


@dataclass(frozen=True)
class PullProvenance(Provenance):
    """The same for a pull: with its wiring."""

    flow: PullFlow = field(kw_only=True)


@dataclass
class PlaceContents:
    """The rows and codes of one Place."""

    rows: list[Row] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)


def claims(row: Row) -> set[CodeKey]:
    """Return the codes a row gives its Place, its own key among them."""
    return {(row.system, row.row_key), *((issuer, comparable(code)) for issuer, code in row.codes)}


class UnitOfWork:
    """Keeps the rows, codes and Places of one transaction by their keys; `write` writes those that changed."""

    def __init__(self, session: Session, told: Provenance) -> None:
        self._session, self.told = session, told
        self.rows: dict[RowId, Row] = {}
        self.codes: dict[CodeKey, Code] = {}
        self.places: dict[str, PlaceData] = {}
        self.moved: list[tuple[CodeKey, str]] = []
        """Codes that moved, with the Place they left: what named them there is yet to follow."""
        self._new: set[RowId | CodeKey | str] = set()
        self._touched: dict[RowId | CodeKey | str, Row | Code | PlaceData] = {}
        self._contents: dict[str, PlaceContents] = {}
        self._changes = Changes()

    # --- what is there ------------------------------------------------------------------------------------------------

    def load_rows(self, system: str, pull: str, keys: Iterable[str]) -> None:
        """Read rows of a pull."""
        for row in pull_rows.rows_by_key(self._session, system, pull, keys):
            self.rows.setdefault(row_id(row), row)

    def load_codes(self, codes: Iterable[CodeKey]) -> None:
        """Read codes that are not in hand yet."""
        for code in pull_rows.codes_by_key(self._session, [key for key in codes if key not in self.codes]):
            self.codes.setdefault((code.issuer, code.code_key), code)

    def load_places(self, place_ids: Collection[str]) -> None:
        """Read Places that are not in hand yet."""
        for place in pull_rows.places_by_id(self._session, [each for each in place_ids if each not in self.places]):
            self.places.setdefault(place.id, place)

    def current(self, place_id: str) -> str:
        """Return what a Place turned out to be: itself, unless it was linked to another one."""
        passed: set[str] = set()
        while place_id not in passed:
            passed.add(place_id)
            self.load_places([place_id])
            place = self.places.get(place_id)
            place_id = place_id if place is None or place.linked_to is None else place.linked_to
        return place_id

    def revive(self, place_id: str) -> None:
        """Let a Place that had ended be there again, since something stands on it."""
        self.load_places([place_id])
        place = self.places[place_id]
        if place.ended_at is not None:
            place.ended_at = None
            self.touch(place)

    def load_contents(self, place_ids: Collection[str]) -> None:
        """Read all that stands on these Places."""
        missing = {each for each in place_ids if each not in self._contents}
        if not missing:
            return
        for each in missing:
            self._contents[each] = PlaceContents()
        for row in pull_rows.rows_at(self._session, missing):
            self.rows.setdefault(row_id(row), row)
        for code in pull_rows.codes_at(self._session, missing):
            self.codes.setdefault((code.issuer, code.code_key), code)
        # What is in hand may stand here only since this transaction began, and nowhere in the database yet.
        for row in self.rows.values():
            self._join(missing, row)
        for code in self.codes.values():
            self._join(missing, code)

    def _join(self, places: Collection[str], thing: Row | Code) -> None:
        if thing.place_id in places:
            contents = self._contents[thing.place_id]
            (contents.rows if isinstance(thing, Row) else contents.codes).append(thing)  # type: ignore[arg-type]  # its kind

    def contents(self, place_id: str) -> PlaceContents:
        """Return what stands on a Place now; what has left it or ended since it was read is left out."""
        self.load_contents([place_id])
        found = self._contents[place_id]
        # Each once, though it may have left and come back.
        rows = {id(row): row for row in found.rows if row.place_id == place_id and row.ended_at is None}
        codes = {id(code): code for code in found.codes if code.place_id == place_id}
        return PlaceContents([*rows.values()], [*codes.values()])

    def is_alone(self, row: Row) -> bool:
        """Say whether nothing but this row and what it says stands on its Place."""
        contents, me = self.contents(row.place_id), row_id(row)
        others = [each for each in contents.rows if each is not row]
        return not others and all(is_told_by(code, me) for code in contents.codes if code.ended_at is None)

    # --- what becomes of it -------------------------------------------------------------------------------------------

    def add_place(self, place: NewPlace) -> None:
        """Make a Place."""
        self.places[place.id] = place
        self._new.add(place.id)
        self._changes.new_places.append(place)

    def add_row(self, row: Row) -> None:
        """Keep a row that was never told before."""
        key = row_id(row)
        self.rows[key] = row
        self._new.add(key)
        self._changes.new_rows.append(row)
        if row.place_id in self._contents:
            self._contents[row.place_id].rows.append(row)

    def add_code(self, code: Code) -> None:
        """Keep a code nobody knew."""
        key = (code.issuer, code.code_key)
        self.codes[key] = code
        self._new.add(key)
        self._changes.new_codes.append(code)
        if code.place_id in self._contents:
            self._contents[code.place_id].codes.append(code)

    def touch(self, thing: Row | Code | PlaceData) -> None:
        """Write a thing that was there before and is not the same any more."""
        match thing:
            case Row():
                key: RowId | CodeKey | str = row_id(thing)
            case Code():
                key = (thing.issuer, thing.code_key)
            case PlaceData():
                key = thing.id
        if key not in self._new:
            self._touched[key] = thing

    def put(self, thing: Row | Code, place_id: str) -> None:
        """Let a row or code stand on a Place."""
        if isinstance(thing, Code) and thing.ended_at is None:
            self.moved.append(((thing.issuer, thing.code_key), thing.place_id))
        thing.place_id = place_id
        self.touch(thing)
        self._join(self._contents, thing)

    def remember_code(self, code: Code, fate: Fate, moved_to: str | None = None) -> None:
        """Note in the history of its Place that a code stands there no more."""
        of = {"system": code.told_by, "pull": code.pull, "row_key": code.row_key}
        at = code.ended_at or self.told.as_of
        self._remember(of, fate, {"issuer": code.issuer, "value": code.code, "since": code.since, "at": at,
                                  "place_id": code.place_id, "moved_to": moved_to})  # fmt: skip

    def remember_value(self, row: Row, element: str, since: datetime, fate: Fate) -> None:
        """Note in the history of its Place what a row said before."""
        of = {"system": row.system, "pull": row.pull, "row_key": row.row_key}
        self._remember(of, fate, {"element": element, "value": row.known[element], "since": since,
                                  "at": self.told.as_of, "place_id": row.place_id})  # fmt: skip

    def _remember(self, of: dict[str, str], fate: Fate, what: dict[str, Any]) -> None:
        blank = {"element": "", "issuer": "", "moved_to": None}
        run = {"id": new_id(), "fate": fate, "pull_id": self.told.pull_id, "account_id": self.told.account_id}
        self._changes.history.append({**run, **blank, **of, **what})

    def changed_places(self) -> frozenset[str]:
        """Return the Places that were there before and that rows or codes came to, left, or changed at."""
        things = (*self._touched.values(), *self._changes.new_rows, *self._changes.new_codes)
        told = {thing.id if isinstance(thing, PlaceData) else thing.place_id for thing in things}
        return frozenset(told - {each.id for each in self._changes.new_places})

    def write(self) -> None:
        """Write it."""
        for thing in self._touched.values():
            match thing:
                case Row():
                    self._changes.rows.append(thing)
                case Code():
                    self._changes.codes.append(thing)
                case PlaceData():
                    self._changes.places.append(thing)
        pull_rows.write(self._session, self._changes)


class MergeUnitOfWork(UnitOfWork):
    """A unit of work of one pull: merges its rows, or ends them."""

    told: PullProvenance

    def load(self, keys: Iterable[str], codes: Iterable[CodeKey]) -> None:
        """Read rows of this pull, and codes."""
        self.load_rows(self.told.flow.system, self.told.flow.name, keys)
        self.load_codes(codes)
