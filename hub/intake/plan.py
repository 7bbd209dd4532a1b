"""Plans, pure: all rows a Submission becomes, before the transaction that writes them."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from hub.catalog.contents import Catalog
from hub.catalog.make import Draft, make_records
from hub.intake.arrival import Arrival
from hub.intake.discrepancies import discrepancy_rows
from hub.intake.figures import Around, Fixes, track_figures
from hub.intake.route import Row, delivery_row, map_record, parked_row, skip_row, unmapped_reason
from hub.intake.track import track_digest
from hub.intake.wire import canonical, digest
from hub.intake.world import photos_in
from hub.model.column import child_id, new_id
from hub.model.issue import IssueState
from hub.model.people import Account
from hub.store.query.journal import entry
from hub.store.query.submissions import Bundle
from hub.systems import Registry

RECORD_NAMESPACE = uuid5(NAMESPACE_URL, "https://fillonce.dev/record")


@dataclass(frozen=True)
class Rules:
    """What planning decides by."""

    catalog: Catalog
    registry: Registry


_PLAIN = bytes.maketrans(b"IOL", b"890")


def quotable(submission_id: str) -> str:
    """Return the number people quote: eight letters and digits without the ones easily mixed up."""
    return base64.b32encode(hashlib.sha256(submission_id.encode()).digest()[:5]).translate(_PLAIN).decode()


def submission_row(arrival: Arrival, root_id: str, revision: int, moved_from: str | None = None) -> Row:
    """Return the Submission's own row; `moved_from` is which one it was moved from, if it was."""
    filled, here = arrival.filled, arrival.world.at(arrival.filled.place)
    return {
        "id": arrival.submission_id,
        "account_id": arrival.author.id,
        "client_id": filled.client_id,
        "root_id": root_id,
        "revision": revision,
        "number": quotable(root_id),
        "form": filled.form,
        "form_version": arrival.form.version,
        "place_id": here.place.id if here else None,
        "division": arrival.division,
        "body": arrival.body,
        "digest": digest(arrival.body),
        "occurred_at": filled.occurred_at,
        "reported_at": filled.reported_at,
        "received_at": arrival.received_at,
        "clock_suspect": filled.clock_suspect(arrival.received_at),
        "withdrawn_by": None,
        "withdrawn_why": None,
        "moved_to": None,
        "moved_from": moved_from,
    }


def record_rows(arrival: Arrival, root_id: str, revision: int, rules: Rules) -> list[tuple[Row, dict[str, Any]]]:
    """Return the Records of a Submission: each row with its content as flows see it."""
    envelope = _envelope(arrival)
    drafts = make_records(arrival.form, arrival.filled.answers, envelope)
    made = [_record(arrival, draft, envelope, (root_id, revision), rules) for draft in drafts]
    for position, (row, _) in enumerate(made):
        row["position"] = position
    return made


def _record(
    arrival: Arrival, draft: Draft, envelope: Mapping[str, Any], identity: tuple[str, int], rules: Rules
) -> tuple[Row, dict[str, Any]]:
    root_id, revision = identity
    kind = draft.record.partition("/")[0]
    key = child_id(root_id, UUID(root_id), f"{kind}/{draft.key}")
    here = arrival.world.at(draft.place or arrival.filled.place)
    content = {**envelope, **_with_places(draft.content, arrival)}
    if draft.place is not None:
        content["place"] = here.envelope() if here else None
    content.update(record=draft.record, key=key, revision=revision, nothing_to_report=draft.nothing_to_report)
    for element in arrival.form.tracks:
        if element in draft.content:
            content["track"] = _figures(arrival, element, draft.content[element], key, rules)
    content["photos"] = [photo for element in arrival.form.photo_elements for photo in draft.content.get(element, ())]
    row = {
        "id": child_id(key, RECORD_NAMESPACE, f"{key}/{revision}"),
        "key": key,
        "revision": revision,
        "record": draft.record,
        "submission_id": arrival.submission_id,
        "place_id": here.place.id if here else None,
        "division": arrival.division,
        "occurred_at": arrival.filled.occurred_at,
        "content": canonical({name: _kept(value) for name, value in content.items()}),
        "withdrawn": False,
    }
    return row, content


def _figures(arrival: Arrival, element: str, fixes: Fixes, key: str, rules: Rules) -> dict[str, Any]:
    """Return what the hub reckons of a Record's track; the same track in an earlier revision is no repeat."""
    reckoned = arrival.form.tracks[element]
    here = arrival.world.at(arrival.filled.place)
    shape = here.envelope()["known"].get(reckoned.along) if here else None
    equal = arrival.world.tracks.get(track_digest(fixes, reckoned), ())
    around = Around(shape, [one for one in equal if one.record_key != key])
    return track_figures(fixes, reckoned, around, rules.catalog.messages)


