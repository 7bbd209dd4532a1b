"""Code sets: schemas/codes/<set>.csv. Dates say when a code is offered; it is understood for ever."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from hub.catalog.contents import Code
from hub.catalog.documents import Fault, read_table

COLUMNS = ["code", "zh", "en", "valid_from", "valid_to"]
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")


def read_codes(root: Path) -> tuple[dict[str, tuple[Code, ...]], list[Fault]]:
    """Return every code set by name."""
    sets: dict[str, tuple[Code, ...]] = {}
    faults: list[Fault] = []
    for path in sorted((root / "schemas/codes").glob("*.csv")):
        file = path.relative_to(root).as_posix()
        rows, problems = read_table(path, file, COLUMNS)
        problems += _set_faults(rows or [], file)
        faults += problems
        sets[path.stem] = () if problems or not rows else tuple(_code(row) for row in rows)
        if rows == []:
            faults.append(Fault(file, "", "catalog.codes_empty"))
    return sets, faults


def _set_faults(rows: list[dict[str, str]], file: str) -> list[Fault]:
    faults: list[Fault] = []
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        faults += [
            Fault(file, f"/{line}/{column}", reason, {"code": row["code"]}) for column, reason in _row_faults(row)
        ]
        if row["code"] in seen:
            faults.append(Fault(file, f"/{line}/code", "catalog.code_repeated", {"code": row["code"]}))
        seen.add(row["code"])
    return faults


def _row_faults(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    if not _CODE.fullmatch(row["code"]):
        yield "code", "catalog.code_form"
    yield from ((lang, "catalog.code_title") for lang in ("zh", "en") if not row[lang].strip())
    dates = {column: _date(row[column]) for column in ("valid_from", "valid_to")}
    if dates["valid_from"] is None:
        yield "valid_from", "catalog.code_date"
    if row["valid_to"] and (dates["valid_to"] is None or dates["valid_to"] < (dates["valid_from"] or date.min)):
        yield "valid_to", "catalog.code_date"


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _code(row: dict[str, str]) -> Code:
    valid_to = _date(row["valid_to"])
    return Code(row["code"], {"zh": row["zh"], "en": row["en"]}, date.fromisoformat(row["valid_from"]), valid_to)
