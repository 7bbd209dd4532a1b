"""Keeps what a row that was told before says now; what it said before goes into the history of its Place."""

from datetime import datetime

from hub.model.known import Fate
from hub.pulls.read import ReadRow
from hub.pulls.work import UnitOfWork
from hub.store.query.pull_rows import Row


def keep_values(work: UnitOfWork, known: Row, row: ReadRow) -> bool:
    """Keep what a row says now that was told before, and in the history what it said then; say whether that differs."""
    told = work.told
    is_back = known.ended_at is not None or known.unread_since is not None
    ended = [element for element in row.ended if element in known.known and element not in row.values]
    changed = [name for name, value in row.values.items() if name not in known.known or known.known[name] != value]
    if known.digest == row.identity.digest and not (is_back or ended or changed):
        return False
    known.digest, known.ended_at, known.unread_since = row.identity.digest, None, None
    if is_back or ended or changed:
        known.as_of, known.pull_id = max(known.as_of, told.as_of), told.pull_id
    for element in ended:
        _forget(work, known, element, Fate.ENDED)
    for element in changed:
        _forget(work, known, element, Fate.CHANGED)
        known.known = {**known.known, element: row.values[element]}
        known.changed = {**known.changed, element: told.as_of.isoformat()}
    work.touch(known)
    return bool(is_back or ended or changed)


def _forget(work: UnitOfWork, known: Row, element: str, fate: Fate) -> None:
    """Take what a row said of an element before into the history."""
    if element not in known.known:
        return
    since = known.changed.get(element)
    work.remember_value(known, element, known.since if since is None else datetime.fromisoformat(since), fate)
    known.known = {name: value for name, value in known.known.items() if name != element}
    known.changed = {name: at for name, at in known.changed.items() if name != element}
