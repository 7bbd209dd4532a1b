"""What intake must know before it plans: the Places named, what is known of them, whose photos are there. Read-only."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.catalog.contents import Form
from hub.errors import FieldFault, Problem
from hub.intake.filled import Filled
from hub.model.people import Scope
from hub.model.place import Alias, Place, Snapshot
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
    earlier_digest: str | None
    """Digest of the Submission already kept under this id, if there is one."""

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


def look(session: Session, scope: Scope, form: Form, filled: Filled) -> World:
    """Read what planning needs; raises Problem when a Place or photo it names is not there for this author."""
    submission_id = filled.submission_id(scope.account_id)
    earlier = submissions.digests(session, [submission_id]).get(submission_id)
    if earlier is not None:
        return World({}, earlier)
    named = dict(_named_places(form, filled))
    known = _known(session, scope, named.values())
    faults = [FieldFault(path, "place_unknown", {"code": code}) for path, code in named.items() if code not in known]
    faults += _wrong_kind(form, filled, known)
    faults += _missing_photos(session, scope, form, filled)
    if faults:
        raise Problem("submission.invalid", 422, faults)
    return World(known, None)


def _named_places(form: Form, filled: Filled) -> Iterator[tuple[str, str]]:
    if filled.place is not None:
        yield "/place", filled.place
    for pointer in form.place_questions:
        yield from answers_at(filled.answers, pointer)


def _known(session: Session, scope: Scope, references: Iterable[str]) -> dict[str, Known]:
    wanted = set(references)
    if not wanted:
        return {}
    found = places.find(session, scope, wanted)
    ids = {place.id for place in found.values()}
    aliases, snapshots = places.aliases(session, ids), places.snapshots(session, ids)
    return {
        reference: Known(place, tuple(aliases[place.id]), tuple(snapshots[place.id]))
        for reference, place in found.items()
    }


def _wrong_kind(form: Form, filled: Filled, known: Mapping[str, Known]) -> list[FieldFault]:
    """Return the fault of a form filled at no Place, or at one of another kind, than it is made for."""
    if form.at is None:
        return []
    if filled.place is None:
        return [FieldFault("/place", "place_needed", {"kind": form.at})]
    here = known.get(filled.place)
    wrong = here is not None and here.place.kind != form.at
    return [FieldFault("/place", "place_kind", {"kind": form.at})] if wrong else []


def _missing_photos(session: Session, scope: Scope, form: Form, filled: Filled) -> list[FieldFault]:
    named = {
        (path, sha256)
        for pointer in form.photo_questions
        for path, photos in answers_at(filled.answers, pointer)
        for sha256 in photos
    }
    if not named:
        return []
    there = submissions.uploaded(session, scope.account_id, sorted({sha256 for _, sha256 in named}))
    return [
        FieldFault(path, "photo_missing", {"sha256": sha256}) for path, sha256 in sorted(named) if sha256 not in there
    ]
