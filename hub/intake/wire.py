"""Reads what came over the wire: hostile until proven otherwise. Gives a canonical form or a Problem, never a 500.

Canonical form (docs/how-to/submit.md): UTF-8 JSON with sorted keys, no spaces, text in Unicode NFC, numbers without a
needless fraction (`1.0` is `1`). Two bodies with the same canonical form are the same Submission. The digest is SHA-256
over it.
"""

import hashlib
import json
import math
import unicodedata
from typing import Any

import orjson

from hub.errors import FieldFault, Problem

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_KEYS = 2_000
MAX_TEXT = 65_536
MAX_WHOLE = 2**53
"""Beyond it JavaScript and others round silently."""


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
        if key in seen:
            raise _DuplicateKey(key[:80])
        seen[key] = value
    return seen


def _demand_limits(value: object) -> None:
    """Walk without recursion, so that depth cannot exhaust the stack; refuse what a database would."""
    stack: list[tuple[object, int, str]] = [(value, 1, "")]
    keys = 0
    while stack:
        item, depth, path = stack.pop()
        if depth > MAX_DEPTH:
            raise _malformed("too_deep", path, most=MAX_DEPTH)
        if isinstance(item, dict):
            keys += len(item)
            stack.extend((child, depth + 1, f"{path}/{key[:80]}") for key, child in item.items())
            for key in item:
                _demand_scalar(key, path)
        elif isinstance(item, list):
            keys += len(item)
            stack.extend((child, depth + 1, f"{path}/{index}") for index, child in enumerate(item))
        else:
            _demand_scalar(item, path)
        if keys > MAX_KEYS:
            raise _malformed("too_many_keys", path, most=MAX_KEYS)


def _demand_scalar(item: object, path: str) -> None:
    if isinstance(item, str):
        if len(item) > MAX_TEXT:
            raise _malformed("too_long", path, most=MAX_TEXT)
        if "\0" in item:
            raise _malformed("nul", path)
    elif isinstance(item, float) and not math.isfinite(item):
        raise _malformed("not_a_number", path)
    elif isinstance(item, int) and abs(item) > MAX_WHOLE:
        raise _malformed("number_too_large", path, most=MAX_WHOLE)


def _normal(value: Any) -> Any:  # noqa: ANN401 - any JSON value; depth is bounded by now
    """Return the value with NFC text and whole numbers whole."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_WHOLE:
        return int(value)
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): _normal(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_normal(child) for child in value]
    return value
