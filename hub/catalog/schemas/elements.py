"""The data-element dictionary: schemas/elements/<subject>.yaml. Every element once, each in its subject's file."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hub.catalog.conditions import pattern_faults
from hub.catalog.contents import MOMENT_TYPES, MOMENTS, Element, TrackRules
from hub.catalog.documents import Fault, pointer, read_yaml, validate

ENVELOPE = (
    "record",
    "key",
    "revision",
    "place",
    "by",
    "occurred_at",
    "reported_at",
    "received_at",
    "location",
    "photos",
    "track",
    "nothing_to_report",
)
"""Words every record carries beside its elements; no subject and no group may take one."""


def read_elements(root: Path, codes: Collection[str]) -> tuple[dict[str, Element], list[Fault]]:
    """Return the dictionary by element id; `codes` are the names of the code sets there are."""
    elements: dict[str, Element] = {}
    faults: list[Fault] = []
    places: dict[str, tuple[str, int]] = {}
    for path in sorted((root / "schemas/elements").glob("*.yaml")):
        file = path.relative_to(root).as_posix()
        document, problems = read_yaml(path, file)
        problems += [] if problems else validate(document, root / "schemas/elements.json", file)
        faults += problems
        for index, row in enumerate([] if problems else document):
            if row["id"] in elements:
                first, params = pointer([index, "id"]), {"element": row["id"], "first": places[row["id"]][0]}
                faults.append(Fault(file, first, "catalog.element_repeated", params))
                continue
            elements[row["id"]], places[row["id"]] = _element(row), (file, index)
            faults += _row_faults(row, file, index, codes)
    faults += _item_faults(elements, places)
    return elements, [*faults, *_limit_faults(elements, places), *_along_faults(elements, places)]


def _element(row: dict[str, Any]) -> Element:
    # A pattern at fault is reported and left out, so that the forms that ask for the element are still checked.
    pattern = None if pattern_faults(row.get("pattern")) else row.get("pattern")
    lists = {"synonyms": tuple(row["synonyms"]), "items": tuple(row.get("items", ()))}
    track = TrackRules(**row["track"]) if "track" in row else None
    return Element(**row | lists | {"pattern": pattern, "track": track})


def _row_faults(row: dict[str, Any], file: str, index: int, codes: Collection[str]) -> Iterator[Fault]:
    subject = row["id"].partition(".")[0]
    if subject in ENVELOPE:
        yield Fault(file, pointer([index, "id"]), "catalog.reserved", {"name": subject})
    elif subject != Path(file).stem:
        yield Fault(file, pointer([index, "id"]), "catalog.element_file", {"element": row["id"], "subject": subject})
    if "codes" in row and row["codes"] not in codes:
        yield Fault(file, pointer([index, "codes"]), "catalog.codes_unknown", {"codes": row["codes"]})
    for code in pattern_faults(row.get("pattern")):
        yield Fault(file, pointer([index, "pattern"]), f"catalog.{code}")


def _limit_faults(elements: dict[str, Element], places: dict[str, tuple[str, int]]) -> Iterator[Fault]:
    """Find limits that name no other date or time: not one of the dictionary, and no moment every submission has."""
    for element in elements.values():
        for kind in ("not_before", "not_after"):
            other = getattr(element, kind)
            if other is None or other in MOMENTS:
                continue
            if other == element.id or other not in elements or elements[other].type not in MOMENT_TYPES:
                file, index = places[element.id]
                yield Fault(file, pointer([index, kind]), "catalog.limit_unknown", {"name": other})


def _along_faults(elements: dict[str, Element], places: dict[str, tuple[str, int]]) -> Iterator[Fault]:
    """Find tracks that are to be compared with what is no line."""
    for element in elements.values():
        along = element.track.along if element.track else None
        if along is not None and (along not in elements or elements[along].type != "line"):
            file, index = places[element.id]
            yield Fault(file, pointer([index, "track", "along"]), "catalog.along_unknown", {"name": along})


def _item_faults(elements: dict[str, Element], places: dict[str, tuple[str, int]]) -> list[Fault]:
    return [
        Fault(
            places[element.id][0],
            pointer([places[element.id][1], "items", at]),
            "catalog.element_unknown",
            {"element": item},
        )
        for element in elements.values()
        for at, item in enumerate(element.items)
        if item not in elements
    ]
