"""The rows of this System: which columns hold what, and what its flag means. Pure: no I/O."""

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from connectors.target_assessment.settings import Agreed, Settings
from hub.sdk import Intent, Misconfigured, Outgoing, Receipt, Refused, Unavailable
from hub.sdk.tables.shape import Column, Kind, Row, Shape, Value

BEIJING: Final = timezone(timedelta(hours=8))
OPERATIONS: Final[Mapping[Intent, str]] = {"create": "I", "amend": "U", "withdraw": "D"}
_GIVEN: Final[Mapping[type, Kind]] = {str: "text", int: "number", float: "number", bool: "truth"}


def read_columns(settings: Settings) -> tuple[str, ...]:
    """Return the columns that tell what became of a row."""
    return settings.earlier_column, settings.flag_column, settings.message_column


def written_columns(settings: Settings) -> tuple[str, ...]:
    """Return every column the hub may write."""
    own = (settings.key_column, settings.op_column, settings.earlier_column, settings.flag_column)
    time = (settings.time_column,) if settings.time_column else ()
    return *own, *time, *(agreed.column for agreed in settings.columns.values())


def check_shape(shape: Shape, settings: Settings) -> None:
    """Raise Misconfigured when the table is no longer what was agreed on, naming the column."""
    for name in (*written_columns(settings), *read_columns(settings)):
        if name not in shape.columns:
            raise Misconfigured(f"{shape.table}: the column {name} is gone; have it back or change the settings")
    for name, kind in _own_kinds(settings).items():
        if shape.columns[name].kind != kind:
            raise Misconfigured(f"{shape.table}: {name} must hold {kind}")
    for agreed in settings.columns.values():
        room = shape.columns[agreed.column].chars
        if room and agreed.chars and room < agreed.chars:
            raise Misconfigured(f"{shape.table}: {agreed.column} takes {room} characters, {agreed.chars} were agreed")
    if settings.key_column not in shape.unique:
        raise Misconfigured(f"{shape.table}: {settings.key_column} is not unique by itself; rows could be there twice")


def check_filled(shape: Shape, filled: Collection[str]) -> None:
    """Raise Misconfigured when the table asks for more than what is sent."""
    for column in shape.columns.values():
        if column.required and column.name not in filled:
            raise Misconfigured(f"{shape.table}: {column.name} must be filled and nothing is sent for it")


def row_of(outgoing: Outgoing, settings: Settings, shape: Shape, now: datetime) -> Row:
    """Return a delivery as a row; Refused: a value does not fit; Misconfigured: none of its kind can."""
    payload: dict[str, Any] = json.loads(outgoing.payload)
    for field in payload.keys() - settings.columns.keys():
        raise Misconfigured(f"the field {field} has no column; name one for it in `columns`")
    row: dict[str, Value] = {
        settings.key_column: outgoing.key,
        settings.op_column: OPERATIONS[outgoing.intent],
        settings.earlier_column: outgoing.amends or None,
        settings.flag_column: "0" if shape.columns[settings.flag_column].kind == "text" else 0,
    }
    if settings.time_column:
        row[settings.time_column] = now.astimezone(BEIJING).replace(microsecond=0, tzinfo=None)
    for field, value in payload.items():
        agreed = settings.columns[field]
        row[agreed.column] = cell(value, shape.columns[agreed.column], agreed)
    return row


def cell(value: object, column: Column, agreed: Agreed) -> Value:
    """Return a payload's value as its column takes it; never cut, never guessed."""
    if value is None:
        if column.required:
            raise Refused(f"{column.name}: it must be filled there and is empty here", "EMPTY")
        return None
    if isinstance(value, str) and column.kind in ("time", "day"):
        return _moment(value, column)
    if not isinstance(value, str | int | float) or _GIVEN[type(value)] != column.kind:
        raise Misconfigured(f"{column.name} holds {column.kind}, which a JSON {type(value).__name__} is not")
    if isinstance(value, str) and agreed.chars and len(value) > agreed.chars:
        raise Refused(f"{column.name}: {len(value)} characters, {agreed.chars} were agreed; shorten it", "LENGTH")
    if isinstance(value, str) and column.chars and len(value) > column.chars:
        raise Misconfigured(f"{column.name} takes {column.chars} characters, {len(value)} are sent; agree on `chars`")
    return value


def verdict(row: Row, key: str, settings: Settings) -> Receipt:
    """Return what a row's flag says; Refused carries the System's no, Unavailable a flag that says nothing."""
    flag, said = (row[name] for name in (settings.flag_column, settings.message_column))
    state, words = str(flag).strip(), str(said or "").strip()
    if state == "0":
        return Receipt("", accepted=False, answer=f"{settings.flag_column} 0")
    if state == "2":
        raise Refused(words or "退回，未说明原因", code=state)
    if state != "1":
        raise Unavailable(f"{settings.flag_column} is neither 0 (not read) nor 1 (accepted) nor 2 (refused)")
    number = str(row[settings.earlier_column] or key)
    return Receipt(number, message=words, answer=f"{settings.flag_column} 1")


def _own_kinds(settings: Settings) -> dict[str, Kind]:
    """Return what the hub's own columns must hold; a flag may be text or a number."""
    kinds: dict[str, Kind] = {settings.key_column: "text", settings.op_column: "text", settings.earlier_column: "text"}
    return {**kinds, settings.time_column: "time"} if settings.time_column else kinds


def _moment(text: str, column: Column) -> datetime | date:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{column.name}: this is no {column.kind}: yyyy-MM-dd HH:mm:ss is", "TIME") from None
    return found if column.kind == "time" else found.date()
