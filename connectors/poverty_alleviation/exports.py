"""The exports of households this System lays out each night: which one counts, and what is in it. Pure."""

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from connectors.poverty_alleviation.mapping import BEIJING, CHARSET
from hub.sdk import LeftOut, Misconfigured, Page, Unavailable

COLUMNS: Final = ("户编号", "户码", "监测类型", "年人均收入", "成员")
FLAG: Final = ".ok"
"""A file counts only when a file of its name plus this lies beside it, which both sides write last.

For an export it may say how many rows there are.
"""
FORGIVEN: Final = timedelta(days=1)
"""How far an export may be named ahead of the hub's time: clocks and zones of other offices."""
_MEMBER: Final = ("name", "relation", "idNumber")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_NAME: Final = re.compile(rf"households_[A-Za-z0-9_.-]{{1,60}}\.csv{re.escape(FLAG)}")
_DATED: Final = re.compile(r"households_[0-9]{14}\.csv")
_CODE: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Choice:
    """The export that counts, and what lies ahead of it and cannot count."""

    name: str
    ahead: str = ""


@dataclass(frozen=True)
class Export:
    """A whole export: its name and bytes."""

    name: str
    data: bytes

    @property
    def mark(self) -> str:
        """What tells it from every other, also from another one laid out under its name."""
        return f"{self.name}@{hashlib.sha256(self.data).hexdigest()[:16]}"


def snapshot_time(name: str) -> datetime | None:
    """Return when an export named `households_<version>.csv` was made, if its version is a time."""
    if not _DATED.fullmatch(name):
        return None
    try:
        return datetime.strptime(name, "households_%Y%m%d%H%M%S.csv").replace(tzinfo=BEIJING).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def newest_export(listed: Sequence[str], now: datetime) -> Choice:
    """Return the newest export whose flag is there; one named for a day to come counts only if there is no other.

    One that is named for no time counts only if none is, the last by name.
    """
    names = sorted(name.removesuffix(FLAG) for name in listed if _NAME.fullmatch(name))
    times = {name: at for name in names if (at := snapshot_time(name))}
    past = [name for name, at in times.items() if at <= now + FORGIVEN]
    if not names:
        raise Unavailable(f"no export of households lies in pull with its {FLAG}")
    name = max(past or times or names)
    passed = [each for each in names if each > name or (each == name and each in times and each not in past)]
    told = f"exports named for a time to come, or for none: {', '.join(passed[:3])}; now it is {now:%Y-%m-%d %H:%M} UTC"
    return Choice(name, told if passed else "")


def read_ahead(cursor: str, name: str) -> str:
    """Say so if a cursor names a later export than the newest there: that one is gone, or a backup was restored."""
    known = cursor.partition("#")[0].partition("@")[0]
    if known <= name or snapshot_time(known) is None:
        return ""
    return f"the export read last, {known[:80]}, lies ahead of the newest there, {name}; that is read instead"


def require_whole(export: Export, flag: bytes) -> None:
    """Raise Unavailable for an export that breaks off, or has not the number of rows its flag promises."""
    if export.data and not export.data.endswith(b"\n"):
        raise Unavailable(f"{export.name} breaks off in the middle of a line")
    rows = export.data.rstrip(b"\r\n").count(b"\n")
    promised = flag.strip().decode("ascii", "replace")[:20]
    if promised and promised.lstrip("0") != str(rows).lstrip("0"):
        raise Unavailable(f"{export.name} has {rows} rows, and its {FLAG} says {promised}")


def pages(export: Export, cursor: str, size: int) -> Iterator[Page]:
    """Yield an export from where a cursor stands in it; the last page's cursor is the bare mark."""
    mark, start = export.mark, 0
    if cursor.startswith(f"{mark}#"):
        start = int(cursor.removeprefix(f"{mark}#"))
    found, at, is_whole = islice(households(export.data), start, None), start, not start
    part = list(islice(found, size))
    while True:
        following = list(islice(found, size))
        at += len(part)
        left_out = tuple(each for each in part if isinstance(each, LeftOut))
        is_whole = is_whole and all(each.key for each in left_out)
        rows = tuple(each for each in part if not isinstance(each, LeftOut))
        position = f"{mark}#{at}" if following else mark
        yield Page(rows, position, snapshot_time(export.name), is_whole and not following, left_out)
        if not following:
            return
        part = following


def households(export: bytes) -> Iterator[dict[str, Any] | LeftOut]:
    """Yield each household of an export, and each line that cannot be read, with its file number if that can be."""
    lines = export.rstrip(b"\r\n").split(b"\n")
    try:
        titles = _cells(lines[0])
    except (UnicodeDecodeError, csv.Error):
        titles = []
    if titles != list(COLUMNS):
        raise Misconfigured(f"the export no longer has the columns {'、'.join(COLUMNS)}")
    for number, line in enumerate(lines[1:], 2):
        try:
            yield _household(_cells(line))
        except (ValueError, csv.Error) as failure:
            code = _CODE.fullmatch(line.partition(b",")[0])
            yield LeftOut(code[0].decode() if code else "", f"line {number} of the export: {_fault(failure)}")


def _fault(failure: Exception) -> str:
    """Say what is wrong with a line, without its content."""
    if isinstance(failure, UnicodeDecodeError):
        return f"it is not in {CHARSET}"
    return "its quotes do not match" if isinstance(failure, csv.Error) else str(failure)


def _household(cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"it has {len(cells)} cells instead of {len(COLUMNS)}")
    file_number, household_code, monitored_type, income, members = cells
    if not file_number.strip():
        raise ValueError(f"it has no {COLUMNS[0]}")
    return {
        "fileNumber": file_number,
        "householdCode": household_code,
        "monitoredType": monitored_type,
        "incomeYuan": _number(income),
        "members": [_member(each) for each in members.split(";") if each],
    }


def _member(text: str) -> dict[str, str] | str:
    """Return a member; what has other parts than it should stays a text, which the hub names as not understood."""
    parts = text.split("|")
    return dict(zip(_MEMBER, parts, strict=True)) if len(parts) == len(_MEMBER) else text


def _number(text: str) -> float | str | None:
    """Return a number; what is none stays a text, which the hub names as not understood."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode(CHARSET).rstrip("\r")], strict=True), [])