def track_rows(arrival: Arrival, records: Iterable[tuple[Row, Mapping[str, Any]]]) -> list[Row]:
    """Return by what the tracks of these Records are known again."""
    tracks = arrival.form.tracks
    if not tracks:
        return []
    found = [
        (row["key"], track_digest(content[element], tracks[element]))
        for row, content in records
        for element in tracks.keys() & content.keys()
    ]
    of = {"submission_id": arrival.submission_id, "occurred_at": arrival.filled.occurred_at}
    return [{**of, "record_key": key, "digest": digest} for key, digest in found if digest]


def _kept(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value as Records keep it: flows may map what is known of a Place, a Record does not copy it."""
    if isinstance(value, dict) and "known" in value:
        return {name: part for name, part in value.items() if name != "known"}
    return value


def _envelope(arrival: Arrival) -> dict[str, Any]:
    filled, author = arrival.filled, arrival.author
    here = arrival.world.at(filled.place)
    location = filled.location.model_dump(exclude_none=True) if filled.location else {"missing": "not_asked"}
    return {
        "place": here.envelope() if here else None,
        "by": {
            "id": author.id,
            "name": author.name,
            "division": arrival.before.by_division if arrival.before else author.division,
            **_if_given(author),
        },
        "occurred_at": filled.occurred_at.isoformat(),
        "reported_at": filled.reported_at.isoformat(),
        "received_at": arrival.received_at.isoformat(),
        "location": location,
    }  # fmt: skip


def _if_given(author: Account) -> dict[str, str]:
    """Return what not everybody has; left out where empty, so that a flow may require it."""
    given = {"staff_number": author.staff_number, "phone": author.phone}
    return {name: value for name, value in given.items() if value}


def _with_places(content: Mapping[str, Any], arrival: Arrival) -> dict[str, Any]:
    """Return the content with every answered Place as its envelope, so that flows reach its ids."""
    resolved = dict(content)
    for element in arrival.form.place_elements & content.keys():
        known = arrival.world.at(content[element])
        if known is not None:
            resolved[element] = known.envelope()
    return resolved


def issue_rows(arrival: Arrival, row: Row, rules: Rules) -> tuple[list[Row], list[Row]]:
    """Return the Issue a Record opens and its first step, if its type has a life of its own."""
    if not rules.catalog.records[row["record"]].issue:
        return [], []
    now, author = arrival.received_at, arrival.author.id
    issue = {
        "id": row["key"],
        "record": row["record"],
        "submission_id": row["submission_id"],
        "division": row["division"],
        "state": IssueState.REPORTED,
        "reporter_id": author,
        "assignee_id": None,
        "opened_at": now,
        "changed_at": now,
    }
    step = {"id": new_id(), "issue_id": row["key"], "old": "", "new": IssueState.REPORTED, "account_id": author}
    return [issue], [{**step, "note": "", "at": now}]


def photo_rows(arrival: Arrival) -> list[Row]:
    """Return which photos a revision names: they stay for as long as one that does."""
    named = {sha256 for _, sha256 in photos_in(arrival.form, arrival.filled)}
    of = {"submission_id": arrival.submission_id, "account_id": arrival.author.id}
    return [{**of, "sha256": sha256} for sha256 in sorted(named)]


def plan_first(arrival: Arrival, rules: Rules) -> Bundle:
    """Return everything a new Submission becomes."""
    root_id, author, now = arrival.submission_id, arrival.author, arrival.received_at
    bundle = Bundle(submissions=[submission_row(arrival, root_id, 1)], discrepancies=[*discrepancy_rows(arrival)])
    bundle.photos += photo_rows(arrival)
    records = record_rows(arrival, root_id, 1, rules)
    bundle.tracks += track_rows(arrival, records)
    for row, content in records:
        bundle.records.append(row)
        issues, steps = issue_rows(arrival, row, rules)
        bundle.issues += issues
        bundle.issue_steps += steps
        for flow in rules.registry.flows_for(row["record"]):
            mapped = map_record(flow, content)
            if mapped.payload:
                bundle.deliveries.append(delivery_row(row, flow, mapped.payload, author.id, now))
            elif mapped.unmapped is not None:
                reason = unmapped_reason(mapped.unmapped, rules.catalog.messages)
                bundle.deliveries.append(parked_row(row, flow, reason, author.id, now))
            else:
                bundle.skips.append(skip_row(row, flow, mapped, content))
    bundle.journal.append(entry(now, author.id, "submission.accepted", root_id))
    return bundle
