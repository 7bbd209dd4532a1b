"""The `makes` of a form: checked against its questions and the record types, so that no submission can fail later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.catalog.conditions import BadCondition, compile_condition
from hub.catalog.contents import Element, Json, Make, RecordType
from hub.catalog.forms.questions import Asked, Block, Codes, Entry, Path, every_question
from hub.catalog.forms.schema import value_schema
from hub.catalog.verdicts import Leaf, compile_fast

ENVELOPE_TYPES = {"place": "place", "location": "location", "occurred_at": "time", "reported_at": "time"}
"""What of the envelope a record field may be filled from, and the element type it fits."""


@dataclass(frozen=True)
class _Source:
    element: Element
    sure: bool
    """False when a valid submission may lack it."""


def read_makes(
    raw: list[Json],
    entries: tuple[Entry, ...],
    records: Mapping[str, RecordType],
    dictionary: tuple[Mapping[str, Element], Codes],
) -> tuple[tuple[Make, ...], list[Leaf]]:
    """Return what each submission becomes, and the faults."""
    makes: list[Make] = []
    faults: list[Leaf] = []
    for index, item in enumerate(raw):
        problems = list(_make_faults(item, raw[:index], entries, records))
        if not problems:
            record = records[item["record"]]
            problems = list(_field_faults(item, record, _sources(item, entries), dictionary))
            problems += _place_faults(item, _sources(item, entries))
        faults += [Leaf(("makes", index, *fault.path), fault.code, fault.params) for fault in problems]
        if not problems:
            makes.append(_make(item, records[item["record"]]))
    return tuple(makes), faults or list(_unused(entries, makes))


def _make(item: Json, record: RecordType) -> Make:
    return Make(
        record=record.record,
        each=item.get("each"),
        applies=compile_condition(item.get("when", True)),
        carried=tuple(field.element for field in record.fields),
        fields=item.get("fields", {}),
        place=item.get("place"),
    )


def _make_faults(
    item: Json, before: list[Json], entries: tuple[Entry, ...], records: Mapping[str, RecordType]
) -> Iterator[Leaf]:
    if item["record"] not in records:
        yield Leaf(("record",), "record_unknown", {"record": item["record"]})
    if any((other["record"], other.get("each")) == (item["record"], item.get("each")) for other in before):
        yield Leaf((), "make_repeated", {"record": item["record"]})
    repeats = [entry.name for entry in entries if isinstance(entry, Block) and entry.repeats]
    if item.get("each", next(iter(repeats), None)) not in [*repeats, None]:
        yield Leaf(("each",), "each_unknown", {"name": item["each"]})
    try:
        compile_condition(item.get("when", True))
    except BadCondition as bad:
        yield from (Leaf(("when", *fault.path), fault.code, fault.params) for fault in bad.faults)


def _sources(item: Json, entries: tuple[Entry, ...]) -> dict[str, _Source]:
    """Return the answers this make can draw on: its own repeat's items and everything outside repeats."""
    promised = item.get("when", {}).get("required", [])
    return {
        asked.element.id: _Source(asked.element, _is_sure(block, asked, promised))
        for block, asked in every_question(entries)
        if block is None or not block.repeats or block.name == item.get("each")
    }


def _is_sure(block: Block | None, asked: Asked, promised: list[str]) -> bool:
    inside = block is None or block.repeats or block.name in promised or not (block.optional or block.show_when)
    alone = asked.element.id in promised and block is None
    return alone or (inside and not asked.optional and asked.show_when is None)


def _field_faults(
    item: Json, record: RecordType, sources: dict[str, _Source], dictionary: tuple[Mapping[str, Element], Codes]
) -> Iterator[Leaf]:
    elements, codes = dictionary
    differences: dict[str, Any] = item.get("fields", {})
    for name in differences.keys() - {field.element for field in record.fields}:
        yield Leaf(("fields", name), "field_unknown", {"element": name, "record": record.record})
    for field in record.fields:
        if field.element in differences:
            yield from _difference_faults(elements[field.element], differences[field.element], sources, codes)
        wanted = differences.get(field.element, {}).get("from", field.element)
        filled = "const" in differences.get(field.element, {}) or wanted in ENVELOPE_TYPES
        if not (filled or field.optional or (wanted in sources and sources[wanted].sure)):
            yield Leaf((), "field_unsure", {"element": field.element, "record": record.record})


def _difference_faults(field: Element, rule: Json, sources: dict[str, _Source], codes: Codes) -> Iterator[Leaf]:
    at: Path = ("fields", field.id)
    if "const" in rule:
        if not compile_fast(value_schema(field, codes))(rule["const"]):
            yield Leaf((*at, "const"), "const_unfit", {"element": field.id})
        return
    name = rule["from"]
    offers = (
        (sources[name].element.type, sources[name].element.codes)
        if name in sources
        else (ENVELOPE_TYPES.get(name), None)
    )
    if offers[0] is None:
        yield Leaf((*at, "from"), "from_unknown", {"name": name})
    elif offers != (field.type, field.codes):
        yield Leaf((*at, "from"), "from_unfit", {"name": name, "element": field.id})


def _place_faults(item: Json, sources: dict[str, _Source]) -> Iterator[Leaf]:
    """Find a `place` that is no question about one."""
    name = item.get("place")
    if name is not None and (name not in sources or sources[name].element.type != "place"):
        yield Leaf(("place",), "place_unfit", {"name": name})


def _unused(entries: tuple[Entry, ...], makes: list[Make]) -> Iterator[Leaf]:
    """Find questions whose answer no record keeps: asking them would waste people's time."""
    for block, asked in every_question(entries):
        reach = [make for make in makes if block is None or not block.repeats or make.each == block.name]
        kept = {rule.get("from") for make in reach for rule in make.fields.values()}
        kept |= {name for make in reach for name in make.carried if name not in make.fields}
        kept |= {make.place for make in reach}
        if asked.element.id not in kept:
            yield Leaf(asked.at, "question_unused", {"element": asked.element.id})
