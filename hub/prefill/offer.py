"""What is known for the questions of a form at a Place, with source and date; the authority's word first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.catalog.contents import Catalog, Element, Form, Question
from hub.model.known import Snapshot
from hub.systems import Registry

CYCLES = {
    "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31), "quarter": timedelta(days=92),
    "half_year": timedelta(days=183), "year": timedelta(days=366), "once": timedelta.max,
}  # fmt: skip


@dataclass(frozen=True)
class Opinion:
    """What one System says a question's answer is."""

    value: Any
    system: str
    as_of: datetime
    authority: bool
    """It is the one department that may say what this is."""


@dataclass(frozen=True)
class Offer:
    """One question with a known value: the best opinion first, the others for the curious."""

    path: str
    element: str
    best: Opinion
    others: tuple[Opinion, ...]
    fresh: bool
    """Younger than the element's cycle: a line to confirm, not a field to ask."""


def offer(
    catalog: Catalog, registry: Registry, form: Form, snapshots: Sequence[Snapshot], now: datetime
) -> tuple[Offer, ...]:
    """Return the offers for a form's questions from what Systems say of its Place."""
    single = (question for question in form.questions if "*" not in question.path)
    return tuple(filter(None, (_offer(catalog, registry, question, snapshots, now) for question in single)))


def _offer(
    catalog: Catalog, registry: Registry, question: Question, snapshots: Sequence[Snapshot], now: datetime
) -> Offer | None:
    element = catalog.elements[question.element]
    told = ranked(registry, element, (s for s in snapshots if s.element == question.element))
    if not told:
        return None
    best, *others = told
    fresh = now - best.as_of < CYCLES.get(element.cycle, timedelta(0))
    return Offer(question.path, element.id, best, tuple(others), fresh)


def ranked(registry: Registry, element: Element, snapshots: Iterable[Snapshot]) -> list[Opinion]:
    """Return what Systems say of one element: its authority first, then the youngest."""
    opinions = [
        Opinion(s.value, s.system, s.as_of, _owner(registry, s.system) == element.authority)
        for s in snapshots
        if s.value is not None
    ]
    return sorted(opinions, key=lambda opinion: (not opinion.authority, -opinion.as_of.timestamp()))


def _owner(registry: Registry, system: str) -> str:
    known = registry.systems.get(system)
    return known.owner if known else ""
