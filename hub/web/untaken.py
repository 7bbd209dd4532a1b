"""Which answers of a form no System gets, read off forms and wiring: a page must not promise otherwise. Pure."""

from collections.abc import Iterator

from hub.catalog.contents import Form
from hub.systems import Registry


def untaken(form: Form, registry: Registry) -> list[str]:
    """Return the elements asked whose answers stay in the hub, whatever is answered."""
    return [question.element for question in form.questions if not _is_taken(form, question.element, registry)]


def _is_taken(form: Form, element: str, registry: Registry) -> bool:
    return any(
        _is_about(link.source_path, field)
        for record, field in _kept(form, element)
        for flow in registry.flows_for(record)
        for link in flow.fields.lineage
    )


def _kept(form: Form, element: str) -> Iterator[tuple[str, str]]:
    """Yield each record with the name under which it keeps the answers to an element."""
    for make in form.makes:
        for field in make.carried:
            if make.fields.get(field, {"from": field}).get("from") == element:
                yield make.record, field
        if element in make.carried:
            yield from ((make.record, name) for name in _made_of(form, element))


def _made_of(form: Form, element: str) -> Iterator[str]:
    """Yield what every record has of such an element around its own fields: links to photos, figures of a track."""
    if element in form.photo_elements:
        yield "photos"
    if element in form.tracks:
        yield "track"


def _is_about(path: str, field: str) -> bool:
    """Say whether a path of the wiring leads to a field of a record or into it."""
    innermost = path.rpartition("[].")[2]
    return innermost == field or path.startswith((f"{field}.", f"{field}["))
