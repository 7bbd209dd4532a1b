"""Rows as lines of JSON and back, the same for both databases. Decides nothing."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import JSON, Column, Connection, Date, LargeBinary, String, Table, cast, column, insert, select, table
from sqlalchemy.types import TypeEngine

from hub.model import METADATA
from hub.model.column import Blob, Instant, Json, UtcDateTime

AT_ONCE = 1_000
FORGOTTEN = frozenset({"session", "sign_in_failure", "heartbeat"})
"""Not copied: nobody stays signed in over a restore, which may undo that somebody was locked out."""
Row = Mapping[str, Any]


def copied_tables() -> list[Table]:
    """Return the tables of a copy, those that others point at first."""
    return [each for each in METADATA.sorted_tables if each.name not in FORGOTTEN]


def kind_of(of: Column[Any]) -> str:
    """Return how a column's values are written: bytes, instant, day, json or plain."""
    kinds = ((LargeBinary, "bytes"), (UtcDateTime, "instant"), (Date, "day"), (JSON, "json"))
    return next((kind for type_, kind in kinds if isinstance(of.type, type_)), "plain")


def kinds_of(source: Table) -> dict[str, str]:
    """Return each column's kind, in order."""
    return {str(each.name): kind_of(each) for each in source.columns}


def lines(connection: Connection, source: Table) -> Iterator[bytes]:
    """Yield each row as one line; JSON is read as text, so that SQL's NULL and JSON's null stay two things."""
    kinds = kinds_of(source)
    wanted = [cast(each, String).label(each.name) if kinds[each.name] == "json" else each for each in source.columns]
    query = select(*wanted).order_by(*source.primary_key)
    for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
        yield orjson.dumps([_written(kind, value) for kind, value in zip(kinds.values(), row, strict=True)]) + b"\n"


def _written(kind: str, value: Any) -> Any:  # noqa: ANN401 - any stored value
    if value is None:
        return None
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "json":
        return [orjson.loads(value) if isinstance(value, str) else value]
    return value.isoformat() if isinstance(value, datetime | date) else value


def _read(kind: str, value: Any) -> Any:  # noqa: ANN401 - any stored value
    if value is None:
        return None
    match kind:
        case "bytes":
            return base64.b64decode(value)
        case "instant":
            return datetime.fromisoformat(value)
        case "day":
            return date.fromisoformat(value)
        case "json":
            return JSON.NULL if value[0] is None else value[0]
        case _:
            return value


_TYPES: dict[str, TypeEngine[Any] | type[TypeEngine[Any]] | None] = {
    "bytes": Blob,
    "instant": Instant,
    "day": Date,
    "json": Json,
    "plain": None,
}


def load(connection: Connection, name: str, kinds: Mapping[str, str], written: Iterable[bytes]) -> int:
    """Put lines into a table and return how many; its columns are the copy's, whatever the model has today."""
    target = table(name, *(column(each, _TYPES[kind]) for each, kind in kinds.items()))
    pending, count = iter(written), 0
    while chunk := list(islice(pending, AT_ONCE)):
        rows = [
            {name: _read(kind, value) for (name, kind), value in zip(kinds.items(), orjson.loads(line), strict=True)}
            for line in chunk
        ]
        connection.execute(insert(target), rows)
        count += len(rows)
    return count
