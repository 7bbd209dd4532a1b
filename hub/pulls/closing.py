"""What is found at the end of a run: rows that vanished, and Places that look like one."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from hub.model.open_item import ItemKind, ItemState
from hub.pulls.items import Items
from hub.pulls.reading import MOST_DESCRIBED, ReadingContext, Tally, end
from hub.pulls.work import PullProvenance
from hub.store import Session
from hub.store.query import pull_rows
from hub.store.query.open_items import ItemKey, RaisedItem
from hub.store.query.pull_rows import PlaceData, Row
from hub.systems import PullFlow

AT_ONCE = 1_000
"""Keys read at once when those that vanished are looked for."""
MOST_NAMESAKES = 2_000
Found = tuple[list[RaisedItem], list[ItemKey]]
"""What is open now, and what no longer is."""
Name = tuple[str, str]
"""Division, and a Place's name as it is compared."""


async def end_vanished(means: ReadingContext, tally: Tally, told: PullProvenance) -> int:
    """End the rows that a complete reading did not bring; return how many."""
    flow, after, ended, is_last = means.flow, "", 0, False
    while not is_last:
        keys = await means.store.read(_keys_after(flow, after))
        is_last = len(keys) < AT_ONCE
        after = keys[-1] if keys else after
        ended += await end(means, [key for key in keys if hash(key) not in tally.seen], told)
        await asyncio.sleep(0)
    return ended


def _keys_after(flow: PullFlow, after: str) -> Callable[[Session], Sequence[str]]:
    return lambda session: pull_rows.keys_after(session, flow.system, flow.name, after, AT_ONCE)


def namesakes(session: Session, flow: PullFlow, items: Items, described: Sequence[PlaceData]) -> Found:
    """Return the Places of this pull that look like one of another System: same name, same division, no code shared.

    A name that two rows of one System have, such as that of a block of flats, tells nothing.
    """
    before = [item for item in items.there.values() if item.kind == ItemKind.PLACES_TO_LINK and item.row_key]
    asked = {str(place) for item in before for place in (item.place_id, item.other_place_id)}
    places = [*pull_rows.places_by_id(session, asked), *described]
    names = {(place.division, place.name_key) for place in places if place.name_key and place.division}
    if len(described) >= MOST_DESCRIBED:
        names |= set(pull_rows.repeated_names(session, MOST_NAMESAKES))
    pairs = (replace(found, row_key=items.row_named(found.row_key)) for found in _pairs(session, flow, names))
    met = {found.key: found for found in pairs}
    solved = [(str(item.kind), item.row_key, item.field) for item in before if item.state == ItemState.OPEN]
    return list(met.values()), [key for key in solved if key not in met]


def _pairs(session: Session, flow: PullFlow, names: Collection[Name]) -> Iterator[RaisedItem]:
    """Yield an item for every two Places of one name, one of this pull, that no System tells apart."""
    alike: dict[tuple[Name, str], list[PlaceData]] = defaultdict(list)
    for place in pull_rows.namesakes(session, names):
        alike[(place.division, place.name_key), place.kind].append(place)
    groups = [group for group in alike.values() if len(group) > 1]
    standing: dict[str, list[Row]] = defaultdict(list)
    for row in pull_rows.rows_at(session, {place.id for group in groups for place in group}):
        standing[row.place_id].append(row)
    for group in groups:
        systems = Counter(system for place in group for system in {row.system for row in standing[place.id]})
        if max(systems.values(), default=0) == 1:
            yield from (met for pair in combinations(group, 2) if (met := _pair(session, flow, pair, standing)))


def _pair(
    session: Session, flow: PullFlow, pair: tuple[PlaceData, ...], standing: dict[str, list[Row]]
) -> RaisedItem | None:
    for place, other in (pair, pair[::-1]):
        mine = [row for row in standing[place.id] if (row.system, row.pull) == (flow.system, flow.name)]
        theirs = standing[other.id]
        if mine and theirs:
            (key,) = [code.code for code in pull_rows.codes_by_key(session, [(flow.system, mine[0].row_key)])] or [""]
            params = {"other": theirs[0].system}
            return RaisedItem(ItemKind.PLACES_TO_LINK, "open_item.places_to_link", key or mine[0].row_key, other.id,
                              params, place_id=place.id, other_place_id=other.id, fingerprint=other.id)  # fmt: skip
    return None
