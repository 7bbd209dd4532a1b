"""What the System's answers mean. Pure: no I/O, no settings."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx

from hub.sdk import Receipt, Refused
from hub.sdk.answers import number_of

SUCCESS = frozenset({"200", "OK"})
DUPLICATE = "DUP"
_BEIJING = timezone(timedelta(hours=8))


def is_success(answer: Mapping[str, Any]) -> bool:
    """Say whether the code is one of its ways to say yes: `"200"`, `200` or `"OK"`."""
    return _code(answer) in SUCCESS


def has_failed(answer: Mapping[str, Any]) -> bool:
    """Say whether it failed rather than decided: no code at all, or a 5xx number inside HTTP 200."""
    code = _code(answer)
    return not code or (code.isdigit() and code.startswith("5"))


def is_turned_away(status: int, body: bytes) -> bool:
    """Say whether the gateway turned a request away before the office saw it: its own 401, never wrapped."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return status == httpx.codes.UNAUTHORIZED and isinstance(answer, dict) and isinstance(answer.get("message"), str)


def refusal(answer: Mapping[str, Any]) -> Refused:
    """Return its no with its own words and code."""
    code = _code(answer)
    return Refused(str(answer.get("msg") or f"code {code} without words"), code=code)


def existing_receipt(answer: Mapping[str, Any], key: str) -> Receipt | None:
    """Return the receipt when a duplicate is our own earlier delivery; None when somebody else scored this bin."""
    existing = answer.get("existing")
    if _code(answer) != DUPLICATE or not isinstance(existing, dict) or existing.get("requestId") != key:
        return None
    return receipt(existing, repeated=True)


def receipt(score: object, *, repeated: bool = False) -> Receipt | None:
    """Return the receipt of a score it holds; None when it names no number, which is not success."""
    number = number_of(score.get("number")) if isinstance(score, dict) else ""
    if not isinstance(score, dict) or not number:
        return None
    points = number_of(score.get("score"))
    return Receipt(number, message=f"得分 {points}" if points else "", answer=number, repeated=repeated)


def as_of(answer: Mapping[str, Any]) -> datetime | None:
    """Return the System's own time of an answer, or None when it gave none that can be read."""
    try:
        local = datetime.strptime(str(answer.get("serverTime")), "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
    except ValueError:
        return None
    return local.astimezone(UTC)


def _code(answer: Mapping[str, Any]) -> str:
    return str(answer.get("code") or "").strip().upper()
