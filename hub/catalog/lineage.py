"""Where an element is asked and which records carry it, read off the forms. The Systems' half is the root's to add."""

from collections.abc import Iterator
from dataclasses import dataclass

from hub.catalog.contents import Catalog, Form


@dataclass(frozen=True)
class AskedIn:
    """A question that asks for the element."""

    form: str
    version: int
    path: str
    confirm: bool


@dataclass(frozen=True)
class KeptIn:
    """A record type that keeps the answer, under `element` (another one than was asked where a form says so)."""

    record: str
    element: str
    form: str
    version: int


@dataclass(frozen=True)
class Trace:
    """All the catalog knows about the way of one element."""

    element: str
    asked: tuple[AskedIn, ...]
    kept: tuple[KeptIn, ...]


def trace(catalog: Catalog, element: str) -> Trace:
    """Return the questions that ask for `element` and the records that keep the answers."""
    asked = tuple(
        AskedIn(form.form, form.version, question.path, question.confirm)
        for form in catalog.forms.values()
        for question in form.questions
        if question.element == element
    )
    kept = tuple(entry for form in catalog.forms.values() for entry in _kept(form, element))
    return Trace(element, asked, kept)


def _kept(form: Form, element: str) -> Iterator[KeptIn]:
    """Yield the record fields of `form` that hold answers to `element`; conditional ones count."""
    asked = {question.element for question in form.questions}
    for make in form.makes:
        for field in make.carried:
            source = make.fields.get(field, {"from": field}).get("from")
            if element in asked and source == element:
                yield KeptIn(make.record, field, form.form, form.version)
