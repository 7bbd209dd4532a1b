"""Writes the division table: bitemporal, so that what we once knew can still be asked. Rows are never edited away."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.place import Division
from hub.store.query.turns import take_turns

COLUMNS = ("code", "level", "name", "parent_code")
_FULL_CODE = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class DivisionLine:
    """One division as a published list gives it."""

    code: str
    level: str
    name: str
    parent_code: str


def read_lines(path: Path) -> Iterator[DivisionLine]:
    """Read a list (CSV in UTF-8: code, level, name, parent_code); raises Problem for a line that is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("division.not_utf8", 422, file=path.name) from error
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        values = [(row.get(column) or "").strip() for column in COLUMNS]
        if not _FULL_CODE.fullmatch(values[0]) or not values[2]:
            raise Problem("division.bad_line", 422, file=path.name, line=number)
        yield DivisionLine(*values)


def import_lines(session: Session, lines: Iterable[DivisionLine], valid_from: date, now: datetime) -> int:
    """Record a list as valid from a day; return how many divisions are new or changed.

    A renamed or moved division keeps its old row, ended on that day; a code not in the list is left alone, since lists
    of one county are imported beside others.
    """
    take_turns(session, ["divisions"])
    query = select(Division).where(col(Division.valid_to).is_(None), col(Division.superseded_at).is_(None))
    current = {row.code: row for row in session.exec(query)}
    changed = 0
    for line in lines:
        known = current.get(line.code)
        if known is not None and (known.name, known.level, known.parent_code) == (
            line.name,
            line.level,
            line.parent_code,
        ):
            continue
        if known is not None:
            _end(session, known, valid_from, now)
        current[line.code] = _row(line, valid_from, now)
        session.add(current[line.code])
        changed += 1
    return changed


def _row(line: DivisionLine, valid_from: date, now: datetime) -> Division:
    return Division(
        code=line.code,
        level=line.level,
        name=line.name,
        parent_code=line.parent_code,
        valid_from=valid_from,
        recorded_at=now,
    )


def _end(session: Session, known: Division, valid_to: date, now: datetime) -> None:
    """Supersede the row that said it is valid still by one that says until when it was."""
    known.superseded_at = now
    ended = Division(**known.model_dump(exclude={"id", "superseded_at"}))
    ended.valid_to, ended.recorded_at = valid_to, now
    session.add_all([known, ended])
