"""Open items: what a pull could not settle by itself. Met again it is the same item, no more met it is solved."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as filled
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, true, update
from sqlmodel import Session, col, select

from hub.model.column import new_id
from hub.model.open_item import ItemKind, ItemState, OpenItem

NO_MORE_MET = ""
"""`settled_by` of what a later pull solved by itself."""
ItemKey = tuple[str, str, str]
"""Kind, row key and field: what an item of a pull is about."""


@dataclass(frozen=True)
class RaisedItem:
    """Something a run met that a person may have to look at."""

    kind: ItemKind
    reason: str
    """Message key."""
    row_key: str = ""
    field: str = ""
    params: Mapping[str, Any] = filled(default_factory=dict)
    value: str = ""
    place_id: str | None = None
    other_place_id: str | None = None
    fingerprint: str = ""
    """Tells whether it is still the same: a dismissed item opens again when this differs. Kept as `OpenItem.mark`."""

    @property
    def key(self) -> ItemKey:
        """Return what it is about."""
        return str(self.kind), self.row_key, self.field


@dataclass(frozen=True)
class Settling:
    """What one transaction of a run has to say about the items of its pull."""

    system: str
    pull: str
    now: datetime
    met: Sequence[RaisedItem] = ()
    rows_read: Collection[str] = ()
    """Keys of rows that were read: what is open about them and was not met now is solved."""
    solved: Collection[ItemKey] = ()
    """Items that are solved whatever was met."""


def unsettled(session: Session, system: str, pull: str) -> list[OpenItem]:
    """Return what is open of a pull, and what was dismissed."""
    query = select(OpenItem).where(OpenItem.system == system, OpenItem.pull == pull)
    return list(session.exec(query.where(col(OpenItem.state) != ItemState.SOLVED).order_by(col(OpenItem.id))))


def settle(session: Session, said: Settling) -> None:
    """Open what is new, count what was met again, solve what was not; the dismissed stays so while it is the same."""
    rows = {met.row_key for met in said.met} | {*said.rows_read} | {row_key for _, row_key, _ in said.solved}
    if not rows:
        return
    there: dict[ItemKey, OpenItem] = {}
    for item in _of_rows(session, said, rows):
        there[_key(item)] = item  # an open one comes last, and hides what was dismissed before
    met = {each.key: each for each in said.met}
    for key, item in there.items():
        is_mended = item.state == ItemState.OPEN and item.row_key in said.rows_read
        if key not in met and (is_mended or key in said.solved):
            item.state, item.settled_at, item.settled_by = ItemState.SOLVED, said.now, NO_MORE_MET
            session.add(item)
    for key, each in met.items():
        _meet(session, there.get(key), each, said)
    session.flush()


def _of_rows(session: Session, said: Settling, rows: Iterable[str]) -> list[OpenItem]:
    query = (
        select(OpenItem)
        .where(OpenItem.system == said.system, OpenItem.pull == said.pull, col(OpenItem.row_key).in_(sorted(rows)))
        .where(col(OpenItem.state) != ItemState.SOLVED)
    )
    found = session.exec(query.order_by(col(OpenItem.id))).all()
    return sorted(found, key=lambda item: item.state == ItemState.OPEN)


def _key(item: OpenItem) -> ItemKey:
    return str(item.kind), item.row_key, item.field


def _meet(session: Session, item: OpenItem | None, met: RaisedItem, said: Settling) -> None:
    if item is not None and item.state == ItemState.DISMISSED and item.mark == met.fingerprint:
        item.last_at, item.times = said.now, item.times + 1
        session.add(item)
        return
    if item is None or item.state == ItemState.DISMISSED:
        item = OpenItem(
            id=new_id(), system=said.system, pull=said.pull, kind=met.kind, row_key=met.row_key, field=met.field,
            params={}, first_at=said.now, last_at=said.now, times=0,
        )  # fmt: skip
    item.reason, item.params, item.value, item.mark = met.reason, dict(met.params), met.value, met.fingerprint
    item.place_id, item.other_place_id = met.place_id, met.other_place_id
    item.last_at, item.times = said.now, item.times + 1
    session.add(item)


@dataclass(frozen=True)
class ItemSearch:
    """What a list of open items asks for."""

    systems: Collection[str]
    kind: str = ""
    state: str = ItemState.OPEN
    limit: int = 50
    after: str = ""
    """Id of the last one of the page before."""


def search(session: Session, wanted: ItemSearch) -> Sequence[OpenItem]:
    """Return open items, or settled ones, the newest first."""
    query = select(OpenItem).where(*_matching(wanted))
    if wanted.after:
        query = query.where(col(OpenItem.id) < wanted.after)
    return session.exec(query.order_by(col(OpenItem.id).desc()).limit(wanted.limit)).all()


def count(session: Session, wanted: ItemSearch) -> int:
    """Return how many `search` would give in all."""
    return session.exec(select(func.count()).select_from(OpenItem).where(*_matching(wanted))).one()


def _matching(wanted: ItemSearch) -> list[ColumnElement[bool]]:
    conditions = [col(OpenItem.system).in_(sorted(wanted.systems)), col(OpenItem.state) == wanted.state]
    return [*conditions, col(OpenItem.kind) == wanted.kind] if wanted.kind else conditions


def open_counts(session: Session) -> dict[tuple[str, str], int]:
    """Return how many items are open, by System and pull."""
    query = select(OpenItem.system, OpenItem.pull, func.count()).where(OpenItem.state == ItemState.OPEN)
    found = session.exec(query.group_by(col(OpenItem.system), col(OpenItem.pull)))
    return {(system, pull): number for system, pull, number in found}


@dataclass(frozen=True)
class Decision:
    """What a person decided: who, why and when."""

    account_id: str
    why: str
    at: datetime


def end(session: Session, item: OpenItem, state: ItemState, decision: Decision) -> bool:
    """End one that is open; False where it is open no more."""
    change = update(OpenItem).where(col(OpenItem.id) == item.id, col(OpenItem.state) == ItemState.OPEN)
    values = {"state": state, "settled_at": decision.at, "settled_by": decision.account_id, "why": decision.why}
    return session.connection().execute(change.values(values)).rowcount == 1


def decided(session: Session, place_ids: Collection[str], decision: Decision, *, are_parted: bool = False) -> None:
    """Solve what asked which of these Places something belongs to: a person has said so.

    What is asked about two rows of one Place is not decided by what comes to it or leaves it; the next reading knows.
    Parting Places does not decide where a code stands that is told on both.
    """
    of_two = col(OpenItem.place_id) != col(OpenItem.other_place_id)
    of_code = and_(col(OpenItem.kind) == ItemKind.CODES_TANGLED, col(OpenItem.field) != "")
    change = update(OpenItem).where(
        col(OpenItem.state) == ItemState.OPEN,
        of_two if len(place_ids) > 1 else true(),
        not_(of_code) if are_parted else true(),
        col(OpenItem.kind).in_((ItemKind.PLACES_TO_LINK, ItemKind.CODES_TANGLED)),
        col(OpenItem.place_id).in_(sorted(place_ids)),
        col(OpenItem.other_place_id).in_(sorted(place_ids)),
    )
    values = {
        "state": ItemState.SOLVED,
        "settled_at": decision.at,
        "settled_by": decision.account_id,
        "why": decision.why,
    }
    session.connection().execute(change.values(values))
