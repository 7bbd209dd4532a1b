"""Conditions are JSON Schemas: checked here, compiled here, evaluated wherever a form or a flow says `when`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hub.catalog.verdicts import Document, Leaf, compile_fast, matches, schema_faults

MAX_NODES = 500
MAX_PATTERN = 200
_LEAVING = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$schema", "$vocabulary")


class BadCondition(ValueError):
    """A condition that cannot be used; `faults` say where in it and why (message key `catalog.<code>`)."""

    def __init__(self, faults: list[Leaf]) -> None:
        super().__init__("; ".join(f"{'/'.join(map(str, fault.path))}: {fault.code}" for fault in faults))
        self.faults = tuple(faults)


def compile_condition(schema: Document) -> Callable[[Mapping[str, Any]], bool]:
    """Return the test that `schema` is; raises BadCondition naming every fault.

    What is null is not there: `required: [place]` asks for a Place, as a field's `from` does.
    """
    faults = condition_faults(schema)
    if faults:
        raise BadCondition(faults)
    if schema in (True, {}):
        return lambda _: True
    holds = compile_fast(schema)

    def met(document: Mapping[str, Any]) -> bool:
        if None in document.values():
            document = {name: value for name, value in document.items() if value is not None}
        return holds(document)

    return met


def condition_faults(schema: Document) -> list[Leaf]:
    """Return all that is wrong with a condition: it must stand alone, stay small, and use only linear patterns."""
    nodes = list(_nodes(schema, ()))
    if len(nodes) > MAX_NODES:
        return [Leaf((), "condition_big", {"limit": MAX_NODES})]
    faults = [
        Leaf((*path, key), "condition_leaves", {"key": key}) for path, node in nodes for key in _LEAVING if key in node
    ]
    for path, node in nodes:
        faults += [Leaf((*path, "pattern"), code, {}) for code in pattern_faults(node.get("pattern"))]
        for pattern in _keys(node.get("patternProperties")):
            faults += [Leaf((*path, "patternProperties", pattern), code, {}) for code in pattern_faults(pattern)]
    return faults or schema_faults(schema)


def pattern_faults(pattern: object) -> list[str]:
    """Return what forbids `pattern`: too long, not RE2, or a repetition of a repetition (slow in a browser)."""
    if not isinstance(pattern, str):
        return []
    if len(pattern) > MAX_PATTERN:
        return ["pattern_long"]
    try:
        matches(pattern)
    except ValueError:
        return ["pattern_bad"]
    return ["pattern_nested"] if _nests(pattern) else []


def _nodes(value: Document, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, child in value.items():
            yield from _nodes(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _nodes(child, (*path, index))


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def _nests(pattern: str) -> bool:
    """Say whether a repeated group itself repeats or chooses: the shapes that backtrack exponentially."""
    risky = [False]
    position, in_class = 0, False
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 1
        elif in_class or char == "[":
            in_class = char != "]"
        elif char == "(":
            risky.append(False)
        elif char == ")":
            inner, repeated = risky.pop(), pattern[position + 1 : position + 2] in ("*", "+", "{")
            if inner and repeated:
                return True
            risky[-1] |= inner or repeated
        elif char in "*+{|":
            risky[-1] = True
        position += 1
    return False
