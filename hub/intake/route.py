"""Routing, pure: which Systems a Record is owed to, as what bytes; and for the others, why not."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.catalog import Messages
from hub.mapping import Unmapped, digest, encode
from hub.model.column import new_id
from hub.model.delivery import Delivery, State
from hub.systems import Flow

Row = dict[str, Any]


class Mapped(NamedTuple):
    """What a flow makes of a Record: bytes to deliver, or the reason there are none."""

    payload: bytes = b""
    skip_code: str = ""
    """`condition`: the flow's own."""
    reason: Mapping[str, str] = MappingProxyType({})
    unmapped: Unmapped | None = None
    """Which declared field could not be made: our fault, and for whoever keeps the wiring."""


def map_record(flow: Flow, content: Mapping[str, Any]) -> Mapped:
    """Return what a flow makes of a Record's content."""
    if not flow.matches(content):
        return Mapped(skip_code="condition", reason=flow.otherwise)
    try:
        return Mapped(encode(flow.fields.apply(content)))
    except Unmapped as unmapped:
        return Mapped(unmapped=unmapped)


def unmapped_reason(unmapped: Unmapped, messages: Messages) -> str:
    """Return which field could not be made and why, for whoever can mend the wiring; never a value."""
    key = f"unmapped.{unmapped.reason}"
    return messages.text(key, "zh", **unmapped.params) if key in messages else str(unmapped)


class PastFlow(NamedTuple):
    """The flow something went by, whether or not it is wired still."""

    system: str
    name: str
    version: str
    ordered: bool


def delivery_row(record: Row, flow: Flow | PastFlow, payload: bytes, account_id: str, now: datetime) -> Row:
    """Return a new Delivery of these bytes, due at once."""
    return {
        "id": new_id(),
        "key": f"{record['key']}:{flow.system}/{flow.name}:{record['revision']}",
        "record_id": record["id"],
        "record_key": record["key"],
        "record": record["record"],
        "revision": record["revision"],
        "system": flow.system,
        "flow": flow.name,
        "flow_version": flow.version,
        "intent": "create",
        "payload": payload,
        "digest": digest(payload),
        "account_id": account_id,
        "division": record["division"],
        "state": State.WAITING,
        "due_at": now,
        "lease_token": None,
        "leased_until": None,
        "attempts": 0,
        "after_id": None,
        "order_key": f"{flow.system}/{flow.name}:{record['place_id'] or record['division']}" if flow.ordered else None,
        "repeat": False,
        "amends": "",
        "remote_id": "",
        "reason": "",
        "created_at": now,
        "transported_at": None,
        "settled_at": None,
    }


def withdrawal_row(record: Row, previous: Delivery, now: datetime) -> Row:
    """Return a Delivery that takes back what an earlier one brought, by the flow it went by."""
    flow = PastFlow(previous.system, previous.flow, previous.flow_version, previous.order_key is not None)
    row = delivery_row(record, flow, previous.payload, previous.account_id, now)
    return row | {"intent": "withdraw", "order_key": previous.order_key, "division": previous.division}


def parked_row(record: Row, flow: Flow, reason: str, account_id: str, now: datetime) -> Row:
    """Return a Delivery that is owed but could not be mapped: a person must see it, no attempt is made (F68)."""
    row = delivery_row(record, flow, b"", account_id, now)
    row.update(state=State.PARKED, due_at=None, reason=reason, settled_at=now)
    return row


def waits_at(flow: Flow, content: Mapping[str, Any]) -> str | None:
    """Return the Place of a Record's content that a flow's condition looks at, if it looks at one."""
    places = {name: value for name, value in content.items() if isinstance(value, Mapping) and "aliases" in value}
    asked = (name for path in flow.asks for name in places if f"{path}.".startswith(f"{name}."))
    name = next(asked, None)
    return None if name is None else str(places[name]["id"])


def skip_row(record: Row, flow: Flow, mapped: Mapped, content: Mapping[str, Any]) -> Row:
    """Return why a flow that listens does not get this Record."""
    return unchanged_row(record, flow) | {
        "code": mapped.skip_code,
        "reason_zh": mapped.reason.get("zh", ""),
        "reason_en": mapped.reason.get("en", ""),
        "waits_at": waits_at(flow, content),
    }


def unchanged_row(record: Row, flow: Flow) -> Row:
    """Return that a flow that listens has all of this Record already."""
    return {
        "record_id": record["id"],
        "system": flow.system,
        "flow": flow.name,
        "code": "unchanged",
        "reason_zh": "",
        "reason_en": "",
        "waits_at": None,
    }
