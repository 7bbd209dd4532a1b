"""Parts a page of a System's list into rows that can be handed on and rows that cannot. Pure."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from hub.sdk.contract import LeftOut
from hub.sdk.errors import Unavailable

Row = Mapping[str, Any]
_NAMES = {list: "a list", str: "a text", type(None): "null"}


def keyed_rows(
    listed: Sequence[object], key: str, *, told: Container[int] = ()
) -> tuple[tuple[Row, ...], tuple[LeftOut, ...]]:
    """Return the rows that say their key, and those that do not, each named by its place on the page; none twice.

    `told` holds the places, from 1, of rows that were handed on before. A page on which nothing is an object is no page
    of rows, and Unavailable: the shape of the answer has changed, not that of a row.
    """
    if len(listed) > 1 and not any(isinstance(each, dict) for each in listed):
        raise Unavailable(f"none of the {len(listed)} rows of a page is an object")
    rows, left_out = list[Row](), list[LeftOut]()
    for place, each in enumerate(listed, 1):
        if place in told:
            continue
        fault = _fault(each, key)
        if fault:
            left_out.append(LeftOut("", f"row {place} of its page {fault}"))
        elif isinstance(each, dict):
            rows.append(each)
    return tuple(rows), tuple(left_out)


def _fault(row: object, key: str) -> str:
    """Return what is wrong with a row, or nothing."""
    if not isinstance(row, dict):
        return f"is {_NAMES.get(type(row), 'a number')}, not an object"
    told = row.get(key)
    if isinstance(told, int) and not isinstance(told, bool):
        return ""
    return "" if isinstance(told, str) and told.strip() else f"has no {key}"
