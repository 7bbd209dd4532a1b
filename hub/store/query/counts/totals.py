"""Totals of what only grows: the tally holds them up to a mark, and only what came after the mark is counted.

Nothing is added up while work is done, so no process waits for another, and a crash loses no count and doubles none.
A mark stays `BEHIND` the newest row: until then rows of other processes, with slower clocks or transactions, may still
fall before it. One that comes later than that is missing from the total, and from nothing else; so is what comes within
a minute after a clock that was ahead is right again.

What is erased stays counted: the tally has it already, or takes it in by the transaction that erases it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from hub.model.column import id_before, id_since
from hub.model.delivery import Attempt, Delivery
from hub.model.journal import Tally
from hub.model.submission import Submission

BEHIND = timedelta(minutes=5)
ALL = "*"
CANCELLED = "cancelled"
_BEFORE_ALL, _AFTER_ALL = "", "~"
_DELIVERIES = text("""
    WITH RECURSIVE known(system) AS (
        SELECT min(system) FROM delivery
        UNION ALL
        SELECT (SELECT min(d.system) FROM delivery AS d WHERE d.system > known.system) FROM known
        WHERE known.system IS NOT NULL
    )
    SELECT known.system,
           (SELECT count(*) FROM delivery AS d WHERE d.system = known.system AND d.id > :after AND d.id <= :last)
    FROM known WHERE known.system IS NOT NULL
""")
_ATTEMPTS = (
    select(col(Attempt.outcome), func.count())
    .where(col(Attempt.id) > bindparam("after"), col(Attempt.id) <= bindparam("last"))
    .group_by(col(Attempt.outcome))
)
_KINDS = ("submission", "delivery", "attempt")
_IS_KEPT = col(Submission.erased_at).is_(None)
"""Erased ones are counted in the tally alone, like rows that are gone; the index knows the others."""


@dataclass(frozen=True)
class Advance:
    """How many of a kind there are between its mark and a later one."""

    what: str
    mark: str
    last: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Gone:
    """A row about to be erased: its kind, the name it counts under, and where it lies beside the mark of its kind."""

    what: str
    name: str
    place: str


def totals(session: Session) -> dict[str, Counter[str]]:
    """Return, of each kind, how many there are by name: Deliveries by System, attempts by outcome."""
    kept, marks = _kept(session)
    return {what: kept[what] + _counted(session, what, marks[what], _AFTER_ALL) for what in _KINDS}


def advance(session: Session, now: datetime | None = None) -> list[Advance]:
    """Count from each mark to where it may now stand; a look, which holds nobody up.

    A mark ahead of now was left by a clock that was ahead, and would hide what comes until then: it goes back to now,
    and what lies between is taken out of the tally again.
    """
    _, marks = _kept(session)
    if now is None:
        ends = [(what, marks[what], _settled(session, what)) for what in _KINDS]
    else:
        ahead = [what for what in _KINDS if marks[what] > _made_at(what, now, BEHIND)]
        if ahead:
            return [_back(session, what, marks[what], _made_at(what, now)) for what in ahead]
        ends = [(what, marks[what], min(_settled(session, what), _made_at(what, now))) for what in _KINDS]
    return [Advance(what, mark, last, _counted(session, what, mark, last)) for what, mark, last in ends if last > mark]


def _made_at(what: str, now: datetime, later: timedelta = timedelta(0)) -> str:
    """Return where a row made now, or a while later, stands beside the mark of its kind; ids have their own time."""
    return (now + later).isoformat() if what == "submission" else id_since(-later)


def _back(session: Session, what: str, mark: str, last: str) -> Advance:
    counts = _counted(session, what, last, mark)
    return Advance(what, mark, last, {name: -count for name, count in counts.items()})


def keep(session: Session, advances: Sequence[Advance]) -> int:
    """Add to the tally what was counted, unless another process was faster; return how many kinds moved."""
    return sum(_move(session, one) for one in advances)


def count_gone(session: Session, gone: Sequence[Gone]) -> None:
    """Take rows into the tally that no later count will find; before they are erased, in the same transaction.

    1) Rows before their mark are in the tally. 2) If any comes after it, the marks are held and moved as far as they
    may: whoever has counted from an older mark then counts in vain. 3) What still comes after its mark is added.
    """
    _, marks = _kept(session)
    if all(one.place <= marks[one.what] for one in gone):
        return
    held = select(col(Tally.what)).where(col(Tally.name) == ALL).order_by(col(Tally.what)).with_for_update()
    session.connection().execute(held).all()
    keep(session, advance(session))
    _, marks = _kept(session)
    _add(session, Counter((one.what, one.name) for one in gone if one.place > marks[one.what]))


def add_cancelled(session: Session, systems: Counter[str]) -> None:
    """Remember how many of a System's erased Deliveries had been cancelled; all others had been delivered."""
    _add(session, Counter({(CANCELLED, system): count for system, count in systems.items()}))


