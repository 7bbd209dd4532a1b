"""What is remembered of Systems: breaker and pause, pulls and their cursors."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, text, update
from sqlalchemy import select as pick
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.model.system import Breaker, Pull, PullCursor, PullOutcome, SystemState
from hub.store.bulk import Found, find_rows

SKEW = timedelta(minutes=5)
"""How far the clocks of two hosts at one database may differ; a start later than that was read off a wrong clock."""
_STATE = SystemState.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_SIGNS = (col(SystemState.last_success_at), col(SystemState.last_failure_at), col(SystemState.paused_at))
_HEALTH = ("system", "breaker", "failures", "paused_reason", "last_success_at")


def states(session: Session, systems: Iterable[str]) -> dict[str, SystemState]:
    """Return the remembered state of these Systems, locked for change; those never heard of are remembered now.

    Two workers that hear of a System in the same moment must not both insert it: the loser would lose its outcome.
    """
    names = sorted(set(systems))
    found = _locked(session, names)
    if new := [name for name in names if name not in found]:
        insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(SystemState)
        rows = [SystemState(system=name).model_dump() for name in new]
        session.connection().execute(insert.on_conflict_do_nothing(index_elements=["system"]), rows)
        found |= _locked(session, new)
    return found


def _locked(session: Session, names: Sequence[str]) -> dict[str, SystemState]:
    query = select(SystemState).where(col(SystemState.system).in_(names)).order_by(col(SystemState.system))
    rows = session.exec(query.with_for_update(), execution_options={"populate_existing": True}) if names else ()
    return {row.system: row for row in rows}


def flowing(session: Session, systems: Collection[str]) -> set[str]:
    """Return which of these Systems have neither an open breaker nor a pause; those never heard of have neither."""
    rows = _health(session, systems)
    return set(systems) - {name for name, breaker, _, paused, _ in rows if breaker != Breaker.CLOSED or paused}


def well_since(session: Session, systems: Collection[str]) -> dict[str, datetime]:
    """Return, for those of these Systems that are quite well, when each last said yes."""
    return {
        name: last_at
        for name, breaker, failures, paused, last_at in _health(session, systems)
        if last_at is not None and breaker == Breaker.CLOSED and not failures and not paused
    }


def _health(session: Session, systems: Iterable[str]) -> Iterable[Found]:
    return find_rows(session.connection(), _STATE, _HEALTH, [{"system": name} for name in sorted(systems)])


def all_states(session: Session) -> dict[str, SystemState]:
    """Return every System ever heard of."""
    return {row.system: row for row in session.exec(select(SystemState))}


def paused(session: Session) -> list[str]:
    """Return the Systems paused for wrong settings or credentials."""
    return [row.system for row in pauses(session)]


def pauses(session: Session) -> list[SystemState]:
    """Return what is remembered of paused Systems."""
    return list(session.exec(select(SystemState).where(SystemState.paused_reason != "")))


def latest_pull(session: Session, system: str, name: str, now: datetime) -> Pull | None:
    """Return a pull's newest run; one from the time ahead was started by a wrong clock, and counts for nothing."""
    query = select(Pull).where(Pull.system == system, Pull.name == name, col(Pull.started_at) <= now + SKEW)
    return session.exec(query.order_by(col(Pull.started_at).desc()).limit(1)).first()


def latest_pulls(session: Session, now: datetime) -> dict[tuple[str, str], Pull]:
    """Return every pull's newest run, by System and name."""
    newest = (
        select(Pull.system, Pull.name, func.max(Pull.started_at).label("started_at"))
        .where(col(Pull.started_at) <= now + SKEW)
        .group_by(col(Pull.system), col(Pull.name))
        .subquery()
    )
    same = (
        (col(Pull.system) == newest.c.system)
        & (col(Pull.name) == newest.c.name)
        & (col(Pull.started_at) == newest.c.started_at)
    )
    found = session.exec(select(Pull).join(newest, same).order_by(col(Pull.id)))
    return {(pull.system, pull.name): pull for pull in found}


def cursors(session: Session) -> dict[tuple[str, str], PullCursor]:
    """Return how far every pull came, by System and name."""
    return {(cursor.system, cursor.name): cursor for cursor in session.exec(select(PullCursor))}


def ran_ahead(session: Session, pull: tuple[str, str], slot: datetime, now: datetime) -> bool:
    """Say whether a run that began in the time ahead has a slot."""
    query = select(Pull.id).where(Pull.system == pull[0], Pull.name == pull[1], Pull.slot_at == slot)
    return session.exec(query.where(col(Pull.started_at) > now + SKEW)).first() is not None


def lose_running(session: Session, now: datetime, before: datetime) -> int:
    """Mark runs that began before `before`, or by a clock ahead of ours, and never ended as lost; return how many."""
    pull = Pull.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    lost = session.connection().execute(
        update(pull)
        # Written out, so that the index of the running ones serves.
        .where(text("outcome = 'running'"), or_(pull.c.started_at < before, pull.c.started_at > now + SKEW))
        .values(outcome=PullOutcome.LOST, ended_at=now)
    )
    return lost.rowcount


def cursor(session: Session, system: str, name: str) -> PullCursor | None:
    """Return how far a pull came."""
    return session.get(PullCursor, (system, name))


def bring_forward(session: Session, now: datetime, by: timedelta) -> None:
    """Let breakers planned to open again after now do so sooner; what is remembered lies no later than now."""
    ahead = [column > now for column in (col(SystemState.open_until), *_SIGNS)]
    query = select(SystemState).where(or_(*ahead)).order_by(col(SystemState.system)).with_for_update(skip_locked=True)
    for row in session.exec(query, execution_options={"populate_existing": True}):
        if row.open_until is not None and row.open_until > now:
            row.open_until -= by
        row.last_success_at, row.last_failure_at = _past(row.last_success_at, now), _past(row.last_failure_at, now)
        row.paused_at = _past(row.paused_at, now)
    session.flush()


def _past(at: datetime | None, now: datetime) -> datetime | None:
    return None if at is None else min(at, now)


def last_sign(session: Session) -> datetime | None:
    """Return when any process of the hub last heard of any System, or heard nothing."""
    found = session.connection().execute(pick(*(func.max(column) for column in _SIGNS))).one()
    return max((at for at in found if at is not None), default=None)
