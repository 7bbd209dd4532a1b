"""What a rule does to the value it found: code table, transform and length, in order, or turned back."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hub.mapping.fault import Unfit
from hub.mapping.path import ABSENT
from hub.mapping.site import Site, names
from hub.mapping.transform import TRANSFORMS, Transform, cut, plain_text
from hub.text import comparable

Step = Callable[[object], object]
Rule = Mapping[str, Any]

OPTIONS = tuple(sorted({transform.option for transform in TRANSFORMS.values()} - {""}))
LONGEST_QUOTED_CODE = 40


def steps_of(rule: Rule, site: Site) -> tuple[Step, ...]:
    """Return the steps of a rule, first to last: table, then `as`; with `back` the inverses the other way round."""
    steps = [step for step in (_table_step(rule, site), _transform_step(rule, site)) if step is not None]
    if rule.get("back"):
        if "table" not in rule and "as" not in rule:
            site.fault("nothing_to_turn_back")
        steps.reverse()
    if "cut" in rule:
        steps.append(_itemwise(partial(cut, rule["cut"])))
    return tuple(steps)


def _itemwise(step: Step) -> Step:
    def each(value: object) -> object:
        if isinstance(value, list):
            return [made for item in value if (made := step(item)) is not ABSENT]
        return step(value)

    return each


def _table_step(rule: Rule, site: Site) -> Step | None:
    name = rule.get("table")
    if name is None:
        return None
    table = site.context.tables.get(str(name))
    if table is None:
        site.fault("unknown_table", table=name, known=names(site.context.tables))
        return None
    codes = _turned(table, str(name), site) if rule.get("back") else table

    alike = _alike(codes)

    def translate(value: object) -> object:
        code = plain_text(value)
        if code in codes:
            return codes[code]
        if comparable(code) not in alike:
            raise Unfit("not_in_table", table=name, code=code[:LONGEST_QUOTED_CODE])
        return alike[comparable(code)]

    return _itemwise(translate)


def _alike(codes: Mapping[str, object]) -> dict[str, object]:
    """Return what codes mean that are written with other case, width or blanks; none where that is not one thing."""
    alike: dict[str, object] = {}
    for code, made in codes.items():
        key = comparable(code)
        alike[key] = made if alike.get(key, made) == made else ABSENT
    return {key: made for key, made in alike.items() if made is not ABSENT}


def _turned(table: Mapping[str, object], name: str, site: Site) -> dict[str, object]:
    """Return {their code as text: our code}; systems give the same code now as number, now as text."""
    turned: dict[str, object] = {}
    for ours, theirs in table.items():
        code = str(theirs)
        if code in turned:
            site.fault("ambiguous_table", table=name, code=code, ours=names((turned[code], ours)))
        turned[code] = ours
    return turned


def _transform_step(rule: Rule, site: Site) -> Step | None:
    name = str(rule.get("as", ""))
    transform = _transform(name, site) if name else None
    if name and transform is None:
        return None
    owned = transform.option if transform is not None else ""
    for option in OPTIONS:
        if option in rule and option != owned:
            site.fault("stray_option", option=option)
    if transform is None:
        return None
    function = transform.back if rule.get("back") else transform.forward
    if function is None:
        site.fault("no_inverse", name=name)
        return None
    if owned and rule.get(owned) not in transform.choices:
        site.fault("bad_option", option=owned, name=name, known=names(transform.choices))
        return None
    step: Step = partial(function, rule[owned]) if owned else function
    takes_list = transform.back_takes_list if rule.get("back") else transform.takes_list
    return step if takes_list else _itemwise(step)


def _transform(name: str, site: Site) -> Transform | None:
    if name == "url":
        address_of = site.context.attachment_url
        return Transform(lambda value: address_of(plain_text(value)))
    if name == "base64":
        site.fault("no_base64")
    elif name not in TRANSFORMS:
        site.fault("unknown_transform", name=name, known=names((*TRANSFORMS, "url")))
    return TRANSFORMS.get(name)
