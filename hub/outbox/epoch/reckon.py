"""Applies the decision to all Deliveries at once, in the transaction that puts the rows back."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.model import Epoch
from hub.model.delivery import State
from hub.outbox.epoch.decide import PUSHABLE, after_restore
from hub.sdk import Capabilities
from hub.store import Session
from hub.store.backup.doubt import Standing, close_open_attempts, move_standing, standings
from hub.store.query.journal import add_entries, entry


@dataclass
class Reckoned:
    """How many Deliveries of each System go again under their old key, and how many need an answer first."""

    again: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    by_person: Counter[str] = field(default_factory=Counter)


def reckon(session: Session, epoch: Epoch, capabilities: Callable[[str], Capabilities]) -> Reckoned:
    """Mark what may have happened after the copy was taken, and write the new epoch into the journal."""
    found = Reckoned()
    why = f"restored from the copy of {epoch.copied_at:%Y-%m-%d %H:%M} UTC: may have been sent after it was taken"
    for standing in standings(session):
        _settle(session, standing, capabilities(standing.system), (epoch, why, found))
    close_open_attempts(session, epoch.began_at, why)
    add_entries(session, [entry(epoch.began_at, "", "hub.restored", epoch.id, why)])
    return found


def _settle(session: Session, standing: Standing, can: Capabilities, told: tuple[Epoch, str, Reckoned]) -> None:
    epoch, why, found = told
    change = after_restore(
        standing.state, can, held=standing.held, probing=standing.probing, transported=standing.transported
    )
    if change is None:
        return
    values: dict[str, object] = {"state": change.state}
    if change.due is not None:
        values["due_at"] = epoch.began_at if change.due else None
    if change.repeat:
        values["repeat"] = True
    if change.told:
        values["reason"] = why
    many = move_standing(session, standing, **values)
    if change.state in PUSHABLE:
        found.again[standing.system] += many
    elif change.state in {State.UNKNOWN, State.TRANSPORTED} and change.due:
        found.asked[standing.system] += many
    else:
        found.by_person[standing.system] += many
