"""Writes the division table: bitemporal, so that what we once knew can still be asked. Rows are never edited away."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session, col, select

from hub.errors import FieldFault, Problem
from hub.model.characters import unholdable
from hub.model.place import Division
from hub.store.query.turns import take_turns

COLUMNS = ("code", "level", "name", "parent_code")
LEVELS = ("province", "prefecture", "county", "town", "village", "community")
CHILDREN = frozenset({"village", "community"})
"""Levels that are never the top of a list."""
MOST_FAULTS = 50
"""Faults of one list that are told; the rest shows when these are mended."""
_FULL_CODE = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class DivisionLine:
    """One division as a published list gives it."""

    code: str
    level: str
    name: str
    parent_code: str
    line: int = 0
    """Where it stands in the file."""


def read_lines(path: Path, encoding: str = "utf-8") -> list[DivisionLine]:
    """Read a list (CSV: code, level, name, parent_code in any order); raises Problem naming every line at fault.

    The encoding is never guessed: half a list in UTF-8 would pass for one in GB18030, with other names.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise Problem("division.not_utf8", 422, file=path.name) from error
    lines, faults = _parsed(text)
    if faults:
        raise Problem("division.bad_list", 422, faults[:MOST_FAULTS])
    return lines


def _parsed(text: str) -> tuple[list[DivisionLine], list[FieldFault]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [word.strip().lower() for word in next(reader, [])]
    if sorted(header) != sorted(COLUMNS):
        return [], [FieldFault("/1", "division_header", {"columns": ",".join(COLUMNS)})]
    lines: list[DivisionLine] = []
    faults: list[FieldFault] = []
    first: dict[str, int] = {}
    for row in reader:
        number = reader.line_num - sum(cell.count("\n") for cell in row)
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(COLUMNS):
            faults.append(FieldFault(f"/{number}", "csv_row", {"columns": len(COLUMNS)}))
            continue
        cells = {column: cell.strip() for column, cell in zip(header, row, strict=True)}
        line = DivisionLine(cells["code"], cells["level"].lower(), cells["name"], cells["parent_code"], number)
        faults += [
            FieldFault(f"/{number}/{column}", code, params) for column, code, params in _line_faults(line, first)
        ]
        first.setdefault(line.code, number)
        lines.append(line)
    return lines, faults


def _line_faults(line: DivisionLine, first: Mapping[str, int]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield (column, code, parameters) for what is wrong with one line."""
    if not _FULL_CODE.fullmatch(line.code):
        yield "code", "division_form", {}
    elif line.code in first:
        yield "code", "division_repeated", {"line": first[line.code]}
    if line.level not in LEVELS:
        yield "level", "division_level", {"levels": ", ".join(LEVELS)}
    yield from _name_faults(line.name)
    if line.parent_code and not _FULL_CODE.fullmatch(line.parent_code):
        yield "parent_code", "division_form", {}
    elif line.parent_code == line.code or (line.level in CHILDREN and not line.parent_code):
        yield "parent_code", "division_parent", {"code": line.parent_code or "—"}


def _name_faults(name: str) -> Iterator[tuple[str, str, dict[str, object]]]:
    bad = unholdable(name)
    if not name:
        yield "name", "required", {}
    elif bad is not None:
        yield "name", "character", vars(bad)
    elif "\n" in name or "\t" in name or "\r" in name:
        yield "name", "one_line", {}


def is_empty(session: Session) -> bool:
    """Say whether no list was ever imported."""
    return session.exec(select(Division.id).limit(1)).first() is None


def import_lines(session: Session, lines: Iterable[DivisionLine], valid_from: date, now: datetime) -> int:
    """Record a list as valid from a day; return how many divisions are new or changed. Raises Problem, writing nothing.

    What is known to be valid from a later day stays: an older list is history only. A renamed or moved division keeps
    its old row, ended on that day; a code not in the list is left alone, since lists of one county are imported
    beside others.
    """
    take_turns(session, ["divisions"])
    listed = list(lines)
    known: dict[str, list[Division]] = defaultdict(list)
    for row in session.exec(select(Division).where(col(Division.superseded_at).is_(None))):
        known[row.code].append(row)
    _demand_parents(listed, known)
    ends = _ends_of_newcomers(known, valid_from)
    return sum(_note(session, line, known[line.code], _Listing(valid_from, now, ends)) for line in listed)


@dataclass(frozen=True)
class _Listing:
    """One list: from when it is valid, when we learnt of it, and until when what it alone names was."""

    valid_from: date
    now: datetime
    ends: Mapping[str, date]


def _demand_parents(lines: Sequence[DivisionLine], known: Mapping[str, object]) -> None:
    """Raise Problem for parents that neither this list nor one before names."""
    there = {*known, *(line.code for line in lines)}
    faults = [
        FieldFault(f"/{line.line}/parent_code", "division_parent", {"code": line.parent_code})
        for line in lines
        if line.parent_code and line.parent_code not in there
    ]
    if faults:
        raise Problem("division.bad_list", 422, faults[:MOST_FAULTS])


def _ends_of_newcomers(known: Mapping[str, Sequence[Division]], day: date) -> dict[str, date]:
    """Return by parent when a newer list began: what an older one names and that did not, had ended by then."""
    ends: dict[str, date] = {}
    for row in (row for rows in known.values() for row in rows):
        if row.valid_from > day:
            ends[row.parent_code] = min(row.valid_from, ends.get(row.parent_code, row.valid_from))
    return ends


def _note(session: Session, line: DivisionLine, timeline: list[Division], listing: _Listing) -> bool:
    """Note what a list says of one division from its day on, until what is known next; say whether that is news."""
    day = listing.valid_from
    then = next(
        (row for row in timeline if row.valid_from <= day and (row.valid_to is None or day < row.valid_to)), None
    )
    if then is not None and (then.name, then.level, then.parent_code) == (line.name, line.level, line.parent_code):
        return False
    if then is None:
        after = [row.valid_from for row in timeline if row.valid_from > day]
        until = min(after) if after else (None if timeline else listing.ends.get(line.parent_code))
    else:
        until = then.valid_to
        _end(session, then, timeline, listing)
    row = Division(
        code=line.code, level=line.level, name=line.name, parent_code=line.parent_code,
        valid_from=day, valid_to=until, recorded_at=listing.now,
    )  # fmt: skip
    timeline.append(row)
    session.add(row)
    return True


def _end(session: Session, then: Division, timeline: list[Division], listing: _Listing) -> None:
    """Supersede the row that covers the day by one that says until when it was, if it was before."""
    then.superseded_at = listing.now
    timeline.remove(then)
    session.add(then)
    if then.valid_from < listing.valid_from:
        ended = Division(**then.model_dump(exclude={"id", "superseded_at"}))
        ended.valid_to, ended.recorded_at = listing.valid_from, listing.now
        timeline.append(ended)
        session.add(ended)
