"""One check for each element a pull brings, by its type, its mask and its limits. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.catalog.contents import Catalog, Element
from hub.mapping.fault import Unfit
from hub.mapping.transform import number, plain_text
from hub.pulls.values.dates import read_date, read_time
from hub.pulls.values.fault import NOTHING, NotUnderstood, says_nothing
from hub.pulls.values.numbers import read_id_number, read_phone
from hub.pulls.values.positions import CHINA, Box, read_position
from hub.text import comparable, is_plain, kept

Read = Callable[[Any], Any]
"""Returns the value in its element's type, or NOTHING; raises NotUnderstood."""
Note = Callable[[str, NotUnderstood, object], None]
"""Told of a part of a value that was left out: which, why, and what was there."""
_YES, _NO = frozenset({"true", "1", "是", "y", "yes", "√", "有"}), frozenset({"false", "0", "否", "n", "no", "×", "无"})


class Checks:
    """The checks of one county's elements."""

    def __init__(self, catalog: Catalog, box: Box | None = None) -> None:
        self._catalog = catalog
        self._box = box or CHINA
        self._lists = {name: element for name, element in catalog.elements.items() if element.type == "list"}
        self._reads = {name: self._made(element) for name, element in catalog.elements.items()}

    def understood(self, element: str, value: object, note: Note) -> Any:  # noqa: ANN401 - any JSON value
        """Return a value as its element has it, or NOTHING; raises NotUnderstood.

        Of a list, what is not understood of an item is left out and noted: `household.members[2].person.relation`.
        """
        if element in self._lists:
            return self._items(self._lists[element], value, note)
        return self._reads[element](value)

    def position(self, value: object) -> dict[str, Any]:
        """Return where a Place is; raises NotUnderstood."""
        return read_position(value, self._box)

    def _items(self, element: Element, value: object, note: Note) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise NotUnderstood("not_a_list")
        if element.most is not None and len(value) > element.most:
            raise NotUnderstood("too_many", most=element.most)
        items = []
        for place, item in enumerate(value, 1):
            found = {}
            for name, part in item.items():
                try:
                    read = self._reads[name](part)
                except NotUnderstood as fault:
                    note(f"{element.id}[{place}].{name}", fault, part)
                    continue
                if read is not NOTHING:
                    found[name] = read
            items.append(found)
        return items

    def _made(self, element: Element) -> Read:
        if element.mask == "phone":
            return _or_nothing(read_phone)
        if element.mask == "id_number":
            return _or_nothing(read_id_number)
        makers: Mapping[str, Callable[[Element], Read]] = {
            "text": _text, "whole": _whole, "number": _number, "choice": self._choice, "choices": self._choices,
            "line": self._line,
        }  # fmt: skip
        reads: Mapping[str, Read] = {
            "date": _or_nothing(read_date), "time": _or_nothing(read_time), "yes_no": _yes_no,
            "location": self.position,
        }  # fmt: skip
        if element.type in makers:
            return makers[element.type](element)
        return reads.get(element.type, _unpullable)

    def _choice(self, element: Element) -> Read:
        codes = {comparable(code.code): code.code for code in self._catalog.codes[element.codes or ""]}

        def read(value: object) -> object:
            text = plain(value)
            code = codes.get(comparable(text))
            if code is None:
                if says_nothing(text):
                    return NOTHING
                raise NotUnderstood("unknown_code", codes=element.codes)
            return code

        return read

    def _choices(self, element: Element) -> Read:
        one = self._choice(element)

        def read(value: object) -> object:
            if not isinstance(value, list):
                raise NotUnderstood("not_a_list")
            found = [one(each) for each in value]
            return list(dict.fromkeys(each for each in found if each is not NOTHING))

        return read

    def _line(self, element: Element) -> Read:
        def read(value: object) -> object:
            """Return a course whole or not at all: without one of its points it would lead somewhere else."""
            if not isinstance(value, list):
                raise NotUnderstood("not_a_list")
            if element.most is not None and len(value) > element.most:
                raise NotUnderstood("too_many", most=element.most)
            points = [self.position(point) for point in value]
            if len(points) == 1:
                raise NotUnderstood("not_a_line")
            return points or NOTHING

        return read


def plain(value: object) -> str:
    """Return a scalar as a kept text; raises NotUnderstood for what no text of ours may be."""
    try:
        text = kept(value if isinstance(value, str) else plain_text(value))
    except Unfit as unfit:
        raise NotUnderstood(unfit.reason) from None
    if not is_plain(text):
        raise NotUnderstood("control_character")
    return text


def _or_nothing(read: Read) -> Read:
    def either(value: object) -> object:
        return NOTHING if isinstance(value, str) and says_nothing(value) else read(value)

    return either


def _text(element: Element) -> Read:
    pattern = re.compile(element.pattern) if element.pattern else None

    def read(value: object) -> object:
        if isinstance(value, bool):
            raise NotUnderstood("not_text")
        text = plain(value)
        if says_nothing(text):
            return NOTHING
        if element.max is not None and len(text) > element.max:
            raise NotUnderstood("too_long", most=element.max)
        if pattern is not None and not pattern.search(text):
            raise NotUnderstood("pattern")
        return text

    return read


def _whole(element: Element) -> Read:
    measured = _number(element)

    def read(value: object) -> object:
        found = measured(value)
        if found is NOTHING or isinstance(found, int):
            return found
        if not found.is_integer():
            raise NotUnderstood("not_whole")
        return int(found)

    return read


def _number(element: Element) -> Read:
    def read(value: object) -> object:
        if isinstance(value, str) and says_nothing(value):
            return NOTHING
        try:
            found = number(value)
        except Unfit as unfit:
            raise NotUnderstood(unfit.reason) from None
        if (element.min is not None and found < element.min) or (element.max is not None and found > element.max):
            raise NotUnderstood("out_of_range", least=_told(element.min), most=_told(element.max))
        return found

    return read


def _told(limit: int | None) -> str:
    return "…" if limit is None else str(limit)


def _yes_no(value: object) -> object:
    text = comparable(plain(value))
    if text in _YES or text in _NO:
        return text in _YES
    if says_nothing(text):
        return NOTHING
    raise NotUnderstood("not_yes_or_no")


def _unpullable(_: object) -> object:
    raise NotUnderstood("not_pullable")
