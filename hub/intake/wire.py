"""Reads what came over the wire: hostile until proven otherwise. Gives a canonical form or a Problem, never a 500.

Canonical form (docs/how-to/submit.md): UTF-8 JSON with sorted keys, no spaces, text in Unicode NFC with line breaks as
one line feed, numbers without a needless fraction (`1.0` is `1`); no key twice, also not in two spellings of NFC. Two
bodies with the same canonical form are the same Submission. The digest is SHA-256 over it.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import orjson

from hub.catalog.documents import pointer
from hub.errors import FieldFault, Problem
from hub.model.characters import unholdable

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_KEYS = 40_000
"""Keys and list items together: a patrol's track of 5,000 fixes has 30,000."""
MAX_TEXT = 65_536
MAX_CHARACTER_FAULTS = 20
"""Texts with a character nothing can hold that one answer names."""
MAX_WHOLE = 2**53
"""Beyond it JavaScript and others round silently, as orjson does with whole numbers of more than 64 bits."""


class _DuplicateKey(ValueError):
    """An object names a key twice; which one counts would be anybody's guess."""


def read_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the normalised value of a body; raises Problem `submission.too_large`, `.malformed` or `.invalid`."""
    if len(raw) > MAX_BYTES:
        raise Problem("submission.too_large", 413, most=MAX_BYTES)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        value = _with_half_characters(raw)
        if value is None:
            raise _malformed("json", "", detail=str(error)) from error
    texts = _demand_limits(value)
    try:
        # Two quotes a text; where there are more, one may have been the key of a value that is gone now.
        if raw.count(b'"') != 2 * texts:
            json.loads(raw, object_pairs_hook=_unique)
        return _normal(value)
    except _DuplicateKey as error:
        raise _malformed("duplicate_key", "", key=str(error)) from error


def canonical(value: object) -> bytes:
    """Return the canonical bytes of a normalised value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(body: bytes) -> str:
    """Return the SHA-256 of canonical bytes, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def _malformed(code: str, path: str, **params: object) -> Problem:
    return Problem("submission.malformed", 422, [FieldFault(path, code, params)])


def _with_half_characters(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a body says that is JSON but for half a character, so that its place can be named; else None."""
    if b"\\ud" not in raw and b"\\uD" not in raw:
        return None
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which only Python takes for JSON."""
    raise ValueError(name)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for key, value in pairs:
        name = unicodedata.normalize("NFC", key)
        if name in seen:
            raise _DuplicateKey(name[:80])
        seen[name] = value
    return seen


def _demand_limits(value: Any) -> int:  # noqa: ANN401 - any JSON value
    """Walk without recursion, so that depth cannot exhaust the stack; refuse what a database would; count the texts."""
    levels: list[Iterator[tuple[Any, Any]]] = [iter([("", value)])]
    path: list[str | int] = [""]
    faults: list[FieldFault] = []
    nodes = texts = 0
    while levels:
        for path[-1], item in levels[-1]:
            kind = type(item)
            if kind is str:
                texts += 1
                _demand_text(item, path, faults)
            elif kind is dict or kind is list:
                nodes += len(item)
                _demand_size(nodes, path)
                keys = item if kind is dict else ()
                texts += len(keys)
                for key in keys:
                    _demand_text(key, path, faults)
                levels.append(iter(item.items() if kind is dict else enumerate(item)))
                path.append("")
                break
            elif item is not None and abs(item) > MAX_WHOLE:
                raise _malformed("number_too_large", _written(path), most=MAX_WHOLE)
        else:
            levels.pop()
            path.pop()
    if faults:
        raise Problem("submission.invalid", 422, faults)
    return texts


def _demand_size(nodes: int, path: list[str | int]) -> None:
    if len(path) > MAX_DEPTH:
        raise _malformed("too_deep", _written(path), most=MAX_DEPTH)
    if nodes > MAX_KEYS:
        raise _malformed("too_many_keys", _written(path), most=MAX_KEYS)


def _demand_text(text: str, path: list[str | int], faults: list[FieldFault]) -> None:
    if len(text) > MAX_TEXT:
        raise _malformed("too_long", _written(path), most=MAX_TEXT)
    if text.isprintable():  # nearly every one; the search for characters takes ten times as long
        return
    bad = unholdable(text)
    if bad is not None and len(faults) < MAX_CHARACTER_FAULTS:
        faults.append(FieldFault(_written(path), "character", vars(bad)))


def _written(path: list[str | int]) -> str:
    return pointer(step if isinstance(step, int) else step[:80] for step in path[1:])


def _normal(value: Any) -> Any:  # noqa: ANN401 - any JSON value; depth is bounded by now
    """Return the value with NFC text, one line break, whole numbers whole; keys that become one are refused."""
    kind = type(value)
    if kind is str:
        return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value)
    if kind is dict:
        normal = {unicodedata.normalize("NFC", key): _normal(child) for key, child in value.items()}
        return normal if len(normal) == len(value) else _unique(list(value.items()))
    if kind is list:
        return [_normal(child) for child in value]
    return int(value) if kind is float and value.is_integer() else value
