"""What rows of the three Systems may say, with the mistakes departments make, and what the hub has to make of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub.text import comparable
from tests.builders import Loose
from tests.some_connectors.county import SIBLING, VILLAGE

MISSING: Final = object()
"""The field is not there: it says nothing, and what it said before stays."""
SILENT, NONE, BAD = "silent", "none", "bad"
"""Says nothing; says that there is no value; says something nobody understands."""
Option = tuple[object, object]
"""What stands in a field, and what that comes to: one of the three above, or a tuple with the value."""
HEADS: Sequence[Option] = (
    ("陈大山", ("陈大山",)), ("李小河", ("李小河",)), (" 陈大山\u3000", ("陈大山",)), (None, NONE), (MISSING, SILENT),
    ("\u3000", NONE), (True, BAD),
)  # fmt: skip
COUNTS: Sequence[Option] = (
    (4, (4,)), ("４", (4,)), (2, (2,)), (None, NONE), (MISSING, SILENT), ("约4人", BAD), (4.5, BAD),
)  # fmt: skip
LEVELS: Sequence[Option] = (
    ("good", ("good",)), ("poor", ("poor",)), ("ＧＯＯＤ", ("good",)), (None, NONE), (MISSING, SILENT),
    ("sehr gut", BAD),
)  # fmt: skip
PHONES: Sequence[Option] = (
    ("19900000101", ("19900000101",)), ("199-0000-0102", ("19900000102",)), ("无", NONE), (MISSING, SILENT),
    ("1.99E+10", BAD),
)  # fmt: skip
STICKERS: Sequence[object] = ([], ["S-1"], ["S-2"], ["S-1", "S-2"], MISSING)
DOORS: Sequence[object] = ("D-1", "D-2", "D-3", "D-1", "D-2", "D-9", None, MISSING)
"""The ninth is on no list of doors."""
BINS: Sequence[object] = ("B-1", "B-2", "B-1", "B-2", None, MISSING)
UNUSABLE_KEYS = (None, "", "D\x01", "x" * 201, ["D-1"])


FIELDS: Final = {
    "doors": {"head": "household.head_name", "count": "household.member_count", "old": "police"},
    "bins": {"level": "bin.last_level", "door": "doors"},
    "rivers": {"phone": "household.phone", "door": "doors", "bin": "bins"},
}
"""By System and field: the element or issuer it is about."""


@dataclass(frozen=True)
class Said:
    """What a row says, as the hub has to understand it."""

    values: dict[str, object]
    """By element: SILENT, NONE, BAD, or a tuple with the value."""
    codes: dict[str, object]
    """By issuer: SILENT, or the codes as compared."""


class Draw:
    """Takes choices out of one number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, options: Sequence[Loose]) -> Loose:
        self._seed, choice = divmod(self._seed, len(options))
        return options[choice]


def spelled(code: str, draw: Draw) -> str:
    """Write a code as people and exports do."""
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in code)
    return str(draw.of((code, code, f"{code.lower()} ", f"\u3000{wide}", f"{code}\ufeff")))


def made(system: str, name: str, seed: int) -> tuple[dict[str, Any], Said]:
    """Return a row, and what the hub has to make of it."""
    draw = Draw(seed)
    return {"doors": _door, "bins": _bin, "rivers": _river}[system](name, draw)


def amended(content: tuple[dict[str, Any], Said], system: str, name: str, seed: int) -> tuple[dict[str, Any], Said]:
    """Return a row with one field as in a new one, and what the hub has to make of it."""
    row, said = content
    which, rest = divmod(seed, len(FIELDS[system]))
    new_row, new = made(system, name, which)
    field, about = list(FIELDS[system].items())[rest]
    row = {key: value for key, value in row.items() if key != field}
    if field in new_row:
        row[field] = new_row[field]
    values = {element: (new if element == about else said).values[element] for element in said.values}
    codes = {issuer: (new if issuer == about else said).codes[issuer] for issuer in said.codes}
    return row, Said(values, codes)


def _door(name: str, draw: Draw) -> tuple[dict[str, Any], Said]:
    (head, heads), (count, counts), old = draw.of(HEADS), draw.of(COUNTS), draw.of(STICKERS)
    stickers = old if old is MISSING else [{"by": "police", "text": spelled(each, draw)} for each in old]
    row = {"door": spelled(name, draw), "village": draw.of((VILLAGE, SIBLING)), "address": f"幸福路{name}号",
           "head": head, "count": count, "old": stickers}  # fmt: skip
    values = {"household.head_name": heads, "household.member_count": counts}
    return _present(row), Said(values, {"police": SILENT if old is MISSING else {comparable(each) for each in old}})


def _bin(name: str, draw: Draw) -> tuple[dict[str, Any], Said]:
    (level, levels), door = draw.of(LEVELS), draw.of(DOORS)
    row = {"bin": spelled(name, draw), "door": _named(door, draw), "level": level}
    return _present(row), Said({"bin.last_level": levels}, {"doors": _code(door)})


def _river(name: str, draw: Draw) -> tuple[dict[str, Any], Said]:
    (phone, phones), door, of_bin = draw.of(PHONES), draw.of(DOORS), draw.of(BINS)
    row = {"near": spelled(name, draw), "door": _named(door, draw), "bin": _named(of_bin, draw), "phone": phone}
    return _present(row), Said({"household.phone": phones}, {"doors": _code(door), "bins": _code(of_bin)})


def _named(code: object, draw: Draw) -> object:
    return spelled(code, draw) if isinstance(code, str) else code


def _code(code: object) -> object:
    if code is MISSING:
        return SILENT
    return set() if code is None else {comparable(str(code))}


def _present(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not MISSING}
