"""Places, their codes and what Systems say of them. A code outside the asker's area does not exist for the asker."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, true, tuple_, update
from sqlmodel import Session, col, select

from hub.errors import FieldFault, Problem
from hub.model.known import PullRow, Snapshot
from hub.model.people import DIVISION_LEVELS, VILLAGE_DIGITS, Scope
from hub.model.place import CODE_PREFIX, Alias, Discrepancy, Division, Place
from hub.model.submission import Submission
from hub.model.system import PullCursor
from hub.text import comparable, comparable_name, kept


def ancestors(division: str) -> list[str]:
    """Return the 12-digit codes of the units above a division, itself included."""
    return [division[:level].ljust(VILLAGE_DIGITS, "0") for level in DIVISION_LEVELS]


def within(column: Any, scope: Scope) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped column
    """Return the condition that a division lies inside the scope's own."""
    return column.between(*ends(scope))  # type: ignore[no-any-return]  # a mapped column


def ends(scope: Scope) -> tuple[str, str]:
    """Return the first and the last code inside the scope's own division."""
    # A range, since no database can use an index of plain text for LIKE; codes are digits, all equally many.
    return scope.prefix.ljust(VILLAGE_DIGITS, "0"), scope.prefix.ljust(VILLAGE_DIGITS, "9")


