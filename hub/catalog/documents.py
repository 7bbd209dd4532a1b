"""Reading the files people write, safely, and saying where they are wrong. Knows no form and no element."""

import csv
import io
import json
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from hub.catalog.verdicts import Document, Explainer, Leaf, compile_fast, pointer

__all__ = ["Fault", "fault_at", "pointer", "read_json", "read_table", "read_yaml", "validate"]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32


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


class _Loader(yaml.CSafeLoader):
    """YAML as data only: dates stay text (the schema checks them), keys are unique, numbers are finite."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way of configuring a loader
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key written twice, which YAML would let win silently, and keys that are no text."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _Unreadable("yaml_key", key.start_mark)
            if key.value in seen:
                raise _Unreadable("yaml_repeated", key.start_mark, key=key.value)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Refuse what JSON has no word for."""
        value = super().construct_yaml_float(node)
        if not math.isfinite(value):
            raise _Unreadable("yaml_number", node.start_mark)
        return value


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)


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
        _scan(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader by descent
    except yaml.MarkedYAMLError as error:
        raise _Unreadable("yaml_syntax", error.problem_mark, problem=error.problem) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _Unreadable("yaml_text", problem=str(error).splitlines()[0]) from error


def _scan(text: str) -> None:
    """Refuse, before anything is built, what makes small files large or strange: aliases, tags, depth."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Unreadable("yaml_alias", event.start_mark)
        if getattr(event, "tag", None):
            raise _Unreadable("yaml_tag", event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _Unreadable("yaml_depth", event.start_mark, limit=MAX_DEPTH)
