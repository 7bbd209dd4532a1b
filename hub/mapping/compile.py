"""Compiles the rules of a field map to closures, collecting everything wrong with them. Runs no rule itself."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.mapping.fault import BadMapping, Unfit, Unmapped
from hub.mapping.fieldmap import Context, Faults, FieldMap, Get, Scopes
from hub.mapping.path import ABSENT, lookup
from hub.mapping.site import Site, names
from hub.mapping.step import OPTIONS, steps_of
from hub.mapping.transform import plain_text
from hub.text import is_blank

Rule = Mapping[str, Any]


def compile_fields(fields: Mapping[str, object], context: Context, where: str) -> FieldMap:
    """Return the compiled map; raises BadMapping with every fault. `where` is the file and pointer of `fields`."""
    site = Site(context, where)
    compiled = _fields(fields, site)
    if site.faults:
        raise BadMapping(site.faults)
    return FieldMap(compiled, tuple(site.links))


def _fields(fields: object, site: Site) -> tuple[tuple[str, Get], ...]:
    if not isinstance(fields, Mapping) or not fields:
        site.fault("not_fields")
        return ()
    return tuple((str(name), _rule(rule, site.field(str(name)))) for name, rule in fields.items())


def _rule(rule: object, site: Site) -> Get:
    if not isinstance(rule, Mapping):
        site.fault("not_a_rule")
        return _nothing
    sources = [verb for verb in RULES if verb in rule]
    if len(sources) != 1:
        site.fault("not_one_source", found=names(sources), known=names(RULES))
        return _nothing
    make, companions = RULES[sources[0]]
    return _nothing if _is_misshapen(rule, {sources[0], *companions}, site) else make(rule, site)


def _is_misshapen(rule: Rule, allowed: set[str], site: Site) -> bool:
    faults_before = len(site.faults)
    for verb, value in rule.items():
        if verb not in allowed:
            site.fault("unknown_verb", verb=verb, known=names(allowed))
        elif not SHAPES.get(verb, _anything)(value):
            site.fault("bad_value", verb=verb)
    if "default" in rule and "optional" in rule:
        site.fault("default_and_optional")
    return len(site.faults) > faults_before


def _from(rule: Rule, site: Site) -> Get:
    path = rule["from"]
    site.link(path)
    find, steps, absent = _search(path), steps_of(rule, site), _absent(rule, site.target, path)

    def get_as_it_is(scopes: Scopes, _: Faults) -> object:
        value = find(scopes)
        return absent() if value is ABSENT else value

    def get(scopes: Scopes, _: Faults) -> object:
        found = value = find(scopes)
        if value is ABSENT:
            return absent()
        try:
            for step in steps:
                value = step(value)
        except Unfit as unfit:
            raise Unmapped(site.target, path, unfit.reason, unfit.params, found) from None
        return absent() if value is ABSENT else value

    return get if steps else get_as_it_is


def _const(rule: Rule, _: Site) -> Get:
    value = rule["const"]
    return lambda _scopes, _faults: value


def _each(rule: Rule, site: Site) -> Get:
    path = rule["each"]
    site.link(path)
    find, absent = _search(path), _absent(rule, site.target, path)
    inner = FieldMap(_fields(rule.get("fields"), site.items(path)), ())

    def get(scopes: Scopes, faults: Faults) -> object:
        items = find(scopes)
        if items is ABSENT:
            return absent()
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Unmapped(site.target, path, "not_a_list", {})
        if faults is None:
            return [inner.apply_within((item, *scopes)) for item in items]
        return [_item_read(inner, (item, *scopes), number, faults) for number, item in enumerate(items, 1)]

    return get


def _item_read(inner: FieldMap, scopes: Scopes, number: int, faults: list[Unmapped]) -> dict[str, object]:
    """Return what an item says; faults inside it bear its number, counted from 1."""
    found: list[Unmapped] = []
    item = inner.apply_within(scopes, found)
    for each in found:
        target = each.target.replace("[]", f"[{number}]", 1)
        faults.append(Unmapped(target, each.source, each.reason, {**each.params, "target": target}, each.value))
    return item


def _list(rule: Rule, site: Site) -> Get:
    entries = [FieldMap(_fields(entry, site.item(index)), ()) for index, entry in enumerate(rule["list"])]
    return lambda scopes, faults: [entry.apply_within(scopes, faults) for entry in entries]


def _join(rule: Rule, site: Site) -> Get:
    """Make one text of paths and literals; what is absent is left out, and with nothing but literals all is absent."""
    paths = [part for part in rule["join"] if isinstance(part, str)]
    for path in paths:
        site.link(path)
    parts = [(_search(part), "") if isinstance(part, str) else (_nothing, part["const"]) for part in rule["join"]]
    source, steps = " + ".join(paths), steps_of({key: rule[key] for key in ("cut",) if key in rule}, site)
    absent, between = _absent(rule, site.target, source), rule.get("with", "")

    def get(scopes: Scopes, _: Faults) -> object:
        found = [(find(scopes), literal) for find, literal in parts]
        if all(value is ABSENT for value, _ in found):
            return absent()
        try:
            text: object = between.join(
                literal or plain_text(value) for value, literal in found if literal or value is not ABSENT
            )
        except Unfit as unfit:
            raise Unmapped(site.target, source, unfit.reason, unfit.params) from None
        for step in steps:
            text = step(text)
        return text

    return get


def _search(path: str) -> Callable[[Scopes], object]:
    """Return what looks `path` up, innermost scope first. Null and blank text are no answer; an empty list is one."""
    find, is_one_step = lookup(path), "." not in path

    def first(scopes: Scopes) -> object:
        for scope in scopes:
            value = scope[path] if path in scope else ABSENT if is_one_step else find(scope)
            if value is not ABSENT:
                return ABSENT if value is None or (isinstance(value, str) and is_blank(value)) else value
        return ABSENT

    return first


def _absent(rule: Rule, target: str, source: str) -> Callable[[], object]:
    """Return what happens when the source is not there: a default, nothing, or Unmapped."""
    if "default" in rule:
        value = rule["default"]
        return lambda: value
    if rule.get("optional"):
        return lambda: ABSENT

    def refuse() -> object:
        raise Unmapped(target, source, "missing", {})

    return refuse


def _nothing(*_: object) -> object:
    return ABSENT


def _anything(_: object) -> bool:
    return True


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_join(value: object) -> bool:
    return (
        isinstance(value, list)
        and any(map(_is_name, value))
        and all(_is_name(part) or _is_literal(part) for part in value)
    )


def _is_literal(part: object) -> bool:
    return isinstance(part, Mapping) and part.keys() == {"const"} and _is_name(part["const"])


SHAPES: Mapping[str, Callable[[object], bool]] = {
    "from": _is_name,
    "each": _is_name,
    "table": _is_name,
    "as": _is_name,
    "const": _is_scalar,
    "default": _is_scalar,
    "with": lambda value: isinstance(value, str),
    "back": lambda value: value is True,
    "optional": lambda value: value is True,
    "cut": lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    "join": _is_join,
    "list": lambda value: isinstance(value, list) and value != [],
}

RULES: Mapping[str, tuple[Callable[[Rule, Site], Get], tuple[str, ...]]] = {
    "from": (_from, ("table", "as", "back", "cut", "default", "optional", *OPTIONS)),
    "const": (_const, ()),
    "each": (_each, ("fields", "default", "optional")),
    "list": (_list, ()),
    "join": (_join, ("with", "cut", "default", "optional")),
}
"""Where a value comes from: the one such verb of a rule, and the verbs that may stand beside it."""
