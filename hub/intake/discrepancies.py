"""Where an author contradicts a source: by what they changed of what they were shown in this act. Pure."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from hub.catalog.contents import Form
from hub.intake.arrival import Arrival
from hub.intake.filled import Seen
from hub.intake.route import Row
from hub.intake.world import answers_at
from hub.model.column import new_id
from hub.model.known import Snapshot

_UNKNOWN = object()


def discrepancy_rows(arrival: Arrival, before: Mapping[str, Any] | None = None) -> Iterator[Row]:
    """Yield the discrepancies a Submission makes; a correction makes them by what it changed of answers `before`."""
    here = arrival.world.at(arrival.filled.place)
    if here is None:
        return
    changed = arrival.form.elements if before is None else changed_answers(arrival, before)
    for path, seen in arrival.filled.seen.items():
        element = arrival.form.elements.get(path, "")
        snapshot = here.snapshot(element, seen.system)
        ours = _answer(arrival.filled.answers, path)
        if snapshot is None or path not in changed or not _contradicts(seen, snapshot, ours):
            continue
        yield {
            "id": new_id(),
            "submission_id": arrival.submission_id,
            "place_id": here.place.id,
            "division": arrival.division,
            "element": element,
            "system": snapshot.system,
            "theirs": snapshot.value,
            "theirs_as_of": snapshot.as_of,
            "ours": None if seen.refused else ours,
            "found_at": arrival.received_at,
            "settled_at": None,
            "settlement": "",
        }


def changed_answers(arrival: Arrival, before: Mapping[str, Any]) -> dict[str, str]:
    """Return the questions, each with its element, that a correction answers in another way than it was `before`."""
    answers = arrival.filled.answers
    return {path: element for path, element in _single(arrival.form) if _answer(answers, path) != _answer(before, path)}


def _single(form: Form) -> Iterator[tuple[str, str]]:
    """Yield the questions that are asked once; only of these anything is known beforehand."""
    return ((path, element) for path, element in form.elements.items() if "*" not in path)


def _contradicts(seen: Seen, snapshot: Snapshot, ours: object) -> bool:
    """Say whether an answer speaks against a source, which may have changed since the author was shown its value."""
    shown = _shown(seen, snapshot)
    if shown is _UNKNOWN:
        return False
    if seen.refused:
        return _same(shown, snapshot.value)
    return not _same(ours, shown) and not _same(ours, snapshot.value)


def _shown(seen: Seen, snapshot: Snapshot) -> object:
    """Return what the author was shown; an older client only says how old it was."""
    if seen.value is not None:
        return seen.value
    return snapshot.value if seen.as_of == snapshot.as_of else _UNKNOWN


def _same(one: object, other: object) -> bool:
    """Say whether two values are equal; what arrives is in NFC, what Systems say may not be."""
    if isinstance(one, str) and isinstance(other, str):
        return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    return one == other


def _answer(answers: Mapping[str, Any], path: str) -> object:
    return next((value for _, value in answers_at(answers, path)), None)
