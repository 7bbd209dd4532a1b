"""Reading the files people write, safely, and saying where they are wrong. Knows no form and no element."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from hub.catalog.verdicts import Document, Explainer, Leaf, compile_fast, pointer

__all__ = ["Fault", "fault_at", "pointer", "read_json", "read_table", "read_yaml", "validate"]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_TEXT = "tag:yaml.org,2002:str"
_Event = Any
"""What the YAML parser comes upon; PyYAML has no types for what each kind carries."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one file. `reason` and `remedy` are message keys, `params` fill both texts."""

    file: str
    """Path from the root of the project, with forward slashes."""
    path: str
    """JSON Pointer into the document; `/line/column name` in a CSV."""
    reason: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def remedy(self) -> str:
        """Return the message key of what to do about it."""
        return f"{self.reason}.remedy"


class _Mark(Protocol):
    """Where a YAML parser stands, counted from 0."""

    line: int
    column: int


class _Unreadable(Exception):
    """The file cannot be turned into a document; carries what the Fault needs."""

    def __init__(self, reason: str, mark: _Mark | None = None, **params: object) -> None:
        super().__init__(reason)
        self.reason = f"catalog.{reason}"
        self.params = params | ({"line": mark.line + 1, "column": mark.column + 1} if mark else {})


class _Reader(yaml.CSafeLoader):
    """YAML as data only, in one pass: dates stay text (the schema checks them), keys are unique, numbers are finite.

    What makes small files large or strange is refused where it stands: aliases, tags, depth.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way of configuring a loader
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def document(self) -> Document:
        """Return the only document, or None when there is none."""
        self._next()
        if self.check_event(yaml.StreamEndEvent):
            return None
        self._next()
        document = self._value(self._next(), 0)
        self._next()
        if not self.check_event(yaml.StreamEndEvent):
            raise _Unreadable("yaml_syntax", self._next().start_mark, problem="but found another document")
        return document

    def _next(self) -> _Event:
        event: _Event = self.get_event()
        if getattr(event, "anchor", None):
            raise _Unreadable("yaml_alias", event.start_mark)
        if getattr(event, "tag", None):
            raise _Unreadable("yaml_tag", event.start_mark)
        return event

    def _value(self, event: _Event, depth: int) -> Document:
        if isinstance(event, yaml.ScalarEvent):
            return event.value if (tag := self._tag(event)) == _TEXT else self._scalar(event, tag)
        if depth == MAX_DEPTH:
            raise _Unreadable("yaml_depth", event.start_mark, limit=MAX_DEPTH)
        return self._mapping(depth + 1) if isinstance(event, yaml.MappingStartEvent) else self._list(depth + 1)

    def _mapping(self, depth: int) -> Document:
        made = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or self._tag(event) != _TEXT:
                raise _Unreadable("yaml_key", event.start_mark)
            if event.value in made:
                raise _Unreadable("yaml_repeated", event.start_mark, key=event.value)
            made[event.value] = self._value(self._next(), depth)
        return made

    def _list(self, depth: int) -> Document:
        made = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            made.append(self._value(event, depth))
        return made

    def _tag(self, event: _Event) -> str:
        """Return what kind of scalar this is by the way it is written."""
        tag: str = self.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]  # PyYAML has no types
        return tag

    def _scalar(self, event: _Event, tag: str) -> Document:
        value = self.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark))
        if isinstance(value, float) and not math.isfinite(value):
            raise _Unreadable("yaml_number", event.start_mark)
        return value


def read_yaml(path: Path, file: str, most: int = MAX_BYTES) -> tuple[Any, list[Fault]]:
    """Return the document in `path`, or None and why not; `file` names it in faults."""
    return _read(path, file, _parse_yaml, most)


def read_json(path: Path, file: str) -> tuple[Any, list[Fault]]:
    """Return the JSON object in `path`, or None and why not."""
    return _read(path, file, _parse_json)


def read_table(path: Path, file: str, columns: list[str]) -> tuple[list[dict[str, str]] | None, list[Fault]]:
    """Return the rows of a CSV that has exactly these columns, or None and why not."""

    def parse(text: str) -> list[dict[str, str]]:
        header, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if header != columns:
            raise _Unreadable("csv_header", columns=",".join(columns))
        for line, row in enumerate(rows, start=2):
            if len(row) != len(columns):
                raise _Unreadable("csv_row", line=line, columns=len(columns))
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return _read(path, file, parse)


def validate(document: Document, schema: Path, file: str) -> list[Fault]:
    """Return all that is wrong with `document` by the JSON Schema in the file `schema`."""
    is_valid, explainer = _engines(schema)
    return [] if is_valid(document) else [fault_at(file, leaf) for leaf in explainer.leaves(document)]


def fault_at(file: str, leaf: Leaf) -> Fault:
    """Return `leaf` as a fault of `file`."""
    return Fault(file, pointer(leaf.path), leaf.reason, leaf.params)


@cache
def _engines(schema: Path) -> tuple[Callable[[Document], bool], Explainer]:
    rules = json.loads(schema.read_text(encoding="utf-8"))
    return compile_fast(rules), Explainer(rules)


def _read(
    path: Path, file: str, parse: Callable[[str], Document], most: int = MAX_BYTES
) -> tuple[Document, list[Fault]]:
    try:
        return parse(_text(path, most)), []
    except _Unreadable as trouble:
        return None, [Fault(file, "", trouble.reason, trouble.params)]


def _text(path: Path, most: int) -> str:
    content = path.read_bytes()
    if len(content) > most:
        raise _Unreadable("too_big", limit=most // 1024)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable("encoding", position=error.start) from error


def _parse_json(text: str) -> dict[str, Any]:
    def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise _Unreadable("json_repeated", key=key)
            result[key] = value
        return result

    try:
        document = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise _Unreadable("json_syntax", line=error.lineno, column=error.colno) from error
    if not isinstance(document, dict):
        raise _Unreadable("json_object")
    return document


def _parse_yaml(text: str) -> Document:
    try:
        return _Reader(text).document()
    except yaml.MarkedYAMLError as error:
        raise _Unreadable("yaml_syntax", error.problem_mark, problem=error.problem) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _Unreadable("yaml_text", problem=str(error).splitlines()[0]) from error
