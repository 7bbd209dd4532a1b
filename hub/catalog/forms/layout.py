"""Questions -> the JSON-Forms-shaped UI schema the portal renders. Pure; says nothing the schema does not allow."""

from collections.abc import Collection
from datetime import date

from hub.catalog.contents import Json, Text
from hub.catalog.forms.questions import Asked, Block, Codes, Entry, condition
from hub.catalog.forms.schema import NOTHING, is_long, said_nothing

FEW_CODES = 5
_WIDGETS = {
    "whole": "number",
    "number": "number",
    "date": "date",
    "time": "time",
    "yes_no": "switch",
    "choices": "multi",
    "place": "place",
    "photos": "photos",
    "location": "location",
    "track": "track",
}


def layout(entries: tuple[Entry, ...], codes: Codes, days: Collection[date], nothing: Text | None) -> Json:
    """Return the layout; `nothing` labels its "all in order" switch, code sets offer what is valid on any of `days`."""
    elements = [_element(entry, codes, days, "#/properties/") for entry in entries]
    repeats = [index for index, entry in enumerate(entries) if isinstance(entry, Block) and entry.repeats]
    if nothing is not None and repeats:
        for index in repeats:
            elements[index] = _unless_nothing(elements[index])
        options = {"widget": "switch", "optional": True, "element": NOTHING}
        switch = {"type": "Control", "scope": f"#/properties/{NOTHING}", "label": dict(nothing), "options": options}
        elements.insert(repeats[0], switch)
    return {"type": "VerticalLayout", "elements": elements}


def offered(codes: Codes, name: str, days: Collection[date]) -> tuple[Json, ...]:
    """Return what a code set offers on any of `days`, as the API gives it."""
    return tuple({"code": code.code, **code.title} for code in codes.get(name, ()) if any(map(code.offered_on, days)))


def _retired(codes: Codes, name: str, days: Collection[date]) -> list[Json]:
    """Return what a code set offered before these days: whoever chose it then must still read what they chose."""
    ended = (code for code in codes.get(name, ()) if code.valid_to and all(code.valid_to < day for day in days))
    return [{"code": code.code, **code.title} for code in ended]


def _unless_nothing(control: Json) -> Json:
    own = [control["rule"]["condition"]["schema"]] if "rule" in control else []
    schema = {"allOf": [*own, {"not": said_nothing()}]}
    return control | {"rule": {"effect": "SHOW", "condition": {"scope": "#", "schema": schema}}}


def _element(entry: Entry, codes: Codes, days: Collection[date], scope: str) -> Json:
    if isinstance(entry, Asked):
        return _control(entry, codes, days, scope)
    inner_scope = "#/properties/" if entry.repeats else f"{scope}{entry.name}/properties/"
    inner = [_control(asked, codes, days, inner_scope) for asked in entry.questions]
    shared = {"scope": f"{scope}{entry.name}", "label": dict(entry.title), **_help(entry), **_rule(entry)}
    if not entry.repeats:
        return {"type": "Group", "name": entry.name, **shared, "optional": entry.optional, "elements": inner}
    detail = {"type": "VerticalLayout", "elements": inner}
    options = {
        "widget": "repeat",
        "optional": entry.optional,
        "least": entry.least,
        "most": entry.most,
        "detail": detail,
    }
    return {"type": "Control", "name": entry.name, **shared, "options": options}


def _control(asked: Asked, codes: Codes, days: Collection[date], scope: str) -> Json:
    element = asked.element
    options: Json = {"widget": _widget(asked, codes, days), "optional": asked.optional, "element": element.id}
    if asked.confirm:
        options["confirm"] = True
    if element.codes is not None:
        options["codes"] = list(offered(codes, element.codes, days))
        if past := _retired(codes, element.codes, days):
            options["retired"] = past
    if asked.most is not None:
        options["most"] = asked.most
    options |= {name: value for name, value in (("kind", element.kind), ("unit", element.unit)) if value is not None}
    where = {"scope": scope + element.id, "label": dict(asked.title)}
    return {"type": "Control", **where, **_help(asked), "options": options, **_rule(asked)}


def _widget(asked: Asked, codes: Codes, days: Collection[date]) -> str:
    element = asked.element
    if element.type == "text":
        return "textarea" if is_long(element) else "text"
    if element.type == "choice":
        return "radio" if len(offered(codes, element.codes or "", days)) <= FEW_CODES else "select"
    return _WIDGETS[element.type]


def _help(entry: Entry) -> Json:
    return {} if entry.help is None else {"help": dict(entry.help)}


def _rule(entry: Entry) -> Json:
    if entry.show_when is None:
        return {}
    return {"rule": {"effect": "SHOW", "condition": {"scope": "#", "schema": condition(entry.show_when)}}}
