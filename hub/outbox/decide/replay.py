"""What a replay does to each Delivery somebody asks to send again: one pure decision for all revisions of a Record.

Only the newest content of a Record goes. Whatever has gone out since, or may have, makes an older revision outdated:
sent again it would undo the correction at a System that takes every push at its word.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.errors import Phrase
from hub.model.delivery import Delivery, State, is_recognised

UNDER_WAY = frozenset({State.WAITING, State.LEASED, State.TRANSPORTED})
_OUT = frozenset({State.LEASED, State.RETRY, State.TRANSPORTED, State.DELIVERED, State.UNKNOWN})
"""States of what the System has, may have, or is about to get."""
_UNSETTLED = frozenset({State.WAITING, State.LEASED, State.RETRY, State.TRANSPORTED, State.UNKNOWN})


class Became(StrEnum):
    """What a replay came to for one Delivery."""

    SENT = "sent"
    """It goes again, with the same bytes and key."""
    UNDER_WAY = "under_way"
    """It goes by itself, or is there and waits for the System's word."""
    OUTDATED = "outdated"
    """A later revision went out since."""
    WITHDRAWN = "withdrawn"
    """A later revision takes it back, or has: sent again it would be there for good."""
    TAKEN = "taken"
    """Somebody else is entering it by hand."""
    BY_HAND = "by_hand"
    """There is nothing a machine could send: a person enters it there, or has."""
    CANCELLED = "cancelled"
    """Somebody, or a correction, ended it."""
    UNRECOGNISED = "unrecognised"
    """This program does not know what is asked for."""


@dataclass(frozen=True)
class Fate:
    """What became of one Delivery somebody asked to send again."""

    became: Became
    revision: int = 0
    """For an outdated or withdrawn one: the later revision, which is the one to send again."""
    after_id: str | None = None
    """For one that goes again: the earlier revision it has to wait for."""

    @property
    def words(self) -> Phrase:
        """How it is told."""
        return Phrase(f"replay.{self.became}", {"revision": self.revision} if self.revision else {})


@dataclass(frozen=True)
class Wish:
    """What somebody asks for."""

    chosen: Collection[str]
    taken: Collection[str]
    """Those that somebody else is entering by hand."""
    confirmed: Collection[str]
    """Those the System has said yes to at some time: it may have them, or have lost them, but they are not new."""


def fates(rows: Sequence[Delivery], wish: Wish) -> dict[str, Fate]:
    """Return what becomes of the chosen among the revisions of one Record in one flow, the earliest first."""
    found: dict[str, Fate] = {}
    newest: Fate | None = None
    for place in range(len(rows) - 1, -1, -1):
        row, earlier = rows[place], rows[:place]
        if row.id in wish.chosen:
            found[row.id] = _fate(row, earlier, newest, wish)
        goes = row.id in found and found[row.id].became is Became.SENT
        if newest is None:
            newest = _for_earlier(row, passed=goes or _has_passed(row, earlier, wish))
    return found


def _for_earlier(row: Delivery, *, passed: bool) -> Fate | None:
    """Return what one revision makes of all earlier ones; a withdrawal counts from when somebody asked for it."""
    if row.intent == "withdraw":
        return Fate(Became.WITHDRAWN, row.revision)
    return Fate(Became.OUTDATED, row.revision) if passed else None


def _fate(row: Delivery, earlier: Sequence[Delivery], newest: Fate | None, wish: Wish) -> Fate:
    if not is_recognised(row.state, row.intent):
        return Fate(Became.UNRECOGNISED)
    if row.state in UNDER_WAY:
        return Fate(Became.UNDER_WAY)
    if row.state == State.MANUAL or not row.payload or (row.state == State.DELIVERED and not row.attempts):
        return Fate(Became.BY_HAND)
    if newest is not None:
        return newest
    if row.id in wish.taken:
        return Fate(Became.TAKEN)
    unsettled = [one.id for one in earlier if one.state in _UNSETTLED or (one.state == State.PARKED and one.repeat)]
    return Fate(Became.SENT, after_id=unsettled[-1] if unsettled else None)


def _has_passed(row: Delivery, earlier: Sequence[Delivery], wish: Wish) -> bool:
    """Say whether a revision went out, or is about to, whatever becomes of the earlier ones."""
    if row.state == State.WAITING:
        return row.after_id not in {one.id for one in earlier}
    known = is_recognised(row.state, row.intent)
    return not known or row.state in _OUT or row.repeat or row.id in wish.confirmed
