"""Deliveries by System and state, at the cost of those that have not simply been delivered."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from hub.model.delivery import IS_STANDING, State
from hub.model.odd import Odd, known
from hub.model.people import Scope
from hub.model.submission import IS_WITHDRAWN
from hub.store.query.counts.totals import cancelled_before
from hub.store.query.places import ends

_STANDING = (
    f"SELECT system, state, count(*), count(due_at) FROM delivery WHERE ({IS_STANDING}){{}}"  # noqa: S608 - our own words
    " GROUP BY state, system"
)
_DUE = "SELECT system, count(*) FROM delivery WHERE due_at IS NOT NULL{} GROUP BY system"
# By an expression: the index of all Systems' Deliveries must not look like a good way to group the few.
_LEASED = "SELECT max(system), count(*) FROM delivery WHERE leased_until IS NOT NULL{} GROUP BY system || ''"
_HELD = (
    "SELECT max(system), count(*) FROM delivery WHERE after_id IS NOT NULL AND due_at IS NULL AND state = 'waiting'{}"
    " GROUP BY system || ''"
)
_WITHDRAWN = text(f"SELECT count(*) FROM submission WHERE {IS_WITHDRAWN}")  # noqa: S608 - our own words
_WITHIN = " AND division BETWEEN :first AND :last"
Counts = Counter[tuple[str, State | Odd]]


def open_counts(session: Session, area: Scope | None = None) -> Counts:
    """Return how many Deliveries each System has in each state, but not how many were delivered.

    Those of one area only, where one is given.
    """
    counts = Counts()

    def ask(query: str) -> Iterable[Any]:
        if area is None:
            return session.connection().execute(text(query.format("")))
        first, last = ends(area)
        return session.connection().execute(text(query.format(_WITHIN)), {"first": first, "last": last})

    for system, due in ask(_DUE):
        counts[system, State.WAITING] += due
    for system, state, count, due in ask(_STANDING):
        counts[system, known(State, state)] += count
        counts[system, State.WAITING] -= due
    for state, query in ((State.LEASED, _LEASED), (State.WAITING, _HELD)):
        for system, count in ask(query):
            counts[system, state] += count
    return Counts({key: count for key, count in counts.items() if count > 0})


def withdrawn_count(session: Session) -> int:
    """Return how many Submissions were withdrawn; erased ones stay counted."""
    return int(session.connection().execute(_WITHDRAWN).scalar_one())


def delivery_counts(session: Session, made: Mapping[str, int]) -> Counts:
    """Return how many Deliveries each System has, or had, in each state; of those made, the rest was delivered.

    Erased ones stay counted as what they ended as.
    """
    counts = open_counts(session)
    for system, count in cancelled_before(session).items():
        counts[system, State.CANCELLED] += count
    elsewhere = Counter[str]()
    for (system, _), count in counts.items():
        elsewhere[system] += count
    for system, count in made.items():
        # On PostgreSQL these are counts of different moments.
        counts[system, State.DELIVERED] = max(0, count - elsewhere[system])
    return Counts({key: count for key, count in counts.items() if count > 0})
