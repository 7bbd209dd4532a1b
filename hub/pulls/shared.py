"""Codes that several rows of one pull tell: only a person knows where such a code belongs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.model.open_item import ItemKind, ItemState, OpenItem
from hub.pulls.items import LONGEST_FINGERPRINT, Items
from hub.pulls.move import TakenCode
from hub.pulls.where import is_anchored, is_sibling, is_told_by, row_id
from hub.pulls.work import CodeKey, claims
from hub.store import Session
from hub.store.query import pull_rows
from hub.store.query.open_items import ItemKey, RaisedItem
from hub.store.query.pull_rows import Code, Row
from hub.systems import PullFlow
from hub.text import comparable

MOST_TELLERS = 50
"""Rows that tell one code and are kept with its item: as long as two of them go on, it stays open."""
SharedCode = tuple[Code, Sequence[Row]]
"""A code, and the rows that go on telling it."""


@dataclass
class Shared:
    """What of codes that several rows told is open, and what no longer is."""

    met: list[RaisedItem]
    solved: list[ItemKey]
    merge_again: list[str]
    """Keys of rows to merge again at the next reading: a code they tell was decided, or is told by nobody now."""


def shared_codes(session: Session, flow: PullFlow, items: Items, taken: Iterable[TakenCode]) -> Shared:
    """Return an item for the codes that several rows of this pull go on telling.

    Codes of one issuer that the same row tells first are one item together, however many rows tell them.
    """
    before = [item for item in items.there.values() if item.kind == ItemKind.CODES_TANGLED and item.field]
    tellers = _tellers([*before, *items.shared.values()], taken)
    known = {(code.issuer, code.code_key): code for code in pull_rows.codes_by_key(session, sorted(tellers))}
    for key, code in known.items():
        if (code.told_by, code.pull) == (flow.system, flow.name):
            tellers[key].setdefault(code.row_key)  # it may have taken what another one had just given up
    keys = sorted({key for each in tellers.values() for key in each})
    there = {row.row_key: row for row in pull_rows.rows_by_key(session, flow.system, flow.name, keys)}
    together: dict[tuple[str, str], list[SharedCode]] = defaultdict(list)
    again = list[str]()
    for key, code in known.items():
        still = [there[each] for each in tellers[key] if each in there and _tells(there[each], key)]
        again += _unsettled(code, still)
        if len(still) > 1 and not is_anchored(code) and not _are_one(still):
            together[still[0].row_key, key[0]].append((code, still))
    met = {found.key: found for found in (_shared(session, items, some) for some in together.values())}
    was_open = [(str(item.kind), item.row_key, item.field) for item in before if item.state == ItemState.OPEN]
    return Shared(list(met.values()), [key for key in {*was_open, *items.shared} if key not in met], again)


def _tellers(before: Iterable[OpenItem | RaisedItem], taken: Iterable[TakenCode]) -> dict[CodeKey, dict[str, None]]:
    """Return the codes that several rows told, each with the keys of these rows: those that have an item first."""
    tellers: dict[CodeKey, dict[str, None]] = defaultdict(dict)
    for item in before:
        for text, *rows in _codes(item):
            tellers[item.field, comparable(text)].update(dict.fromkeys(map(comparable, rows)))
    for each in taken:
        tellers[each.issuer, comparable(each.code)].update(dict.fromkeys((comparable(each.key), each.from_row)))
    return tellers


def _codes(item: OpenItem | RaisedItem) -> list[list[str]]:
    """Return the codes of an item, each with the rows that told it."""
    first = [item.params["code"], item.row_key, item.params["other"], *item.params.get("rows", ())]
    return [first, *item.params.get("more", ())]


def _tells(row: Row, code: CodeKey) -> bool:
    return row.ended_at is None and code in claims(row)


def _unsettled(code: Code, rows: Sequence[Row]) -> list[str]:
    """Return which of the rows that go on telling a code are to be merged again at the next reading."""
    if is_anchored(code):
        away = [row for row in rows if row.place_id != code.place_id and not row.decided_by]
        return [row.row_key for row in away] if code.ended_at is None else []
    is_left = any(is_sibling(code, row_id(row)) for row in rows) and not any(is_told_by(code, row_id(r)) for r in rows)
    readable = [row.row_key for row in rows if row.unread_since is None]
    return readable[:1] if is_left or code.ended_at is not None else []


def _are_one(rows: Sequence[Row]) -> bool:
    """Say whether a person has let all of them stand together."""
    return len({row.place_id for row in rows}) == 1 and all(row.decided_by for row in rows)


def _shared(session: Session, items: Items, some: Sequence[SharedCode]) -> RaisedItem:
    (code, rows), *more = some
    one, other = rows[:2]
    (key,) = [own.code for own in pull_rows.codes_by_key(session, [(one.system, one.row_key)])] or [one.row_key]
    params: dict[str, object] = {
        "code": code.code, "other": other.row_key, "issuer": code.issuer, "rows": _keys(rows),
    }  # fmt: skip
    if more:
        params["more"] = [[each.code, *_keys(told)] for each, told in more]
    fingerprint = " ".join(f"{each.code_key}={told[1].row_key}" for each, told in some)[:LONGEST_FINGERPRINT]
    return RaisedItem(ItemKind.CODES_TANGLED, "open_item.told_by_two", items.row_named(key), code.issuer, params,
                      "", one.place_id, other.place_id, fingerprint=fingerprint)  # fmt: skip


def _keys(rows: Sequence[Row]) -> list[str]:
    return [row.row_key for row in rows[:MOST_TELLERS]]
