"""Reads what came over the wire: hostile until proven otherwise. Gives a canonical form or a Problem, never a 500.

Canonical form (docs/how-to/submit.md): UTF-8 JSON with sorted keys, no spaces, text in Unicode NFC, numbers without a
needless fraction (`1.0` is `1`); no key twice, also not in two spellings of NFC. Two bodies with the same canonical
form are the same Submission. The digest is SHA-256 over it.
"""

import hashlib
import json
import unicodedata
from typing import Any

import orjson

from hub.catalog.documents import pointer
from hub.errors import FieldFault, Problem

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_KEYS = 40_000
"""Keys and list items together: a patrol's track of 5,000 fixes has 30,000."""
MAX_TEXT = 65_536
MAX_WHOLE = 2**53
"""Beyond it JavaScript and others round silently, as orjson does with whole numbers of more than 64 bits."""


class _DuplicateKey(ValueError):
    """An object names a key twice; which one counts would be anybody's guess."""


def read_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the normalised value of a body; raises Problem `submission.too_large` or `submission.malformed`."""
    if len(raw) > MAX_BYTES:
        raise Problem("submission.too_large", 413, most=MAX_BYTES)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _malformed("json", "", detail=str(error)) from error
    _demand_limits(value)
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except _DuplicateKey as error:
        raise _malformed("duplicate_key", "", key=str(error)) from error
    return _normal(value)


def canonical(value: object) -> bytes:
    """Return the canonical bytes of a normalised value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(body: bytes) -> str:
    """Return the SHA-256 of canonical bytes, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def _malformed(code: str, path: str, **params: object) -> Problem:
    return Problem("submission.malformed", 422, [FieldFault(path, code, params)])


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for key, value in pairs:
        name = unicodedata.normalize("NFC", key)
        if name in seen:
            raise _DuplicateKey(name[:80])
        seen[name] = value
    return seen


Trail = tuple[Any, str | int] | None
"""The way to a value: the way to what holds it, and the step from there. Written out only in a refusal."""


def _demand_limits(value: object) -> None:
    """Walk without recursion, so that depth cannot exhaust the stack; refuse what a database would."""
    stack: list[tuple[object, int, Trail]] = [(value, 1, None)]
    nodes = 0
    while stack:
        item, depth, trail = stack.pop()
        if not isinstance(item, dict | list):
            _demand_scalar(item, trail)
            continue
        if depth > MAX_DEPTH:
            raise _malformed("too_deep", _path(trail), most=MAX_DEPTH)
        nodes += len(item)
        if nodes > MAX_KEYS:
            raise _malformed("too_many_keys", _path(trail), most=MAX_KEYS)
        if isinstance(item, dict):
            for key in item:
                _demand_scalar(key, trail)
        steps = item.items() if isinstance(item, dict) else enumerate(item)
        stack.extend([(child, depth + 1, (trail, step)) for step, child in steps])


def _path(trail: Trail) -> str:
    steps: list[str | int] = []
    while trail is not None:
        trail, step = trail
        steps.append(step if isinstance(step, int) else step[:80])
    return pointer(reversed(steps))


def _demand_scalar(item: object, trail: Trail) -> None:
    if isinstance(item, str):
        if len(item) > MAX_TEXT:
            raise _malformed("too_long", _path(trail), most=MAX_TEXT)
        if "\0" in item:
            raise _malformed("nul", _path(trail))
    elif isinstance(item, int | float) and abs(item) > MAX_WHOLE:
        raise _malformed("number_too_large", _path(trail), most=MAX_WHOLE)


def _normal(value: Any) -> Any:  # noqa: ANN401 - any JSON value; depth is bounded by now
    """Return the value with NFC text and whole numbers whole."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): _normal(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_normal(child) for child in value]
    return value
