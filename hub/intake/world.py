"""What intake must know before it plans: the Places named, what is known of them, whose photos are there. Read-only."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from hub.catalog.contents import Catalog, Form
from hub.errors import FieldFault, Phrase, Problem
from hub.intake.filled import Filled
from hub.intake.track import track_digest
from hub.model.known import Snapshot
from hub.model.people import Scope
from hub.model.place import Alias, Place
from hub.model.submission import TrackDigest
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
            "known": {s.element: s.value for s in reversed(self.snapshots) if s.value is not None},
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
    tracks: Mapping[str, Sequence[TrackDigest]] = field(default_factory=dict)
    """By digest, the equal tracks that came before, the oldest first."""

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
class Before:
    """What a correction is of: it stays there, and the Places it named stay within its author's reach."""

    division: str
    """Where it was made, wherever its author or its Place has moved since."""
    by_division: str
    """Where its author worked then."""
    named: frozenset[str]
    """What it called its Places."""


def look_before(session: Session, catalog: Catalog, author_id: str, earlier_id: str) -> Before | None:
    """Return what a correction is of; None when there is no such Submission of this author, or it is erased."""
    latest = submissions.newest_of(session, earlier_id, author_id)
    if latest is None or latest.erased_at is not None:
        return None
    said, form = orjson.loads(latest.body), catalog.form(latest.form, latest.form_version)
    pointers = form.place_questions if form is not None else ()
    named = {code for pointer in pointers for _, code in answers_at(said["answers"], pointer)}
    made = next(iter(submissions.latest_records(session, latest.root_id).values()), None)
    by_division = orjson.loads(made.content)["by"]["division"] if made else latest.division
    return Before(latest.division, by_division, frozenset({*named, said.get("place"), latest.place_id} - {None}))


@dataclass(frozen=True)
class Question:
    """What one Submission needs to know, and on whose behalf."""

    scope: Scope
    form: Form
    filled: Filled
    before: Before | None = None

    @cached_property
    def client_id(self) -> tuple[str, str]:
        """Return what it is known by before it is kept: whose it is, and its client id."""
        return self.scope.account_id, self.filled.client_id

    @property
    def is_open(self) -> bool:
        """Say whether there is anything to ask; that its id may be taken, the writer finds out by itself."""
        form, filled = self.form, self.filled
        asks = form.place_questions or form.photo_questions or form.tracks
        return form.at is not None or filled.place is not None or bool(asks)

    def places(self) -> dict[str, str]:
        """Return what it calls Places, by the pointer of each."""
        return dict(_named_places(self.form, self.filled))

    def photos(self) -> set[tuple[str, str]]:
        """Return the photos it names, with the pointer of each."""
        return photos_in(self.form, self.filled)

    @cached_property
    def tracks(self) -> set[str]:
        """Return the digests of the tracks it carries."""
        asked = [q for q in self.form.questions if q.element in self.form.tracks] if self.form.tracks else []
        found = [(q.element, fixes) for q in asked for _, fixes in answers_at(self.filled.answers, q.path)]
        return {track_digest(fixes, self.form.tracks[element]) for element, fixes in found} - {""}


def look(session: Session, questions: Sequence[Question]) -> list["World | Problem"]:
    """Read what planning needs, for all at once; a Problem where a Place or photo is not there for its author."""
    earlier = submissions.kept(session, (question.client_id for question in questions))
    open_ones = [question for question in questions if question.client_id not in earlier]
    found = iter(look_around(session, open_ones))
    return [
        World({}, earlier[question.client_id]) if question.client_id in earlier else next(found)
        for question in questions
    ]


def look_around(session: Session, questions: Sequence[Question]) -> list["World | Problem"]:
    """Read what planning needs, without asking whether the id is taken."""
    around = _around(session, questions)
    uploaded = submissions.uploaded(
        session, {(question.scope.account_id, sha256) for question in questions for _, sha256 in question.photos()}
    )
    tracks = submissions.tracks(session, {digest for question in questions for digest in question.tracks})
    return [_world(question, around, uploaded, tracks) for question in questions]


@dataclass(frozen=True)
class _Around:
    """Every Place a group of questions names, with what is known of it."""

    named: places.Named
    aliases: Mapping[str, Sequence[Alias]]
    snapshots: Mapping[str, Sequence[Snapshot]]

    def known(self, question: Question) -> dict[str, Known]:
        """Return the Places one asker can reach, by what they were called."""
        found = {code: self._place(question, code) for code in question.places().values()}
        return {
            code: Known(place, tuple(self.aliases[place.id]), tuple(self.snapshots[place.id]))
            for code, place in found.items()
            if place is not None
        }

    def _place(self, question: Question, code: str) -> Place | None:
        """Return the Place one asker means: within their reach, or named before in what they correct."""
        place, before = self.named.find(question.scope, code), question.before
        if place is not None or before is None:
            return place
        meant = self.named.meant(code)
        known = [place for place in meant if place.id in before.named] or (meant if code in before.named else [])
        there = replace(question.scope, division=before.division)
        return known[0] if len(known) == 1 else self.named.find(there, code) if known else None


def _around(session: Session, questions: Iterable[Question]) -> _Around:
    references = {code for question in questions for code in question.places().values()}
    if not references:
        return _Around(places.Named({}, {}, {}), {}, {})
    named = places.named(session, references)
    ids = named.place_ids()
    return _Around(named, places.aliases(session, ids), places.snapshots(session, ids))


def _world(
    question: Question,
    around: _Around,
    uploaded: Container[tuple[str, str]],
    tracks: Mapping[str, Sequence[TrackDigest]],
) -> World | Problem:
    known = around.known(question)
    asked, author = question.places(), question.scope.account_id
    faults = [
        FieldFault(
            path, "place_ambiguous" if around.named.coded(question.scope, code) else "place_unknown", {"code": code}
        )
        for path, code in asked.items()
        if code not in known
    ]
    faults += _wrong_kind(question.form, question.filled, known)
    faults += [
        FieldFault(path, "photo_missing", {"sha256": sha256})
        for path, sha256 in sorted(question.photos())
        if (author, sha256) not in uploaded
    ]
    return Problem("submission.invalid", 422, faults) if faults else World(known, None, tracks)


def _named_places(form: Form, filled: Filled) -> Iterator[tuple[str, str]]:
    if filled.place is not None:
        yield "/place", filled.place
    for pointer in form.place_questions:
        yield from answers_at(filled.answers, pointer)


def _wrong_kind(form: Form, filled: Filled, known: Mapping[str, Known]) -> list[FieldFault]:
    """Return the faults of Places of another kind than is asked for, and of none where the form needs one."""
    if form.at is not None and filled.place is None:
        return [FieldFault("/place", "place_needed", {"kind": Phrase(f"kind.{form.at}")})]
    asked = [("/place", filled.place or "", form.at)] if form.at is not None else []
    for pointer, kind in form.place_questions.items():
        asked += [(path, code, kind or "") for path, code in answers_at(filled.answers, pointer)]
    return [
        FieldFault(path, "place_kind", {"kind": Phrase(f"kind.{kind}")})
        for path, code, kind in asked
        if code in known and known[code].place.kind != kind
    ]