def cancelled_before(session: Session) -> Counter[str]:
    """Return by System how many Deliveries had been cancelled that are erased now."""
    query = select(col(Tally.name), col(Tally.count)).where(col(Tally.what) == CANCELLED)
    counts = Counter[str]()
    for system, count in session.connection().execute(query):
        counts[system] = count
    return counts


def _kept(session: Session) -> tuple[dict[str, Counter[str]], dict[str, str]]:
    """Return the tally and the marks, of one moment."""
    kept, marks = {what: Counter[str]() for what in _KINDS}, dict.fromkeys(_KINDS, _BEFORE_ALL)
    columns = (col(Tally.what), col(Tally.name), col(Tally.count), col(Tally.mark))
    query = select(*columns).where(col(Tally.what).in_(_KINDS))
    for what, name, count, mark in session.connection().execute(query):
        if name == ALL:
            marks[what] = mark
        if count:
            kept[what][name] += count
    return kept, marks


def _counted(session: Session, what: str, after: str, last: str) -> Counter[str]:
    if what == "submission":
        return _submissions(session, after, last)
    query = _DELIVERIES if what == "delivery" else _ATTEMPTS
    found = session.connection().execute(query, {"after": after, "last": last})
    return Counter({name: count for name, count in found if count})


def _submissions(session: Session, after: str, last: str) -> Counter[str]:
    query = select(func.count()).select_from(Submission).where(_IS_KEPT)
    if after != _BEFORE_ALL:
        query = query.where(col(Submission.received_at) > datetime.fromisoformat(after))
    if last != _AFTER_ALL:
        query = query.where(col(Submission.received_at) <= datetime.fromisoformat(last))
    return Counter({ALL: session.connection().execute(query).scalar_one()})


def _settled(session: Session, what: str) -> str:
    """Return up to where the rows of a kind will not change their count any more."""
    connection = session.connection()
    if what == "submission":
        newest_at = connection.execute(select(func.max(col(Submission.received_at))).where(_IS_KEPT)).scalar_one()
        return (newest_at - BEHIND).isoformat() if newest_at else _BEFORE_ALL
    key = col(Delivery.id) if what == "delivery" else col(Attempt.id)
    newest = connection.execute(select(func.max(key))).scalar_one()
    last = id_before(newest, BEHIND) if newest else _BEFORE_ALL
    if what == "attempt":
        under_way = select(func.min(Delivery.lease_token)).where(col(Delivery.leased_until).is_not(None))
        oldest: str | None = connection.execute(under_way).scalar_one()
        return min(last, id_before(oldest, timedelta(0))) if oldest else last
    return last


def _move(session: Session, one: Advance) -> bool:
    """Move a mark that still stands where the count began; only then does the count belong to it."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    mark = insert(Tally).values(what=one.what, name=ALL, count=0, mark=one.last)
    moved = mark.on_conflict_do_update(
        index_elements=["what", "name"], set_={"mark": one.last}, where=col(Tally.mark) == one.mark
    ).returning(col(Tally.what))
    if session.connection().execute(moved).first() is None:
        return False
    _add(session, {(one.what, name): count for name, count in one.counts.items()})
    return True


def _add(session: Session, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to rows of the tally, which are made where there are none; always in the same order."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for (what, name), count in sorted(counts.items()):
        more = insert(Tally).values(what=what, name=name, count=count, mark="")
        added = {"count": col(Tally.count) + more.excluded["count"]}
        session.connection().execute(more.on_conflict_do_update(index_elements=["what", "name"], set_=added))
