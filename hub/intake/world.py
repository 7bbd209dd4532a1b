"""What intake must know before it plans: the Places named, what is known of them, whose photos are there. Read-only."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hub.catalog.contents import Form
from hub.errors import FieldFault, Problem
from hub.intake.filled import Filled
from hub.model.known import Snapshot
from hub.model.people import Scope
from hub.model.place import Alias, Place
from hub.store import Session
from hub.store.query import places, submissions


@dataclass(frozen=True)
class Known:
    """A Place with its codes and what Systems say of it."""

    place: Place
    aliases: tuple[Alias, ...]
    snapshots: tuple[Snapshot, ...]

    def envelope(self) -> dict[str, Any]:
        """Return the Place as flows see it: only the ids Systems want to hear, the youngest of what is known."""
        return {
            "id": self.place.id,
            "kind": self.place.kind,
            "name": self.place.name,
            "division": self.place.division,
            "aliases": {alias.issuer: alias.code for alias in self.aliases if alias.is_key},
            "known": {snapshot.element: snapshot.value for snapshot in reversed(self.snapshots)},
        }

    def snapshot(self, element: str, system: str) -> Snapshot | None:
        """Return what one System says of one element, if anything."""
        return next((s for s in self.snapshots if (s.element, s.system) == (element, system)), None)


@dataclass(frozen=True)
class World:
    """The Places a Submission names, by what it called them."""

    places: Mapping[str, Known]
    earlier: submissions.Kept | None
    """The Submission already kept under the author's client id, if there is one."""

    def at(self, reference: str | None) -> Known | None:
        """Return the Place of a reference."""
        return None if reference is None else self.places.get(reference)


def answers_at(answers: Any, pointer: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    """Yield (concrete pointer, value) for a pointer whose `*` stands for every item."""
    found = [("/answers", answers)]
    for step in pointer.strip("/").split("/"):
        found = [child for path, value in found for child in _children(path, value, step)]
    yield from found


def _children(path: str, value: Any, step: str) -> list[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    if step == "*" and isinstance(value, list):
        return [(f"{path}/{index}", child) for index, child in enumerate(value)]
    return [(f"{path}/{step}", value[step])] if isinstance(value, dict) and step in value else []


def photos_in(form: Form, filled: Filled) -> set[tuple[str, str]]:
    """Return the photos answers name, with the pointer of each."""
    return {
        (path, sha256)
        for pointer in form.photo_questions
        for path, photos in answers_at(filled.answers, pointer)
        for sha256 in photos
    }


@dataclass(frozen=True)
class Question:
    """What one Submission needs to know, and on whose behalf."""

    scope: Scope
    form: Form
    filled: Filled

    @cached_property
    def client_id(self) -> tuple[str, str]:
        """Return what it is known by before it is kept: whose it is, and its client id."""
        return self.scope.account_id, self.filled.client_id

    @property
    def is_open(self) -> bool:
        """Say whether there is anything to ask; that its id may be taken, the writer finds out by itself."""
        form, filled = self.form, self.filled
        return form.at is not None or filled.place is not None or bool(form.place_questions or form.photo_questions)

    def places(self) -> dict[str, str]:
        """Return what it calls Places, by the pointer of each."""
        return dict(_named_places(self.form, self.filled))

    def photos(self) -> set[tuple[str, str]]:
        """Return the photos it names, with the pointer of each."""
        return photos_in(self.form, self.filled)


def look(session: Session, questions: Sequence[Question]) -> list["World | Problem"]:
    """Read what planning needs, for all at once; a Problem where a Place or photo is not there for its author."""
    earlier = submissions.kept(session, (question.client_id for question in questions))
    open_ones = [question for question in questions if question.client_id not in earlier]
    around = _around(session, open_ones)
    uploaded = submissions.uploaded(
        session, {(question.scope.account_id, sha256) for question in open_ones for _, sha256 in question.photos()}
    )
    return [
        World({}, earlier[question.client_id]) if question.client_id in earlier else _world(question, around, uploaded)
        for question in questions
    ]


@dataclass(frozen=True)
class _Around:
    """Every Place a group of questions names, with what is known of it."""

    named: places.Named
    aliases: Mapping[str, Sequence[Alias]]
    snapshots: Mapping[str, Sequence[Snapshot]]

    def known(self, question: Question) -> dict[str, Known]:
        """Return the Places one asker can reach, by what they were called."""
        found = {code: self.named.find(question.scope, code) for code in question.places().values()}
        return {
            code: Known(place, tuple(self.aliases[place.id]), tuple(self.snapshots[place.id]))
            for code, place in found.items()
            if place is not None
        }


def _around(session: Session, questions: Iterable[Question]) -> _Around:
    references = {code for question in questions for code in question.places().values()}
    if not references:
        return _Around(places.Named({}, {}, {}), {}, {})
    named = places.named(session, references)
    ids = named.place_ids()
    return _Around(named, places.aliases(session, ids), places.snapshots(session, ids))


def _world(question: Question, around: _Around, uploaded: Container[tuple[str, str]]) -> World | Problem:
    known = around.known(question)
    asked, author = question.places(), question.scope.account_id
    faults = [FieldFault(path, "place_unknown", {"code": code}) for path, code in asked.items() if code not in known]
    faults += _wrong_kind(question.form, question.filled, known)
    faults += [
        FieldFault(path, "photo_missing", {"sha256": sha256})
        for path, sha256 in sorted(question.photos())
        if (author, sha256) not in uploaded
    ]
    return Problem("submission.invalid", 422, faults) if faults else World(known, None)


def _named_places(form: Form, filled: Filled) -> Iterator[tuple[str, str]]:
    if filled.place is not None:
        yield "/place", filled.place
    for pointer in form.place_questions:
        yield from answers_at(filled.answers, pointer)


def _wrong_kind(form: Form, filled: Filled, known: Mapping[str, Known]) -> list[FieldFault]:
    """Return the fault of a form filled at no Place, or at one of another kind, than it is made for."""
    if form.at is None:
        return []
    if filled.place is None:
        return [FieldFault("/place", "place_needed", {"kind": form.at})]
    here = known.get(filled.place)
    wrong = here is not None and here.place.kind != form.at
    return [FieldFault("/place", "place_kind", {"kind": form.at})] if wrong else []