def reachable(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a Place is in the scope's division, or belongs to a unit above that covers it."""
    return or_(within(col(Place.division), scope), col(Place.division).in_(ancestors(scope.division)))


def is_reachable(scope: Scope, place: Place) -> bool:
    """Say the same of a Place in hand."""
    return place.division.startswith(scope.prefix) or place.division in ancestors(scope.division)


@dataclass(frozen=True)
class Named:
    """The Places some references may mean, whoever asks."""

    by_id: Mapping[str, Place]
    by_token: Mapping[str, Place]
    by_code: Mapping[str, Mapping[str, Place]]
    """Code as it is compared -> Place id -> Place: issuers may give one code to several."""

    def place_ids(self) -> set[str]:
        """Return the ids of all of them."""
        return {place.id for found in (self.by_id, self.by_token, *self.by_code.values()) for place in found.values()}

    def find(self, scope: Scope, reference: str) -> Place | None:
        """Return the one Place a reference means to this asker: by id, hub token, then any issuer's code.

        What is out of reach does not count, and neither does a code two issuers gave to two Places within it: a guess
        may open the wrong one.
        """
        whole = kept(reference)
        for place in (self.by_id.get(whole), self.by_token.get(_token(whole))):
            if place is not None and is_reachable(scope, place):
                return place
        coded = self.coded(scope, reference)
        return coded[0] if len(coded) == 1 else None

    def coded(self, scope: Scope, reference: str) -> list[Place]:
        """Return every Place within reach that an issuer gave this code: more than one, and nobody knows which."""
        there = self.by_code.get(comparable(reference), {})
        return [place for place in there.values() if is_reachable(scope, place)]

    def meant(self, reference: str) -> list[Place]:
        """Return every Place a reference can mean, whoever asks."""
        whole = kept(reference)
        by_name = self.by_id.get(whole) or self.by_token.get(_token(whole))
        return [by_name] if by_name else [*self.by_code.get(comparable(reference), {}).values()]


def _token(reference: str) -> str:
    """Return what follows the hub's own prefix, however that was typed."""
    is_ours = comparable(reference[: len(CODE_PREFIX)]) == comparable(CODE_PREFIX)
    return kept(reference[len(CODE_PREFIX) :]) if is_ours else reference


def current_id(session: Session, place_id: str | None) -> str | None:
    """Return the id of the Place that this one was linked to; its own when it was not."""
    return None if place_id is None else named(session, [place_id]).by_id[place_id].id


def named(session: Session, references: Iterable[str]) -> Named:
    """Return every Place these references may mean: ids, tokens and codes as people have them in hand.

    One that turned out to be another Place opens that one; an ended code opens nothing. A Place that ended is found by
    its id only, for what was filed there.
    """
    wanted = sorted(set(references))
    whole, codes = [kept(reference) for reference in wanted], {comparable(reference) for reference in wanted}
    tokens = [_token(reference) for reference in whole]
    by_name = select(Place).where(or_(col(Place.id).in_(whole), col(Place.token).in_(tokens)))
    by_code = (
        select(Alias.code_key, Place)
        .join(Place, col(Alias.place_id) == col(Place.id))
        .where(col(Alias.code_key).in_(codes), col(Alias.ended_at).is_(None))
    )
    there = session.exec(by_name).all()
    current = _current(session, there)
    coded: dict[str, dict[str, Place]] = {}
    for code, place in session.exec(by_code):
        coded.setdefault(code, {})[place.id] = place
    ids, by_token = ({getattr(place, key): current[place.id] for place in there} for key in ("id", "token"))
    return Named(ids, {token: place for token, place in by_token.items() if place.ended_at is None}, coded)


def _current(session: Session, found: Sequence[Place]) -> dict[str, Place]:
    """Return, by id, what each of these Places turned out to be: itself for nearly all."""
    there = {place.id: place for place in found}
    asked, wanted = set(there), {place.linked_to for place in there.values() if place.linked_to} - set(there)
    while wanted:
        asked |= wanted
        targets = session.exec(select(Place).where(col(Place.id).in_(wanted))).all()
        there.update({place.id: place for place in targets})
        wanted = {place.linked_to for place in targets if place.linked_to} - asked
    return {place.id: _last(place, there) for place in found}


def _last(place: Place, there: Mapping[str, Place]) -> Place:
    """Return where a Place leads to, however many were linked one after the other."""
    passed = {place.id}
    while place.linked_to is not None and place.linked_to in there and place.linked_to not in passed:
        place = there[place.linked_to]
        passed.add(place.id)
    return place


def find(session: Session, scope: Scope, references: Iterable[str]) -> dict[str, Place]:
    """Return the Places within reach by what people have in hand."""
    wanted = set(references)
    known = named(session, wanted)
    return {reference: place for reference in wanted if (place := known.find(scope, reference)) is not None}


def aliases(session: Session, place_ids: Iterable[str]) -> dict[str, list[Alias]]:
    """Return every code by which Places are known now; of a System's own ones the one told last comes last."""
    result: dict[str, list[Alias]] = {place_id: [] for place_id in place_ids}
    query = select(Alias).where(col(Alias.place_id).in_(result), col(Alias.ended_at).is_(None))
    for alias in session.exec(query.order_by(col(Alias.issuer), col(Alias.since), col(Alias.code))):
        result[alias.place_id].append(alias)
    return result


def snapshots(session: Session, place_ids: Iterable[str]) -> dict[str, list[Snapshot]]:
    """Return what Systems say of Places now, one value of each System for each element, newest first."""
    result: dict[str, list[Snapshot]] = {place_id: [] for place_id in place_ids}
    same_pull = (col(PullCursor.system) == PullRow.system) & (col(PullCursor.name) == PullRow.pull)
    query = (
        select(PullRow, PullCursor.whole_as_of)
        .outerjoin(PullCursor, same_pull)
        .where(col(PullRow.place_id).in_(result), col(PullRow.ended_at).is_(None))
    )
    for row, whole_as_of in session.exec(query):
        result[row.place_id] += values_of(row, whole_as_of)
    return {place_id: _told_last(said) for place_id, said in result.items()}


def values_of(row: PullRow, whole_as_of: datetime | None) -> list[Snapshot]:
    """Return what one row says, each value as of when it was last told or a whole reading confirmed it."""
    confirmed = row.as_of if whole_as_of is None or row.unread_since else max(row.as_of, whole_as_of)
    changed = {element: datetime.fromisoformat(at) for element, at in row.changed.items()}
    return [
        Snapshot(row.place_id, element, row.system, value, confirmed, row.pull_id, changed.get(element, row.since))
        for element, value in row.known.items()
    ]


def _told_last(said: Iterable[Snapshot]) -> list[Snapshot]:
    """Keep what each System told last of each element, where several of its rows are about one Place."""
    last: dict[tuple[str, str], Snapshot] = {}
    for one in sorted(said, key=lambda one: (one.since or one.as_of, one.as_of, one.pull_id)):
        last[one.element, one.system] = one
    return sorted(last.values(), key=lambda one: one.as_of, reverse=True)


def _standing() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a Place is still itself, and still there."""
    return col(Place.linked_to).is_(None), col(Place.ended_at).is_(None)


@dataclass(frozen=True)
class PlaceSearch:
    """What a picker asks for."""

    kind: str = ""
    text: str = ""
    limit: int = 50
    after: str = ""
    """Id of the last one of the page before."""


def search(session: Session, scope: Scope, wanted: PlaceSearch) -> Sequence[Place]:
    """Return Places within reach by kind and a piece of their name or code, in the order people count.

    Raises Problem where `after` is none that the asker could have seen.
    """
    query = select(Place).where(*_matching(scope, wanted))
    order = (col(Place.division), col(Place.order_key), col(Place.id))
    if wanted.after:
        last = session.get(Place, wanted.after)
        if last is None or not is_reachable(scope, last):
            raise Problem("request.invalid", 422, [FieldFault("/after", "after_unknown")])
        query = query.where(tuple_(*order) > (last.division, last.order_key, last.id))
    return session.exec(query.order_by(*order).limit(wanted.limit)).all()


def count(session: Session, scope: Scope, wanted: PlaceSearch) -> int:
    """Return how many Places `search` would give in all."""
    return session.exec(select(func.count()).select_from(Place).where(*_matching(scope, wanted))).one()


def _matching(scope: Scope, wanted: PlaceSearch) -> list[ColumnElement[bool]]:
    """Return the conditions of what is asked for; case, width and blanks do not matter in names and codes."""
    conditions = [reachable(scope), *_standing()]
    if wanted.kind:
        conditions.append(col(Place.kind) == wanted.kind)
    if wanted.text:
        piece, named_so = comparable(wanted.text), comparable_name(wanted.text)
        coded = select(Alias.place_id).where(
            col(Alias.code_key).contains(piece, autoescape=True), col(Alias.ended_at).is_(None)
        )
        by_name = col(Place.name_key).contains(named_so, autoescape=True) if named_so else false()
        conditions.append(or_(by_name, col(Place.id).in_(coded)) if piece else true())
    return conditions


def discrepancies(session: Session, root_ids: Iterable[str]) -> dict[str, list[Discrepancy]]:
    """Return where authors contradict a source, in whichever revision they said so, by the Submission's first one."""
    query = (
        select(Submission.root_id, Discrepancy)
        .join(Discrepancy, col(Discrepancy.submission_id) == col(Submission.id))
        .where(col(Submission.root_id).in_(sorted(set(root_ids))), col(Discrepancy.settled_at).is_(None))
        .order_by(col(Discrepancy.id))
    )
    found: dict[str, list[Discrepancy]] = defaultdict(list)
    for root_id, row in session.exec(query):
        found[root_id].append(row)
    return found


def end_discrepancies(session: Session, submission_ids: Iterable[str], settlement: str, at: datetime) -> None:
    """End what authors contradicted a source in, where nobody has yet."""
    still_open = update(Discrepancy).where(
        col(Discrepancy.submission_id).in_(sorted(set(submission_ids))), col(Discrepancy.settled_at).is_(None)
    )
    session.connection().execute(still_open.values(settled_at=at, settlement=settlement))


def division(session: Session, code: str, on: date, known_at: datetime | None = None) -> Division | None:
    """Return a division as it was on a day, as we knew it then (now when `known_at` is None)."""
    query = (
        select(Division)
        .where(Division.code == code, col(Division.valid_from) <= on)
        .where(or_(col(Division.valid_to).is_(None), col(Division.valid_to) > on))
    )
    if known_at is None:
        query = query.where(col(Division.superseded_at).is_(None))
    else:
        query = query.where(
            col(Division.recorded_at) <= known_at,
            or_(col(Division.superseded_at).is_(None), col(Division.superseded_at) > known_at),
        )
    return session.exec(query.order_by(col(Division.recorded_at).desc())).first()


def division_names(session: Session, codes: Iterable[str], on: date) -> dict[str, str]:
    """Return the names divisions have on a day: today's, where the day is asked for each request."""
    query = select(Division.code, Division.name).where(
        col(Division.code).in_(sorted(set(codes))),
        col(Division.valid_from) <= on,
        or_(col(Division.valid_to).is_(None), col(Division.valid_to) > on),
        col(Division.superseded_at).is_(None),
    )
    return dict(session.exec(query).all())
