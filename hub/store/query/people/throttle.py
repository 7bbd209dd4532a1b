"""Wrong passwords and how long they make the next try wait. Right ones are never counted.

A login waits only where the wrong ones came from: nobody can lock somebody out from elsewhere. Moments that lie ahead
of now were noted under a clock that was wrong; they count for nothing and go with the next note.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_
from sqlmodel import Session, col, select

from hub.model.people import SignInFailure

MOST_HERE, HERE_WITHIN = 5, timedelta(minutes=1)
"""Wrong passwords for one login from one source: guessing at a person."""
MOST_FROM, FROM_WITHIN = 100, timedelta(minutes=10)
"""Wrong passwords from one address, whatever the login: guessing at everybody. A room full of people mistypes fewer."""


def wait_for(session: Session, login: str, source: str, now: datetime) -> timedelta | None:
    """Return how long a try has to wait; None when it may go on."""
    here = col(SignInFailure.address) == source
    waits = (
        _wait(session, here & (col(SignInFailure.login) == login), MOST_HERE, HERE_WITHIN, now),
        _wait(session, here, MOST_FROM, FROM_WITHIN, now),
    )
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(
    session: Session, which: ColumnElement[bool], most: int, within: timedelta, now: datetime
) -> timedelta | None:
    """Return when the oldest of so many falls out of the window."""
    at = col(SignInFailure.at)
    query = select(at).where(which, at > now - within, at <= now).order_by(at.desc()).limit(most)
    found = session.exec(query).all()
    return found[-1] + within - now if len(found) == most else None


def note_failure(session: Session, login: str, source: str, now: datetime) -> None:
    """Count a wrong password, and forget what counts no more."""
    at = col(SignInFailure.at)
    session.connection().execute(delete(SignInFailure).where(or_(at <= now - FROM_WITHIN, at > now)))
    session.add(SignInFailure(login=login, address=source, at=now))


def forgive(session: Session, login: str, source: str) -> None:
    """Forget the wrong passwords somebody needed before the right one."""
    here = (col(SignInFailure.login) == login) & (col(SignInFailure.address) == source)
    session.connection().execute(delete(SignInFailure).where(here))
