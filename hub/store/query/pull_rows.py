"""Rows of Systems as last told, the codes they give to Places, the Places: what merging asks and writes, in sets."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, literal, update
from sqlmodel import Session, col, select

from hub.model.known import PlaceHistory, PullRow
from hub.model.place import Alias, Place
from hub.store.bulk import Change, find_rows, insert_all, insert_rows, update_rows, upsert_rows

MOST_ASKED = 1_000
"""Values in one `IN`: databases cap the parameters of a statement."""
TURN = 0x506C616365730000
"""Key of the advisory lock: "Places" in ASCII."""
_BY_INDEX = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)"
)
_ALIAS = Alias.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_PULL_ROW = PullRow.__table__  # type: ignore[attr-defined]  # as above
_PLACE = Place.__table__  # type: ignore[attr-defined]  # as above
_HISTORY = PlaceHistory.__table__  # type: ignore[attr-defined]  # as above
_DESCRIBED = Change(_PLACE, ("id",))


@dataclass(slots=True)
class Code:
    """An Alias as it is read, changed and written in bulk, without the ORM."""

    code_key: str
    issuer: str
    code: str
    place_id: str
    is_key: bool
    told_by: str
    pull: str
    row_key: str
    since: datetime
    ended_at: datetime | None = None
    decided_by: str = ""


@dataclass(slots=True)
class Row:
    """A PullRow as it is read, changed and written in bulk."""

    system: str
    pull: str
    row_key: str
    place_id: str
    digest: str
    codes: list[list[str]]
    known: dict[str, Any]
    changed: dict[str, str]
    since: datetime
    as_of: datetime
    pull_id: str
    unread_since: datetime | None = None
    ended_at: datetime | None = None
    decided_by: str = ""


@dataclass(slots=True)
class PlaceData:
    """A Place as it is read, changed and written in bulk; only the columns a pull may change."""

    id: str
    kind: str
    name: str
    name_key: str
    order_key: str
    division: str
    location: dict[str, Any] | None
    linked_to: str | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class NewPlace(PlaceData):
    """A Place that is not in the database yet."""

    token: str = ""
    created_at: datetime | None = None


@dataclass(slots=True)
class Changes:
    """All inserts and updates of one transaction."""

    new_places: list[NewPlace] = field(default_factory=list)
    places: list[PlaceData] = field(default_factory=list)
    new_codes: list[Code] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    new_rows: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


_CODE, _ROW, _PLACE_DATA = (tuple(each.name for each in fields(kind)) for kind in (Code, Row, PlaceData))


def take_turn(session: Session) -> None:
    """Let one transaction at a time give Places their codes; the lock is released when the transaction ends.

    Two that read "nobody knows this code" at the same moment would both make the Place. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(f"{_BY_INDEX}, pg_advisory_xact_lock({TURN})")


def hold_codes(session: Session) -> None:
    """Let nobody give Places other codes until this transaction ends.

    To be called before Submissions are locked: a reading locks them while it has its turn.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({TURN})")


def by_index(session: Session) -> None:
    """Let PostgreSQL find rows by index in this transaction, however small it believes a table to be.

    It keeps the plan of a statement. One made while the table was empty reads all of it, and would do so for the whole
    of a first reading.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(_BY_INDEX)


