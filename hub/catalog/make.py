"""What one submission becomes: its drafts of records, by the form's `makes`. Pure; the envelope is intake's to add."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.catalog.contents import Form, Make
from hub.catalog.forms.schema import NOTHING
from hub.catalog.verdicts import Document, item_keys

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """A record before it has an envelope."""

    record: str
    """Its type with version, e.g. `finding/v1`."""
    key: str
    """What tells it from its siblings over all revisions: empty, or repeat and item, e.g. `findings/3f2a…`."""
    content: dict[str, Any]
    """Element id -> value, flat; what was not answered is absent."""
    nothing_to_report: bool
    """True when the submitter said that all is in order; never so for the items of a repeat."""
    place: str | None = None
    """What the answers call the Place it is about, where that is another than the form is filled at."""


def make_records(form: Form, answers: Answers, envelope: Answers) -> tuple[Draft, ...]:
    """Return the drafts of valid `answers`; `envelope` is what `when` and `from` may also name (place, location …)."""
    whole = {**envelope, **_flat(answers)}
    # Conditions see the answers as they are: `required: [bin]` asks for the group itself.
    seen = {**envelope, **answers}
    drafts: list[Draft] = []
    for make in form.makes:
        if make.each is None:
            if make.applies(seen):
                said = bool(answers.get(NOTHING, False))
                drafts.append(_draft(make, "", whole, said=said))
            continue
        items = answers.get(make.each, ())
        for key, item in zip(item_keys(items), items, strict=True):
            if make.applies({**seen, **item}):
                drafts.append(_draft(make, f"{make.each}/{key}", {**whole, **item}, said=False))
    return tuple(drafts)


def _draft(make: Make, key: str, scope: Answers, *, said: bool) -> Draft:
    return Draft(make.record, key, _content(make, scope), said, scope.get(make.place) if make.place else None)


def _flat(answers: Answers) -> dict[str, Any]:
    """Lift the answers of groups to the top: an element id has a dot, a group's name has none."""
    flat: dict[str, Any] = {}
    for name, value in answers.items():
        if "." in name:
            flat[name] = value
        elif isinstance(value, dict):
            flat.update(value)
    return flat


def _content(make: Make, scope: Answers) -> dict[str, Any]:
    values = {element: scope.get(element) for element in make.carried}
    values |= {element: _value(rule, scope) for element, rule in make.fields.items()}
    return {element: value for element, value in values.items() if value is not None}


def _value(rule: Answers, scope: Answers) -> Document:
    return rule["const"] if "const" in rule else scope.get(rule["from"])
