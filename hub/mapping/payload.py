"""The bytes a Delivery keeps: canonical JSON, its digest, and which fields two payloads differ in."""

import hashlib
from collections.abc import Mapping

import orjson


def encode(mapped: Mapping[str, object]) -> bytes:
    """Return compact UTF-8 JSON with sorted keys: equal content gives equal bytes."""
    return orjson.dumps(mapped, option=orjson.OPT_SORT_KEYS)


def digest(payload: bytes) -> str:
    """Return the SHA-256 of `payload` in hex."""
    return hashlib.sha256(payload).hexdigest()


def changed_fields(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[str, ...]:
    """Return, sorted, the fields that differ, were added or were left out."""
    return tuple(
        sorted(name for name in old.keys() | new.keys() if (name in old) != (name in new) or old[name] != new[name])
    )
