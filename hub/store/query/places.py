"""Places, their codes and what Systems say of them. A code outside the asker's area does not exist for the asker."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.people import DIVISION_LEVELS, VILLAGE_DIGITS, Scope
from hub.model.place import CODE_PREFIX, Alias, Discrepancy, Division, Place, Snapshot
from hub.model.submission import Submission

TURN = 0x506C616365730000
"""Key of the advisory lock: "Places" in ASCII."""
MOST_ASKED = 1_000
"""Values in one `IN`: databases cap the parameters of a statement."""


def ancestors(division: str) -> list[str]:
    """Return the 12-digit codes of the units above a division, itself included."""
    return [division[:level].ljust(VILLAGE_DIGITS, "0") for level in DIVISION_LEVELS]


def within(column: Any, scope: Scope) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped column
    """Return the condition that a division lies inside the scope's own."""
    # A range, since no database can use an index of plain text for LIKE; codes are digits, all equally many.
    first, last = scope.prefix.ljust(VILLAGE_DIGITS, "0"), scope.prefix.ljust(VILLAGE_DIGITS, "9")
    return column.between(first, last)  # type: ignore[no-any-return]  # a mapped column


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
    """Code -> Place id -> Place: issuers may give one code to several."""

    def place_ids(self) -> set[str]:
        """Return the ids of all of them."""
        return {*self.by_id, *(place_id for coded in self.by_code.values() for place_id in coded)}

    def find(self, scope: Scope, reference: str) -> Place | None:
        """Return the one Place a reference means to this asker: by id, hub token, then any issuer's code.

        What is out of reach does not count, and neither does a code two issuers gave to two Places within it: a guess
        may open the wrong one.
        """
        for place in (self.by_id.get(reference), self.by_token.get(reference.removeprefix(CODE_PREFIX))):
            if place is not None and is_reachable(scope, place):
                return place
        coded = [place for place in self.by_code.get(reference, {}).values() if is_reachable(scope, place)]
        return coded[0] if len(coded) == 1 else None


def named(session: Session, references: Iterable[str]) -> Named:
    """Return every Place these references may mean: ids, tokens and codes as people have them in hand."""
    wanted = sorted(set(references))
    tokens = [reference.removeprefix(CODE_PREFIX) for reference in wanted]
    by_name = select(Place).where(or_(col(Place.id).in_(wanted), col(Place.token).in_(tokens)))
    by_code = (
        select(Alias.code, Place).join(Place, col(Alias.place_id) == col(Place.id)).where(col(Alias.code).in_(wanted))
    )
    there = session.exec(by_name).all()
    coded: dict[str, dict[str, Place]] = {}
    for code, place in session.exec(by_code):
        coded.setdefault(code, {})[place.id] = place
    return Named({place.id: place for place in there}, {place.token: place for place in there}, coded)


def find(session: Session, scope: Scope, references: Iterable[str]) -> dict[str, Place]:
    """Return the Places within reach by what people have in hand."""
    wanted = set(references)
    known = named(session, wanted)
    return {reference: place for reference in wanted if (place := known.find(scope, reference)) is not None}


def aliases(session: Session, place_ids: Iterable[str]) -> dict[str, list[Alias]]:
    """Return every code by which Places are known."""
    result: dict[str, list[Alias]] = {place_id: [] for place_id in place_ids}
    query = select(Alias).where(col(Alias.place_id).in_(result)).order_by(col(Alias.issuer), col(Alias.code))
    for alias in session.exec(query):
        result[alias.place_id].append(alias)
    return result


def snapshots(session: Session, place_ids: Iterable[str]) -> dict[str, list[Snapshot]]:
    """Return what Systems say of Places, newest first."""
    result: dict[str, list[Snapshot]] = {place_id: [] for place_id in place_ids}
    query = select(Snapshot).where(col(Snapshot.place_id).in_(result)).order_by(col(Snapshot.as_of).desc())
    for snapshot in session.exec(query):
        result[snapshot.place_id].append(snapshot)
    return result


@dataclass(frozen=True)
class PlaceSearch:
    """What a picker asks for."""

    kind: str = ""
    text: str = ""
    limit: int = 50


def search(session: Session, scope: Scope, wanted: PlaceSearch) -> Sequence[Place]:
    """Return Places within reach by kind and a piece of their name or code."""
    query = select(Place).where(reachable(scope))
    if wanted.kind:
        query = query.where(Place.kind == wanted.kind)
    if wanted.text:
        coded = select(Alias.place_id).where(col(Alias.code).contains(wanted.text, autoescape=True))
        query = query.where(or_(col(Place.name).contains(wanted.text, autoescape=True), col(Place.id).in_(coded)))
    return session.exec(query.order_by(col(Place.division), col(Place.name)).limit(wanted.limit)).all()


def take_turn(session: Session) -> None:
    """Let one transaction at a time give Places their codes; its end ends the turn.

    Two that read "nobody knows this code" at the same moment would both make the Place. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})


def known_as(session: Session, codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Alias]:
    """Return the aliases among these (issuer, code) pairs that exist."""
    wanted: dict[str, list[str]] = {}
    for issuer, code in sorted(set(codes)):
        wanted.setdefault(issuer, []).append(code)
    return {
        (alias.issuer, alias.code): alias
        for issuer, theirs in wanted.items()
        for start in range(0, len(theirs), MOST_ASKED)
        for alias in session.exec(
            select(Alias).where(Alias.issuer == issuer, col(Alias.code).in_(theirs[start : start + MOST_ASKED]))
        )
    }


def upsert_snapshots(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what a System says now, over what the same System said before; other Systems' words are not touched."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(Snapshot)
    replaced = {name: insert.excluded[name] for name in ("value", "as_of", "pull_id")}
    statement = insert.on_conflict_do_update(index_elements=["place_id", "element", "system"], set_=replaced)
    session.connection().execute(statement, list(rows))


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


def division_names(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Return today's names of divisions."""
    query = select(Division.code, Division.name).where(
        col(Division.code).in_(sorted(set(codes))),
        col(Division.valid_to).is_(None),
        col(Division.superseded_at).is_(None),
    )
    return dict(session.exec(query).all())
