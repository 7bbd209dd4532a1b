"""The nouns of the catalog, read-only once loaded: elements, codes, records, forms, policy. Reads no file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from hub.catalog.messages import Messages
from hub.catalog.verdicts import Verdict

Text = Mapping[str, str]
"""The same words in both languages: `{"zh": …, "en": …}`."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Code:
    """One value of a code set; outside its dates it is still understood, but no longer offered."""

    code: str
    title: Text
    valid_from: date
    valid_to: date | None

    def offered_on(self, day: date) -> bool:
        """Say whether a form may offer this code on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class TrackRules:
    """By what a track is reckoned: patrols differ from place to place, so every threshold is data."""

    accuracy_m: float
    """Fixes reported worse are left out."""
    speed_mps: float
    """Nobody on a patrol is faster."""
    gate_m: float
    gate_accuracies: float
    """Somebody has moved once they are this far, and this many times the reported error, from where they were."""
    simplify_m: float
    near_m: float
    """How near the way a segment counts as covered."""
    teleport_m: float
    """A jump at an impossible speed is worth a flag from here on."""
    even_steps: int
    even_share: float
    """So many steps that differ by no more than this share are a program's."""
    repeat_fixes: int
    """Shorter tracks are too alike by chance to be called a repeat."""
    along: str | None = None
    """The element that holds the shape of the Place walked along."""


@dataclass(frozen=True)
class Element:
    """One thing the county knows, once: what every form that asks it would otherwise repeat."""

    id: str
    title: Text
    type: str
    authority: str
    """The one department that may say what it is."""
    cycle: str
    """How often it may change; a younger known value is not asked again."""
    sensitivity: int
    """1 public to 4 sensitive personal."""
    mask: str
    """How it is shown to who may not see it: none, name, phone, address, id_number, amount."""
    synonyms: tuple[str, ...]
    help: Text | None = None
    codes: str | None = None
    unit: Text | None = None
    pattern: str | None = None
    kind: str | None = None
    """The kind of Place, for type `place`."""
    min: int | None = None
    max: int | None = None
    """Most characters of a text, greatest value of a number."""
    most: int | None = None
    """Most items of photos, track, list and choices."""
    items: tuple[str, ...] = ()
    """The element ids of one row, for type `list`."""
    not_before: str | None = None
    """What a date or time may not lie before: another element, or one of `MOMENTS`."""
    not_after: str | None = None
    track: TrackRules | None = None


@dataclass(frozen=True)
class RecordField:
    """An element as part of a record type."""

    element: str
    optional: bool


@dataclass(frozen=True)
class RecordType:
    """What flows subscribe to: a versioned set of elements, e.g. `visit/v1`."""

    record: str
    title: Text
    fields: tuple[RecordField, ...]
    summary: tuple[str, ...]
    """The elements whose values, in this order, make the one-line display."""
    issue: bool
    """True when such a record gets a life of its own: reported, assigned, handled, verified, closed."""


@dataclass(frozen=True)
class Question:
    """Where a form asks for an element; `path` is a JSON Pointer into the answers, `*` standing for each item."""

    path: str
    element: str
    type: str
    confirm: bool
    optional: bool
    """True when a valid submission may lack it: optional itself, conditional, or in an optional group."""
    kind: str | None = None
    """The kind of Place it asks for, of type `place`."""


MOMENTS = ("occurred_at", "licence", "now")
"""What a limit may name besides other answers: when it happened, the form's first licensed day, this moment."""
MOMENT_TYPES = ("date", "time")
"""The element types that have limits."""


@dataclass(frozen=True)
class Limit:
    """What a schema cannot say of a date or time: how it stands to another one."""

    path: str
    """JSON Pointer into the answers, `*` standing for each item."""
    kind: Literal["not_before", "not_after"]
    other: str
    """Pointer of another answer, whose `*` is the same item, or one of `MOMENTS`."""
    title: Text
    """What people call the other one."""


@dataclass(frozen=True)
class Served:
    """What depends on the day a form is opened: the layout, and the codes its questions offer."""

    ui: Json
    codes: Mapping[str, tuple[Json, ...]]
    """Set name -> `({"code", "zh", "en"}, …)`."""


@dataclass(frozen=True)
class Make:
    """One line of a form's `makes`: which record comes out, from where, and when."""

    record: str
    each: str | None
    """The repeat whose every item becomes one record; None: one record of the whole submission."""
    applies: Callable[[Mapping[str, Any]], bool]
    carried: tuple[str, ...]
    """The record's elements, taken over from answers of the same name unless `fields` says otherwise."""
    fields: Mapping[str, Mapping[str, Any]]
    """Differences: element -> `{"from": element or envelope word}` or `{"const": value}`."""
    place: str | None = None
    """The question whose answer is the Place the record is about; unanswered or None: where the form is filled."""


