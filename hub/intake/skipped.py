"""Looks again at what no System got for want of something about its Place, once more is known of that Place.

A Skip may have been true for a moment only: the reading that would have brought the code had failed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from hub.intake.order import queue_behind
from hub.intake.plan import Rules
from hub.intake.route import Row, delivery_row, map_record
from hub.intake.world import Known
from hub.model.submission import Record
from hub.store import Session
from hub.store.query import deliveries, places, skips, submissions
from hub.store.query.skips import Waiting
from hub.store.query.submissions import Bundle
from hub.systems import Flow

LOOK_BACK = timedelta(days=31)
"""Longer ago than a month nobody waits for it: departments close their month, and a code may be new for good reason."""


def look_again(rules: Rules, session: Session, place_ids: Collection[str], now: datetime) -> set[str]:
    """Plan what can be sent now that more is known of these Places; return the Systems that got something to do."""
    found = skips.waiting_at(session, place_ids, now - LOOK_BACK)
    if not found:
        return set()
    # Only now is anything locked: what was corrected or withdrawn meanwhile is not among them any more.
    skips.hold(session, {one.root_id for one in found})
    found = skips.waiting_at(session, place_ids, now - LOOK_BACK)
    return {row["system"] for row in _plan(rules, session, found, now) if row["due_at"] is not None}


def look_again_at_new(
    rules: Rules, session: Session, root_ids: Collection[str], read: Collection[Known], now: datetime
) -> list[Row]:
    """Plan what Submissions of this transaction can send after all: their Skips wait at Places that were read before.

    Returns the Deliveries they got, none where nothing more is known of these Places than when they were read.
    """
    known = _known(session, {one.place.id for one in read})
    changed = {one.place.id for one in read if known.get(one.place.id) != one.envelope()}
    found = skips.waiting_at(session, changed, now - LOOK_BACK)
    return _plan(rules, session, [one for one in found if one.root_id in root_ids], now)


def _plan(rules: Rules, session: Session, found: Sequence[Waiting], now: datetime) -> list[Row]:
    """Write the Deliveries that Records of these Skips become now, and return them."""
    known = _known(session, {str(one.skip.waits_at) for one in found})
    sent = deliveries.latest_per_flow(session, sorted({one.record.key for one in found}))
    planned: list[tuple[Waiting, Row]] = []
    for one in found:
        flow = _flow(rules, one)
        if flow is None or (one.record.key, flow.system, flow.name) in sent:
            continue
        row = _planned(one, flow, known, now)
        if row is not None:
            planned.append((one, row))
    return _write(session, planned)


def _flow(rules: Rules, waiting: Waiting) -> Flow | None:
    name = (waiting.skip.system, waiting.skip.flow)
    flows = rules.registry.flows_for(waiting.record.record)
    return next((flow for flow in flows if (flow.system, flow.name) == name), None)


def _known(session: Session, place_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return by id what flows see of Places: of one that turned out to be another, that one."""
    there = places.named(session, place_ids).by_id
    ids = {place.id for place in there.values()}
    aliases, told = places.aliases(session, ids), places.snapshots(session, ids)
    return {
        key: Known(place, tuple(aliases[place.id]), tuple(told[place.id])).envelope() for key, place in there.items()
    }


def _planned(waiting: Waiting, flow: Flow, known: Mapping[str, dict[str, Any]], now: datetime) -> Row | None:
    """Return the Delivery a flow makes of a Record now; None where it is still not for it.

    Had the flow taken it as it was, its wiring has changed since, and what was decided then stays.
    """
    content = orjson.loads(waiting.record.content)
    if flow.matches(content):
        return None
    mapped = map_record(flow, {name: _renewed(part, known) for name, part in content.items()})
    if not mapped.payload:
        return None
    return delivery_row(_row(waiting.record), flow, mapped.payload, waiting.account_id, now)


def _renewed(part: object, known: Mapping[str, dict[str, Any]]) -> object:
    return known.get(str(part.get("id")), part) if isinstance(part, dict) and "aliases" in part else part


def _row(record: Record) -> Row:
    return {name: getattr(record, name) for name in ("id", "key", "record", "revision", "division", "place_id")}


def _write(session: Session, planned: Collection[tuple[Waiting, Row]]) -> list[Row]:
    rows = [row for _, row in planned]
    if rows:
        queue_behind(session, rows)
        skips.remove(session, [one.skip for one, _ in planned])
        submissions.insert_bundle(session, Bundle(deliveries=rows))
    return rows
