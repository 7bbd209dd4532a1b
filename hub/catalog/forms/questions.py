"""The questions of a form file as a tree, each bound to its element. Decides what may be asked; compiles nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.catalog.conditions import condition_faults
from hub.catalog.contents import Code, Element, Json, Text
from hub.catalog.schemas.elements import ENVELOPE
from hub.catalog.verdicts import Leaf

Path = tuple[str | int, ...]
Codes = Mapping[str, tuple[Code, ...]]
COUNTED = ("choices", "photos", "track")
DEFAULT_MOST = 50


@dataclass(frozen=True)
class Asked:
    """One question; `at` is where it stands in the file."""

    at: Path
    element: Element
    title: Text
    help: Text | None
    confirm: bool
    optional: bool
    most: int | None
    show_when: Json | None
    limits: Json
    """What this form adds: `{"not_before": …, "not_after": …}`."""


@dataclass(frozen=True)
class Block:
    """A group (an object of answers) or a repeat (a list of such objects) of questions."""

    at: Path
    repeats: bool
    name: str
    title: Text
    help: Text | None
    optional: bool
    least: int
    most: int
    show_when: Json | None
    questions: tuple[Asked, ...]


Entry = Asked | Block


def condition(show_when: Json) -> Json:
    """Return the JSON Schema `show_when` is short for, over the object the question lives in."""
    return {"type": "object", "properties": show_when, "required": sorted(show_when)}


def read_questions(
    raw: list[Any], elements: Mapping[str, Element], codes: Codes
) -> tuple[tuple[Entry, ...], list[Leaf]]:
    """Return the tree of a form's `questions` and its faults; what cannot be bound is left out of the tree."""
    entries: list[Entry] = []
    faults: list[Leaf] = []
    for index, item in enumerate(raw):
        at: Path = ("questions", index)
        if isinstance(item, dict) and ("group" in item or "repeat" in item):
            asked, problems = _asked(item["questions"], (*at, "questions"), elements)
            entries.append(_block(at, item, asked))
        else:
            asked, problems = _asked([item], at[:1], elements, first=index)
            entries += asked
        faults += problems
    return tuple(entries), faults + list(_tree_faults(entries, codes))


def every_question(entries: tuple[Entry, ...]) -> Iterator[tuple[Block | None, Asked]]:
    """Yield every question with the block it stands in."""
    for entry in entries:
        if isinstance(entry, Block):
            yield from ((entry, asked) for asked in entry.questions)
        else:
            yield None, entry


def _asked(
    raw: list[Any], at: Path, elements: Mapping[str, Element], first: int = 0
) -> tuple[tuple[Asked, ...], list[Leaf]]:
    asked: list[Asked] = []
    faults: list[Leaf] = []
    for index, item in enumerate(raw, start=first):
        name, options = next(iter(item.items())) if isinstance(item, dict) else (item, {})
        element = elements.get(name)
        if element is None:
            faults.append(Leaf((*at, index), "element_unknown", {"element": name}))
        elif element.type in ("list", "line"):
            faults.append(Leaf((*at, index), "question_list", {"element": name}))
        else:
            asked.append(_question((*at, index), element, options))
    return tuple(asked), faults


def _question(at: Path, element: Element, options: Json) -> Asked:
    return Asked(
        at=at,
        element=element,
        title=options.get("title", element.title),
        help=options.get("help", element.help),
        confirm=options.get("confirm", False),
        optional=options.get("optional", False),
        most=options.get("most", element.most),
        show_when=options.get("show_when"),
        limits={kind: options[kind] for kind in ("not_before", "not_after") if kind in options},
    )


def _block(at: Path, item: Json, questions: tuple[Asked, ...]) -> Block:
    least = item.get("least", 0)
    return Block(
        at=at,
        repeats="repeat" in item,
        name=item.get("group") or item["repeat"],
        title=item["title"],
        help=item.get("help"),
        optional=item.get("optional", "repeat" in item and least == 0),
        least=least,
        most=item.get("most", DEFAULT_MOST),
        show_when=item.get("show_when"),
        questions=questions,
    )


def _tree_faults(entries: list[Entry], codes: Codes) -> Iterator[Leaf]:
    names: set[str] = set()
    for entry in entries:
        if isinstance(entry, Block) and (entry.name in names or entry.name in ENVELOPE):
            yield Leaf(entry.at, "reserved", {"name": entry.name})
        if isinstance(entry, Block):
            names.add(entry.name)
            yield from _condition_faults(entry.questions, codes)
    yield from _condition_faults(tuple(entries), codes)
    seen: set[str] = set()
    for _, asked in every_question(tuple(entries)):
        if asked.element.id in seen:
            yield Leaf(asked.at, "question_repeated", {"element": asked.element.id})
        seen.add(asked.element.id)
        most = asked.element.most or DEFAULT_MOST
        if asked.most is not None and (asked.element.type not in COUNTED or asked.most > most):
            yield Leaf(
                (*asked.at, asked.element.id, "most"), "question_most", {"element": asked.element.id, "most": most}
            )


def _condition_faults(siblings: tuple[Entry, ...], codes: Codes) -> Iterator[Leaf]:
    known = {entry.element.id: entry.element for entry in siblings if isinstance(entry, Asked)}
    for entry in siblings:
        at = (*entry.at, *((entry.element.id,) if isinstance(entry, Asked) else ()), "show_when")
        for name, test in (entry.show_when or {}).items():
            yield from (Leaf((*at, name, *fault.path), fault.code, fault.params) for fault in condition_faults(test))
            if name not in known or (isinstance(entry, Asked) and name == entry.element.id):
                yield Leaf((*at, name), "show_when_unknown", {"element": name})
            elif known[name].codes:
                yield from _code_faults(
                    (*at, name), test, {code.code for code in codes.get(known[name].codes or "", ())}
                )


def _code_faults(at: Path, test: Json, known: set[str]) -> Iterator[Leaf]:
    tested = [*test.get("enum", ()), *([test["const"]] if "const" in test else ())]
    yield from (Leaf(at, "show_when_code", {"code": code}) for code in tested if code not in known)
