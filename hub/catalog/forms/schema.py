"""Questions -> JSON Schema 2020-12 of the answers. Pure; the portal's layout is in layout.py."""

from collections.abc import Callable, Iterable, Mapping

from hub.catalog.contents import Element, Json, Text
from hub.catalog.forms.questions import DEFAULT_MOST, Asked, Block, Codes, Entry, condition
from hub.catalog.verdicts import ONE_LINE

NOTHING = "nothing_to_report"
MAX_PLACE = 200
LONG_TEXT = 100
"""Texts up to this many characters are one line."""
ABSENT: Json = {"not": {}}
"""Never holds: says the same as `false`, for which jsonschema would not report the place."""
_POSITION: Json = {
    "lon": {"type": "number", "minimum": -180, "maximum": 180},
    "lat": {"type": "number", "minimum": -90, "maximum": 90},
    "crs": {"enum": ["wgs84", "gcj02", "bd09", "cgcs2000"]},
    "accuracy_m": {"type": "number", "minimum": 0},
}
_LOCATION: Json = {
    "type": "object",
    "properties": {**_POSITION, "missing": {"enum": ["denied", "unavailable", "not_asked"]}},
    "additionalProperties": False,
    "if": {"required": ["missing"]},
    "then": {"maxProperties": 1},
    "else": {"required": ["lon", "lat", "crs"]},
}
_FIX: Json = {
    "type": "object",
    "properties": {
        **_POSITION,
        "at": {"type": "string", "format": "date-time"},
        "mocked": {"type": "boolean"},
        "provider": {"type": "string", "pattern": "^[a-z_]{1,20}$"},
    },
    "required": ["lon", "lat", "crs", "at"],
    "additionalProperties": False,
}
_DIGEST: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ITEM_ID: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}


def answers_schema(entries: tuple[Entry, ...], codes: Codes, nothing: Text | None) -> Json:
    """Return the schema of a whole submission's answers."""
    schema = _object(entries, codes)
    if nothing is not None:
        schema["properties"][NOTHING] = {"type": "boolean", "title": nothing["zh"]}
        empty = {entry.name: {"maxItems": 0} for entry in entries if isinstance(entry, Block) and entry.repeats}
        schema.setdefault("allOf", []).append({"if": said_nothing(), "then": {"properties": empty}})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def is_long(element: Element) -> bool:
    """Say whether a text may have several lines: the page gives it a larger field."""
    return (element.max or 0) > LONG_TEXT


def said_nothing() -> Json:
    """Return the condition that the submitter said there is nothing to report."""
    return {"properties": {NOTHING: {"const": True}}, "required": [NOTHING]}


def value_schema(element: Element, codes: Codes, most: int | None = None) -> Json:
    """Return the schema of one element's value."""
    return _SHAPES[element.type](element, [code.code for code in codes.get(element.codes or "", ())], most)


def _text(element: Element, _: list[str], __: int | None) -> Json:
    pattern = element.pattern or (None if is_long(element) else ONE_LINE)
    return {"type": "string", "minLength": 1, "maxLength": element.max, **({"pattern": pattern} if pattern else {})}


def _number(element: Element, _: list[str], __: int | None) -> Json:
    limits = {"minimum": element.min, "maximum": element.max}
    kind = "integer" if element.type == "whole" else "number"
    return {"type": kind, **{name: limit for name, limit in limits.items() if limit is not None}}


def _choices(_: Element, known: list[str], most: int | None) -> Json:
    return {
        "type": "array",
        "items": {"enum": known},
        "uniqueItems": True,
        "minItems": 1,
        "maxItems": most or DEFAULT_MOST,
    }


def _photos(element: Element, _: list[str], most: int | None) -> Json:
    return {"type": "array", "items": _DIGEST, "uniqueItems": True, "maxItems": most or element.most}


def _track(element: Element, _: list[str], most: int | None) -> Json:
    return {"type": "array", "items": _FIX, "maxItems": most or element.most}


_SHAPES: Mapping[str, Callable[[Element, list[str], int | None], Json]] = {
    "text": _text,
    "whole": _number,
    "number": _number,
    "date": lambda *_: {"type": "string", "format": "date"},
    "time": lambda *_: {"type": "string", "format": "date-time"},
    "yes_no": lambda *_: {"type": "boolean"},
    "choice": lambda _, known, __: {"type": "string", "enum": known},
    "choices": _choices,
    "place": lambda *_: {"type": "string", "minLength": 1, "maxLength": MAX_PLACE},
    "photos": _photos,
    "location": lambda *_: _LOCATION,
    "track": _track,
}


def _object(entries: Iterable[Entry], codes: Codes) -> Json:
    properties: Json = {}
    required: list[str] = []
    rules: list[Json] = []
    for entry in entries:
        name, schema = _property(entry, codes)
        properties[name] = schema
        if entry.show_when is not None:
            rules.append(_rule(name, entry))
        elif not entry.optional:
            required.append(name)
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return schema | ({"allOf": rules} if rules else {})


def _property(entry: Entry, codes: Codes) -> tuple[str, Json]:
    if isinstance(entry, Asked):
        element = entry.element
        schema = value_schema(element, codes, entry.most)
        if not entry.optional and schema["type"] == "array":
            schema = {**schema, "minItems": 1}
        return element.id, {**schema, "title": entry.title["zh"], "x-element": element.id, "x-type": element.type}
    inner = _object(entry.questions, codes)
    if not entry.repeats:
        return entry.name, {**inner, "title": entry.title["zh"]}
    inner["properties"] = {"id": _ITEM_ID, **inner["properties"]}
    limits = {"minItems": entry.least, "maxItems": entry.most}
    return entry.name, {"type": "array", "title": entry.title["zh"], **limits, "items": inner}


def _rule(name: str, entry: Entry) -> Json:
    """Say both: shown means asked (required unless optional), hidden means absent."""
    shown = {} if entry.optional else {"then": {"required": [name]}}
    return {"if": condition(entry.show_when or {}), **shown, "else": {"properties": {name: ABSENT}}}