@dataclass(frozen=True)
class Form:
    """A versioned set of questions, compiled: what the API serves, the portal renders and both sides validate."""

    form: str
    version: int
    title: Text
    at: str | None
    """The kind of Place it is filled at; None when it needs none."""
    licence: Json
    schema: Json
    """JSON Schema 2020-12 of the answers; it knows every code there ever was, `dated` says when each is good."""
    served: Callable[..., Served]
    """The layout with the codes that are valid on any of the days given."""
    help: Text
    examples: tuple[Json, ...]
    makes: tuple[Make, ...]
    questions: tuple[Question, ...]
    limits: tuple[Limit, ...]
    tracks: Mapping[str, TrackRules]
    """The track elements it asks for, with the rules they are reckoned by."""
    dated: Mapping[str, Mapping[str, Code]]
    """Pointer of a question -> those of its codes that are not good for all the time of the licence."""
    exception: Json | None
    """What the policy profile forbids and this form may do all the same: shown to whoever fills it."""

    @cached_property
    def valid(self) -> tuple[date, date]:
        """Return the first and last day it may be filled for: its licence's, ended by the exception it needs."""
        first, last = (date.fromisoformat(limit) for limit in self.licence["valid"])
        return first, min(last, date.fromisoformat(self.exception["expires_on"])) if self.exception else last

    def licensed_on(self, day: date) -> bool:
        """Say whether its licence, and the exception it needs, cover `day`, first and last day included."""
        first, last = self.valid
        return first <= day <= last

    @cached_property
    def place_questions(self) -> Mapping[str, str | None]:
        """Return the pointers whose answers name a Place, each with the kind it must be."""
        return {q.path: q.kind for q in self.questions if q.type == "place"}

    @cached_property
    def photo_questions(self) -> tuple[str, ...]:
        """Return the pointers whose answers are lists of photo digests."""
        return tuple(q.path for q in self.questions if q.type == "photos")

    @cached_property
    def place_elements(self) -> frozenset[str]:
        """Return the elements whose values name a Place."""
        return frozenset(q.element for q in self.questions if q.type == "place")

    @cached_property
    def photo_elements(self) -> tuple[str, ...]:
        """Return the elements whose values are lists of photo digests, in the order they are asked."""
        return tuple(q.element for q in self.questions if q.type == "photos")

    @cached_property
    def elements(self) -> Mapping[str, str]:
        """Return the element asked at each pointer."""
        return {q.path: q.element for q in self.questions}


@dataclass(frozen=True)
class Feature:
    """Something a form may not do under the policy profile, and the scenes an exception is possible in."""

    feature: str
    title: Text
    citation: str
    scenes: tuple[str, ...]
    words: tuple[str, ...]
    """Words that give the feature away in a title."""
    mandatory: str | None
    """The question type that may not be compulsory."""


@dataclass(frozen=True)
class Policy:
    """The profile in force."""

    profile: str
    title: Text
    citation: str
    features: Mapping[str, Feature]


@dataclass(frozen=True)
class Catalog:
    """Everything forms/ and schemas/ say, checked as a whole."""

    elements: Mapping[str, Element]
    codes: Mapping[str, tuple[Code, ...]]
    records: Mapping[str, RecordType]
    forms: Mapping[tuple[str, int], Form]
    policy: Policy
    messages: Messages
    verdicts: Mapping[tuple[str, int], Verdict]

    def form(self, form: str, version: int | None = None) -> Form | None:
        """Return a form, its newest version unless one is named, or None when there is none such."""
        if version is not None:
            return self.forms.get((form, version))
        return max((f for f in self.forms.values() if f.form == form), key=lambda f: f.version, default=None)

    def newest_forms(self) -> tuple[Form, ...]:
        """Return the newest version of every form, by name."""
        return tuple(self.forms[name, version] for name, version in sorted(dict(sorted(self.forms)).items()))

    def offered_forms(self, day: date) -> tuple[Form, ...]:
        """Return the newest version of every form among those whose licence covers `day`, by licence number."""
        licensed = {form.form: form for _, form in sorted(self.forms.items()) if form.licensed_on(day)}
        return tuple(sorted(licensed.values(), key=lambda form: str(form.licence["number"])))

    def form_on(self, form: str, day: date) -> Form | None:
        """Return the version to fill on `day`: the newest licensed one, else the newest of all, None for no form."""
        return next((found for found in self.offered_forms(day) if found.form == form), self.form(form))

    def validator(self, form: str, version: int) -> Verdict:
        """Return the compiled verdict over this form's answers; KeyError when there is no such form."""
        return self.verdicts[form, version]
