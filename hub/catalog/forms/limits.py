"""The limits and the dated codes of a form's questions: what its schema cannot say. checks.py holds answers to them."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal

from hub.catalog.contents import MOMENT_TYPES, MOMENTS, Code, Limit, Text
from hub.catalog.forms.questions import Asked, Block, Codes, Entry, every_question
from hub.catalog.verdicts import Leaf, pointer

_KINDS: tuple[Literal["not_before", "not_after"], ...] = ("not_before", "not_after")
Moments = Mapping[str, Text]
"""What people call each of `MOMENTS`."""


def path_of(block: Block | None, asked: Asked) -> str:
    """Return the pointer of a question's answer."""
    if block is None:
        return pointer((asked.element.id,))
    return pointer((block.name, "*", asked.element.id) if block.repeats else (block.name, asked.element.id))


def read_limits(entries: tuple[Entry, ...], moments: Moments) -> tuple[tuple[Limit, ...], list[Leaf]]:
    """Return every limit of a form, the element's own and the question's, and the faults."""
    limits: list[Limit] = []
    faults: list[Leaf] = []
    for block, asked in every_question(entries):
        others = dict(_within_reach(entries, block))
        for kind in _KINDS:
            own, name = asked.limits.get(kind), getattr(asked.element, kind)
            other = own or name
            if other in MOMENTS:
                limits.append(Limit(path_of(block, asked), kind, other, moments[other]))
            elif other in others and others[other][1].element.type in MOMENT_TYPES:
                limits.append(Limit(path_of(block, asked), kind, path_of(*others[other]), others[other][1].title))
            elif own is not None:
                faults.append(Leaf((*asked.at, asked.element.id, kind), "limit_unknown", {"name": own}))
        if asked.limits and asked.element.type not in MOMENT_TYPES:
            faults.append(Leaf((*asked.at, asked.element.id), "limit_type", {"element": asked.element.id}))
    return tuple(limits), faults


def _within_reach(entries: tuple[Entry, ...], block: Block | None) -> Iterator[tuple[str, tuple[Block | None, Asked]]]:
    """Yield the questions whose answers stand beside those of a block: its own, and all outside repeats."""
    for other, asked in every_question(entries):
        if other is block or other is None or not other.repeats:
            yield asked.element.id, (other, asked)


def dated_codes(entries: tuple[Entry, ...], codes: Codes, valid: tuple[date, date]) -> dict[str, dict[str, Code]]:
    """Return for each question the codes that are not good for all the time its form is licensed for."""
    found = {
        path_of(block, asked): {
            code.code: code for code in codes.get(asked.element.codes or "", ()) if not all(map(code.offered_on, valid))
        }
        for block, asked in every_question(entries)
    }
    return {path: dated for path, dated in found.items() if dated}
