"""What one run meets that stays open: names the first of each kind, counts the rest, and knows which rows have any."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.model.open_item import ItemKind, ItemState, OpenItem
from hub.pulls.merge import Merged, Tangle
from hub.pulls.read import Fault
from hub.store.query.open_items import ItemKey, RaisedItem, Settling
from hub.systems import PullFlow
from hub.text import comparable

MOST_NAMED = 200
"""Items of one kind of one pull that are named; more are counted: nobody reads them, and the wiring is at fault."""
PULL_ITEMS = frozenset(
    {ItemKind.MARK_AHEAD, ItemKind.NOTHING_NEW, ItemKind.ROWS_MISSING, ItemKind.DOUBTED, ItemKind.PULL_FAILED}
)
"""About the pull as a whole, not about a row of it."""
MET_ONCE = (ItemKind.CODES_TANGLED, ItemKind.PLACES_TO_LINK)
LONGEST_FINGERPRINT = 80


@dataclass(frozen=True)
class Noted:
    """What some rows met: what to write of it, and what is only counted."""

    settling: Settling
    unnamed: Sequence[RaisedItem]


class Items:
    """The open items of one pull as one run sees them."""

    def __init__(self, flow: PullFlow, there: Iterable[OpenItem]) -> None:
        self._flow = flow
        self.there: dict[ItemKey, OpenItem] = {(str(item.kind), item.row_key, item.field): item for item in there}
        self._known = set(self.there)
        self._open = Counter(key[0] for key, item in self.there.items() if item.state == ItemState.OPEN and key[1])
        self._rows = {comparable(key[1]): key[1] for key in self.there}
        """Rows that have items, by their keys as compared: as the items name them."""
        self.shared: dict[ItemKey, RaisedItem] = {}
        """Items about codes that several rows tell, as this run has written or counted them so far."""
        self._met: set[ItemKey] = set()
        self._rows_read: set[str] = set()
        self._unnamed: Counter[ItemKind] = Counter()
        self._examples: dict[ItemKind, RaisedItem] = {}
        self.noted = 0
        """How many items this run met, named or only counted."""

    def has(self, kind: ItemKind) -> bool:
        """Say whether the pull as a whole has such an item open."""
        item = self.there.get((str(kind), "", ""))
        return item is not None and item.state == ItemState.OPEN

    def has_any(self, kind: ItemKind) -> bool:
        """Say whether something of a kind was open or dismissed before this run."""
        return any(key[0] == kind for key in self.there)

    def row_named(self, key: str) -> str:
        """Return a row's key as its items have it: it is one row, however its System writes the key today."""
        return self._rows.get(comparable(key), key)

    def concerns_shared_codes(self, merged: Merged) -> bool:
        """Say whether these rows may begin or end a share in a code; if so it is written with them.

        A run that breaks off would forget it.
        """
        asked = {key[1] for key in self.there if key[0] == ItemKind.CODES_TANGLED and key[2]}
        return bool(merged.taken or asked & self._rows_with_items(merged))

    def _rows_with_items(self, merged: Merged) -> set[str]:
        """Return the rows just read that items were about before, as the items name them."""
        read = [*merged.settled, *(tangle.key for tangle in merged.tangles)]
        return {self.row_named(key) for key in read if comparable(key) in self._rows}

    def is_untouched(self, key: ItemKey) -> bool:
        """Say whether this run neither met an item that was there before, nor read its row anew."""
        return key not in self._met and key[1] not in self._rows_read

    def of_rows(self, merged: Merged, now: datetime, shared: Iterable[RaisedItem] = ()) -> Noted:
        """Return what to say about items in the transaction that merges some rows."""
        met = [_value(self.row_named(key), place_id, fault) for key, place_id, fault in merged.faults]
        met += [_tangled(self.row_named(tangle.key), tangle) for tangle in merged.tangles]
        rows_read = self._rows_with_items(merged)
        met += [each for each in shared if self.shared.get(each.key) != each or each.row_key in rows_read]
        return self._noted(met, now, rows_read)

    def of_left_out(self, left_out: Iterable[tuple[str, Fault]], now: datetime) -> Noted:
        """Return what to say about rows that could not be read at all; those without a key are only counted."""
        kind = ItemKind.ROW_LEFT_OUT
        met = [
            RaisedItem(kind, fault.reason, self.row_named(key), params=fault.params, fingerprint=fault.reason)
            for key, fault in left_out
        ]
        return self._noted(met, now)

    def of_run(self, met: Sequence[RaisedItem], solved: Iterable[ItemKey], now: datetime) -> Settling:
        """Return what to say at the end of a run."""
        return Settling(self._flow.system, self._flow.name, now, met, (), {*solved})

    def named(self, found: Iterable[RaisedItem], now: datetime) -> Sequence[RaisedItem]:
        """Return which of those found at the end of a run are named; the others are counted."""
        noted = self._noted(found, now)
        self.keep(noted)
        return noted.settling.met

    def keep(self, noted: Noted) -> None:
        """Count what was written."""
        for met in noted.settling.met:
            self._open[str(met.kind)] += met.key not in self._known
            self._known.add(met.key)
            self._met.add(met.key)
            self._rows.setdefault(comparable(met.row_key), met.row_key)
            self._keep_shared(met)
        self._rows_read.update(noted.settling.rows_read)
        for met in noted.unnamed:
            self._unnamed[met.kind] += met.key not in self.shared
            self._keep_shared(met)
            self._examples.setdefault(met.kind, met)
        self.noted += len(noted.settling.met) + len(noted.unnamed)

    def _keep_shared(self, met: RaisedItem) -> None:
        if met.kind == ItemKind.CODES_TANGLED and met.field:
            self.shared[met.key] = met

    def rest(self, *, is_whole: bool) -> tuple[list[RaisedItem], list[ItemKey]]:
        """Return the items that count what is not named, and those of before that a whole reading did not meet."""
        met = [
            RaisedItem(
                kind,
                "open_item.rest",
                params={"count": count, "reason": self._examples[kind].reason},
                fingerprint="rest",
            )
            for kind, count in self._unnamed.items()
        ]
        # What two rows share is met once only, when the second one comes: the rest stays while there is no room for it.
        full = (kind for kind in MET_ONCE if self._open[kind] >= MOST_NAMED)
        still = {str(kind) for kind in (*PULL_ITEMS, *self._unnamed, *full)}
        return met, [key for key in self.there if is_whole and key[1:] == ("", "") and key[0] not in still]

    def _noted(self, met: Iterable[RaisedItem], now: datetime, rows_read: Iterable[str] = ()) -> Noted:
        named: dict[ItemKey, RaisedItem] = {}
        unnamed: list[RaisedItem] = []
        counts = Counter(self._open)
        for each in met:
            is_known = each.key in self._known or each.key in named
            if each.row_key and (is_known or counts[str(each.kind)] < MOST_NAMED):
                counts[str(each.kind)] += not is_known
                named[each.key] = each
            else:
                unnamed.append(each)
        return Noted(Settling(self._flow.system, self._flow.name, now, [*named.values()], {*rows_read}), unnamed)


def _value(key: str, place_id: str | None, fault: Fault) -> RaisedItem:
    fingerprint = f"{fault.reason}|{fault.value}"[:LONGEST_FINGERPRINT]
    kind = ItemKind.VALUE_NOT_UNDERSTOOD
    return RaisedItem(
        kind, fault.reason, key, fault.field, fault.params, fault.value, place_id, fingerprint=fingerprint
    )


def _tangled(key: str, tangle: Tangle) -> RaisedItem:
    first, second = (*tangle.place_ids, None, None)[:2]
    kind = ItemKind.CODES_TANGLED
    if tangle.kinds:
        params: dict[str, object] = {"kind": tangle.kinds[0]}
        other = "open_item.other_kind"
        return RaisedItem(kind, other, key, params=params, place_id=first, fingerprint=tangle.kinds[0])
    fingerprint = " ".join(each[-12:] for each in tangle.place_ids)[:LONGEST_FINGERPRINT]
    params = {"count": len(tangle.place_ids)}
    return RaisedItem(kind, "open_item.codes_tangled", key, "", params, "", first, second, fingerprint)
