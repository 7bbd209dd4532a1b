"""The only user of JSON Schema engines: a fast verdict, and an explanation that always agrees with it.

jsonschema_rs decides, jsonschema explains. Formats and patterns are evaluated by the same functions in both, and no
schema is ever fetched.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry

from hub.errors import FieldFault

Document = Any
"""Anything JSON can say; what it must be, a schema decides."""

KEYWORDS = {
    "enum": "enum",
    "const": "const",
    "type": "type",
    "maxLength": "too_long",
    "minLength": "too_short",
    "pattern": "pattern",
    "format": "format",
    "maxItems": "too_many",
    "minItems": "too_few",
    "maxProperties": "too_many",
    "minProperties": "too_few",
    "maximum": "too_large",
    "minimum": "too_small",
    "uniqueItems": "repeated",
    "not": "hidden",
    None: "hidden",
}
"""Validator keyword -> code of the text `fault.<code>`; no keyword at all is the schema `false`."""

ONE_LINE = "^[^\t\n\r\u2028\u2029]*$"
"""The pattern of a text of one line; breaking it has words of its own."""

NUMBERS = {"integer": "not_whole", "number": "not_a_number"}
"""What a field for numbers is told when something else stands there."""

FIELD_CODES = frozenset([*KEYWORDS.values(), *NUMBERS.values(), "required", "unknown", "one_line", "invalid"])
"""Codes about a value (texts `fault.<code>`); every other code is about a definition (texts `catalog.<code>`)."""

FOR_AUTHORS = {"pattern": "catalog.unlike_pattern", "format": "catalog.unlike_format"}
"""Codes whose rule is a regular expression or a name of the standard: words only who writes files can use."""

_DATE = re.compile(r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(rf"{_DATE.pattern}T[0-9:]{{8}}(?:\.[0-9]{{1,6}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})")


def _parses(shape: re.Pattern[str], parse: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if not isinstance(value, str):
            return True
        try:
            return shape.fullmatch(value) is not None and parse(value) is not None
        except ValueError:
            return False

    return check


# Years start at 1900 so that no offset can push an instant out of what datetime can hold.
FORMATS = {"date": _parses(_DATE, date.fromisoformat), "date-time": _parses(_TIME, datetime.fromisoformat)}
_CHECKER = FormatChecker(formats=())
for _name, _check in FORMATS.items():
    _CHECKER.checks(_name)(_check)


def compile_fast(schema: Document) -> Callable[[Any], bool]:
    """Return the fast verdict over `schema`; ValueError when it is none, refers outside, or a pattern is not RE2."""
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            formats=FORMATS,
            validate_formats=True,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        ).is_valid
    except jsonschema_rs.ValidationError as error:
        raise ValueError(error.message) from error


@cache
def matches(pattern: str) -> Callable[[Any], bool]:
    """Return the test of one pattern in the linear-time engine; ValueError when it does not compile."""
    return compile_fast({"pattern": pattern})


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    # Python's `$` also matches before a last newline and its `\d` takes any script's digits: ask the judge instead.
    if not matches(pattern)(instance):
        yield ValidationError("pattern")


_Explainer: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # the stubs leave it out


@dataclass(frozen=True)
class Leaf:
    """The innermost thing wrong: where, which rule, and what the rule says."""

    path: tuple[str | int, ...]
    code: str
    params: Mapping[str, object]

    @property
    def reason(self) -> str:
        """Return the message key that says it of a file: its author is told the rule itself, an officer is not."""
        if self.code in FOR_AUTHORS:
            return FOR_AUTHORS[self.code]
        return f"{'fault' if self.code in FIELD_CODES else 'catalog'}.{self.code}"


class Explainer:
    """Says all that is wrong with a document; slow, so only asked when the verdict is no or at load."""

    def __init__(self, schema: Document) -> None:
        self._validator = _Explainer(schema, registry=Registry(), format_checker=_CHECKER)

    def leaves(self, document: Document) -> list[Leaf]:
        """Return everything wrong, in document order, each place and rule once."""
        found: dict[tuple[tuple[str | int, ...], str], Leaf] = {}
        for error in self._validator.iter_errors(document):
            for leaf in _leaves(best_match([error]) or error):
                found.setdefault((leaf.path, leaf.code), leaf)
        return sorted(
            found.values(), key=lambda leaf: [f"{step:06}" if isinstance(step, int) else step for step in leaf.path]
        )


def schema_faults(schema: Document) -> list[Leaf]:
    """Return what is wrong with `schema` as a JSON Schema 2020-12 itself."""
    try:
        compile_fast(schema)
    except ValueError:
        return [_schema_leaf(schema)]
    return []


def _schema_leaf(schema: Document) -> Leaf:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return Leaf(tuple(error.absolute_path), "schema", {"reason": error.message})
    return Leaf((), "schema", {"reason": "it cannot be compiled"})


def _leaves(error: ValidationError) -> Iterator[Leaf]:
    path = tuple(error.absolute_path)
    rule: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "required":
        yield from (Leaf((*path, name), "required", {"name": name}) for name in rule if name not in instance)
    elif error.validator == "additionalProperties":
        yield from (Leaf((*path, name), "unknown", {"name": name}) for name in _extras(error))
    else:
        keyword = error.validator if isinstance(error.validator, str) else None
        shown = "、".join(map(str, rule)) if isinstance(rule, list) else rule
        yield Leaf(path, _code(keyword, rule), {} if keyword in {None, "not"} else {"rule": shown})


def _code(keyword: str | None, rule: object) -> str:
    """Return the code of a broken rule; the page chooses alike (hub/ui/portal/form/check.js)."""
    if keyword == "pattern" and rule == ONE_LINE:
        return "one_line"
    return NUMBERS.get(str(rule), "type") if keyword == "type" else KEYWORDS.get(keyword, "invalid")


def _extras(error: ValidationError) -> Iterator[str]:
    schema: Any = error.schema
    instance: Any = error.instance
    for name in instance:
        patterns = schema.get("patternProperties", {})
        if name not in schema.get("properties", {}) and not any(matches(pattern)(name) for pattern in patterns):
            yield name


class Verdict:
    """Whether answers fit a form, and if not, why: one object per form version, made once at load."""

    def __init__(self, schema: Mapping[str, Any], repeats: Iterable[str]) -> None:
        self._is_valid = compile_fast(schema)
        self._explainer = Explainer(schema)
        self._repeats = tuple(repeats)

    def is_valid(self, answers: Document) -> bool:
        """Decide, fast."""
        return self._is_valid(answers) and not self._repeated(answers)

    def explain(self, answers: Document) -> list[FieldFault]:
        """Return all faults with JSON Pointers from `/answers`; empty exactly when `is_valid`."""
        return [
            FieldFault(pointer(("answers", *leaf.path)), leaf.code, dict(leaf.params)) for leaf in self.leaves(answers)
        ]

    def leaves(self, answers: Document) -> list[Leaf]:
        """Return all faults with paths from the answers."""
        return self._explainer.leaves(answers) or self._repeated(answers)

    def _repeated(self, answers: Document) -> list[Leaf]:
        return [leaf for repeat in self._repeats for leaf in _repeated_keys(repeat, answers.get(repeat, ()))]


def _repeated_keys(repeat: str, items: Iterable[Mapping[str, Any]]) -> Iterator[Leaf]:
    keys = item_keys(items)
    for index, key in enumerate(keys):
        if key in keys[:index]:
            yield Leaf((repeat, index, "id"), "repeated", {"rule": key})


def item_keys(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what tells the items of a repeat apart: the client's own id, else the position."""
    return [str(item.get("id", index)) for index, item in enumerate(items)]


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901) of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