def digests(session: Session, system: str, pull: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the digests of the rows that are there; of one that ended or came unreadable it is empty."""
    by_index(session)
    asked = [{"system": system, "pull": pull, "row_key": key} for key in keys]
    found = find_rows(session.connection(), _PULL_ROW, ("row_key", "digest", "ended_at", "unread_since"), asked)
    return {key: "" if ended_at or unread_since else digest for key, digest, ended_at, unread_since in found}


def rows_by_key(session: Session, system: str, pull: str, keys: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of one pull that have these keys, ended ones among them."""
    asked = [{"system": system, "pull": pull, "row_key": key} for key in keys]
    return (Row(*found) for found in find_rows(session.connection(), _PULL_ROW, _ROW, asked))


def rows_at(session: Session, place_ids: Collection[str]) -> Iterator[Row]:
    """Yield the rows about these Places that have not ended."""
    found = find_rows(session.connection(), _PULL_ROW, _ROW, [{"place_id": each} for each in sorted(place_ids)])
    return (row for row in (Row(*each) for each in found) if row.ended_at is None)


def codes_by_key(session: Session, codes: Iterable[tuple[str, str]]) -> Iterator[Code]:
    """Yield the codes among these (issuer, code as compared) that exist, ended ones among them."""
    asked = [{"code_key": key, "issuer": issuer} for issuer, key in codes]
    return (Code(*found) for found in find_rows(session.connection(), _ALIAS, _CODE, asked))


def codes_at(session: Session, place_ids: Collection[str]) -> Iterator[Code]:
    """Yield the codes that stand, or stood last, on these Places."""
    found = find_rows(session.connection(), _ALIAS, _CODE, [{"place_id": each} for each in sorted(place_ids)])
    return (Code(*each) for each in found)


def places_by_id(session: Session, place_ids: Collection[str]) -> Iterator[PlaceData]:
    """Yield these Places."""
    found = find_rows(session.connection(), _PLACE, _PLACE_DATA, [{"id": each} for each in sorted(place_ids)])
    return (PlaceData(*each) for each in found)


def namesakes(session: Session, named: Collection[tuple[str, str]]) -> Iterator[PlaceData]:
    """Yield the Places that have one of these (division, name as compared) and did not turn out to be another."""
    asked = [{"division": division, "name_key": name} for division, name in sorted(named)]
    found = find_rows(session.connection(), _PLACE, _PLACE_DATA, asked)
    return (
        place for place in (PlaceData(*each) for each in found) if place.linked_to is None and place.ended_at is None
    )


def leave_unread(session: Session, pull: tuple[str, str], keys: Sequence[str], now: datetime) -> None:
    """Note that rows come in a form nobody can read; what they said before is not confirmed from now on."""
    change = update(_PULL_ROW).where(_PULL_ROW.c.system == pull[0], _PULL_ROW.c.pull == pull[1])
    for start in range(0, len(keys), MOST_ASKED):
        these = change.where(_PULL_ROW.c.row_key.in_(keys[start : start + MOST_ASKED]))
        session.connection().execute(these.values(unread_since=func.coalesce(_PULL_ROW.c.unread_since, now), digest=""))


def date_back(session: Session, pull: tuple[str, str], now: datetime, ahead: datetime, limit: int) -> int:
    """Date rows and codes that lie ahead as of now, some at a time; return how many there were.

    A clock that was ahead wrote them. Left so, they would count as the newest until that time comes.
    """
    rows = and_(_PULL_ROW.c.system == pull[0], _PULL_ROW.c.pull == pull[1], _PULL_ROW.c.as_of > ahead)
    keys = select(PullRow.row_key).where(rows).limit(limit)
    change = update(_PULL_ROW).where(rows, _PULL_ROW.c.row_key.in_(keys))
    since = case((_PULL_ROW.c.since > now, literal(now, _PULL_ROW.c.since.type)), else_=_PULL_ROW.c.since)
    dated = session.connection().execute(change.values(as_of=now, since=since, changed={})).rowcount
    codes = and_(_ALIAS.c.told_by == pull[0], _ALIAS.c.pull == pull[1], _ALIAS.c.since > ahead)
    some = select(Alias.code_key).where(codes).limit(limit)
    moved = update(_ALIAS).where(codes, _ALIAS.c.code_key.in_(some)).values(since=now)
    return dated + session.connection().execute(moved).rowcount


def merge_again(session: Session, pull: tuple[str, str], keys: Sequence[str]) -> None:
    """Let rows be merged again when they come the next time, though they are the same."""
    change = update(_PULL_ROW).where(_PULL_ROW.c.system == pull[0], _PULL_ROW.c.pull == pull[1])
    for start in range(0, len(keys), MOST_ASKED):
        these = change.where(_PULL_ROW.c.row_key.in_(keys[start : start + MOST_ASKED]))
        session.connection().execute(these.values(digest=""))


def repeated_names(session: Session, limit: int) -> Sequence[tuple[str, str]]:
    """Return (division, name as compared) that several Places share."""
    query = select(Place.division, Place.name_key).where(
        Place.name_key != "", Place.division != "", col(Place.linked_to).is_(None), col(Place.ended_at).is_(None)
    )
    grouped = query.group_by(col(Place.division), col(Place.name_key)).having(func.count() > 1)
    return session.exec(grouped.limit(limit)).all()


def keys_after(session: Session, system: str, pull: str, after: str, limit: int) -> Sequence[str]:
    """Return the next keys of a pull's rows that have not ended, in their order."""
    query = select(PullRow.row_key).where(PullRow.system == system, PullRow.pull == pull, PullRow.row_key > after)
    return session.exec(query.where(col(PullRow.ended_at).is_(None)).order_by(col(PullRow.row_key)).limit(limit)).all()


def write(session: Session, changes: Changes) -> None:
    """Write all of it, few statements for many rows."""
    connection = session.connection()
    insert_all(connection, ((_PLACE, changes.new_places), (_ALIAS, changes.new_codes), (_PULL_ROW, changes.new_rows)))
    update_rows(connection, _DESCRIBED, [asdict(each) for each in changes.places])
    upsert_rows(connection, _ALIAS, ("code_key", "issuer"), changes.codes)
    upsert_rows(connection, _PULL_ROW, ("system", "pull", "row_key"), changes.rows)
    insert_rows(connection, _HISTORY, changes.history)
