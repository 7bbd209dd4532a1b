"""One form file -> one Form with its verdict, or all that is wrong with it. Reads no file itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from hub.catalog.contents import Code, Element, Form, Json, Policy, Question, RecordType, Served, Text
from hub.catalog.forms.layout import layout, offered
from hub.catalog.forms.limits import Moments, dated_codes, path_of, read_limits
from hub.catalog.forms.makes import read_makes
from hub.catalog.forms.policy import policy_faults
from hub.catalog.forms.questions import Asked, Block, Codes, Entry, every_question, read_questions
from hub.catalog.forms.schema import answers_schema
from hub.catalog.verdicts import Leaf, Verdict

DAYS_KEPT = 8
"""Days whose layout is kept ready: today's, and those of drafts and corrections that are open."""


@dataclass(frozen=True)
class Surroundings:
    """What a form is compiled against."""

    elements: Mapping[str, Element]
    codes: Mapping[str, tuple[Code, ...]]
    records: Mapping[str, RecordType]
    policy: Policy
    nothing: Text
    """The label of the switch that says there is nothing to report."""
    moments: Moments
    sound: bool
    """False when elements, codes or records have faults: examples would then only repeat them."""


def compile_form(name: str, version: int, document: Json, given: Surroundings) -> tuple[Form, Verdict] | list[Leaf]:
    """Return the compiled form and its verdict, or its faults."""
    entries, faults = read_questions(document["questions"], given.elements, given.codes)
    faults += policy_faults(document, entries, given.policy)
    faults += _licence_faults(document["licence"])
    limits, problems = read_limits(entries, given.moments)
    faults += problems
    if faults:
        return faults
    makes, faults = read_makes(document["makes"], entries, given.records, (given.elements, given.codes))
    nothing = given.nothing if "nothing_to_report" in document else None
    schema = answers_schema(entries, given.codes, nothing)
    verdict = Verdict(schema, [entry.name for entry in entries if isinstance(entry, Block) and entry.repeats])
    faults += _example_faults(document["examples"], verdict) if given.sound else []
    if faults:
        return faults
    first, last = (date.fromisoformat(limit) for limit in document["licence"]["valid"])
    form = Form(
        form=name,
        version=version,
        title=document["title"],
        at=document.get("at"),
        licence=document["licence"],
        schema=schema,
        served=_server(entries, given.codes, nothing),
        help=document["help"],
        examples=tuple(document["examples"]),
        makes=makes,
        questions=tuple(_question(block, asked) for block, asked in every_question(entries)),
        limits=limits,
        tracks={asked.element.id: asked.element.track for _, asked in every_question(entries) if asked.element.track},
        dated=dated_codes(entries, given.codes, (first, last)),
        exception=document.get("exception"),
    )
    return form, verdict


def _server(entries: tuple[Entry, ...], codes: Codes, nothing: Text | None) -> Callable[..., Served]:
    """Return what draws the form for the days given: what is valid is asked when it is opened, never at start."""
    used = sorted({asked.element.codes for _, asked in every_question(entries) if asked.element.codes})

    @lru_cache(maxsize=DAYS_KEPT)
    def served(*days: date) -> Served:
        return Served(layout(entries, codes, days, nothing), {name: offered(codes, name, days) for name in used})

    return served


def _licence_faults(licence: Json) -> list[Leaf]:
    first, last = licence["valid"]
    return [Leaf(("licence", "valid"), "licence_dates", {"first": first, "last": last})] if last < first else []


def _example_faults(examples: list[Json], verdict: Verdict) -> list[Leaf]:
    return [
        Leaf(("examples", index, "answers", *leaf.path), leaf.code, leaf.params)
        for index, example in enumerate(examples)
        if not verdict.is_valid(example["answers"])
        for leaf in verdict.leaves(example["answers"])
    ]


def _question(block: Block | None, asked: Asked) -> Question:
    loose = asked.optional or asked.show_when is not None
    in_loose_group = block is not None and not block.repeats and (block.optional or block.show_when is not None)
    optional = loose or in_loose_group
    element = asked.element
    return Question(
        path_of(block, asked), element.id, element.type, confirm=asked.confirm, optional=optional, kind=element.kind
    )
