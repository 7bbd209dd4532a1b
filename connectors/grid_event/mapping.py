"""What the documents inside say: requests to it, its result codes, receipts and rows. Pure: no I/O, no settings."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element

import httpx

from connectors.grid_event.document import child, only, read_xml
from hub.sdk import Intent, Misconfigured, Outgoing, Receipt, Refused, Unavailable
from hub.sdk.answers import unreadable
from hub.sdk.http import inconclusive

# Its rule, 返回码说明: "0000 成功，已入库；1 开头为权限，2 开头为校验，均未入库；9001 繁忙，未入库；其他 9 开头为异常".
SUCCESS: Final = "0000"
BUSY: Final = "9001"
NO_SUCH_EVENT: Final = "2004"
ALREADY_THERE: Final = "2009"
METHODS: Final[Mapping[Intent, str]] = {"create": "event.report", "amend": "event.update", "withdraw": "event.close"}
FIND: Final = "event.find"
WITHDRAWN: Final = "上报方撤回"


@dataclass(frozen=True)
class Answer:
    """A document that answers what was asked."""

    request: httpx.Request
    serial: str
    code: str
    words: str
    body: Element


@dataclass(frozen=True)
class Listed:
    """Rows as it names their fields, where to go on, and whether there is more there."""

    rows: tuple[dict[str, str], ...]
    position: str
    more: bool


def asked(outgoing: Outgoing) -> tuple[str, dict[str, Any]]:
    """Return the method and the body that carry out a delivery."""
    # Numbers go as they are frozen: read as floats, 120.2400 would lose its zeros.
    event = json.loads(outgoing.payload, parse_float=str)
    if outgoing.intent == "create":
        return METHODS["create"], {"event": event}
    named = {"eventNo": outgoing.amends}
    if outgoing.intent == "withdraw":
        return METHODS["withdraw"], {"event": {**named, "reason": WITHDRAWN}}
    return METHODS["amend"], {"event": {**event, **named}}


def read_answer(response: httpx.Response, text: str, method: str, serial: str) -> Answer:
    """Read a document; one that answers another method, or somebody else's serial, is no answer to this."""
    try:
        document = read_xml(text)
        head, body = child(document, "head"), child(document, "body")
        about = document.tag, only(head, "method"), only(head, "serial")
        code, words = only(head, "resultCode"), only(head, "resultMsg")
    except ValueError as failure:
        raise unreadable(response, f"no answer to {method} {serial}: {failure}") from failure
    if about != ("response", method, serial):
        raise unreadable(response, f"no answer to {method} {serial}, but <{about[0]}> to {about[1]} {about[2]}")
    return Answer(response.request, serial, code, words, body)


def accept(answer: Answer) -> Element:
    """Return the body of a success and raise what every other code means."""
    said = f"{answer.code} {answer.words}"
    if answer.code == SUCCESS:
        return answer.body
    if answer.code == BUSY:
        raise Unavailable(said)
    if re.fullmatch("1[0-9]{3}", answer.code):
        raise Misconfigured(said)
    if re.fullmatch("2[0-9]{3}", answer.code):
        missing = answer.code == NO_SUCH_EVENT
        raise Refused(answer.words or "it gives no reason", code=answer.code, missing=missing)
    raise inconclusive(answer.request, f"it failed, or says what its documentation does not know: {said}")


def filed(answer: Answer) -> Receipt:
    """Return the receipt of what was stored; "already there" is one only if what is there came under our key."""
    ours = any(row.get("serial") == answer.serial for row in _rows(answer.body, "event"))
    repeated = answer.code == ALREADY_THERE and ours
    return _receipt(answer, answer.body if repeated else accept(answer), repeated=repeated)


def found(answer: Answer) -> Receipt | None:
    """Return the receipt of what came under our key; None when nothing did."""
    return None if answer.code == NO_SUCH_EVENT else _receipt(answer, accept(answer), repeated=True)


def categories(answer: Answer) -> Listed:
    """Return the whole list of categories; where to go on is its version."""
    return Listed(_rows(accept(answer), "category"), _part(answer, "version"), more=False)


def changes(answer: Answer) -> Listed:
    """Return events that changed; where to go on is the number of the last change."""
    return Listed(_rows(accept(answer), "event"), _part(answer, "next"), more=_part(answer, "more") == "1")


def _receipt(answer: Answer, body: Element, *, repeated: bool = False) -> Receipt:
    ours = [row for row in _rows(body, "event") if row.get("serial") == answer.serial and row.get("eventNo")]
    if not ours:
        raise inconclusive(answer.request, "it answers success without an event number under our serial")
    numbers = [row["eventNo"] for row in ours]
    words = answer.words if len(ours) == 1 else f"{answer.words}（同一流水号有{len(ours)}件：{'、'.join(numbers)}）"
    return Receipt(numbers[0], message=words, answer=f"{answer.code} {'、'.join(numbers)}", repeated=repeated)


def _rows(body: Element, name: str) -> tuple[dict[str, str], ...]:
    return tuple({field.tag: (field.text or "").strip() for field in row} for row in body.iterfind(name))


def _part(answer: Answer, name: str) -> str:
    try:
        return only(answer.body, name)
    except ValueError as failure:
        raise inconclusive(answer.request, f"its answer cannot be read: {failure}") from failure
