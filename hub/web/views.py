"""Turns loaded rows into what a person may read. Pure: no queries, no clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from hub.catalog import Catalog
from hub.errors import Phrase
from hub.model.delivery import (
    BY_HAND,
    ENDED,
    INTENTS,
    LOST,
    MAY_WAIT,
    NEVER_SENT,
    NOTHING_THERE,
    Attempt,
    Delivery,
    Skip,
    State,
    is_recognised,
    is_unmapped,
)
from hub.model.issue import Issue, IssueState
from hub.model.odd import known, known_word
from hub.model.people import Role, Scope, are_colleagues
from hub.model.submission import Record
from hub.outbox.entry.press import enter_by
from hub.store.query.entries import Aside, Holder
from hub.store.query.views import Loaded
from hub.web import shapes
from hub.web.lens import MENDS_WIRING, SEES_HOLDERS, SEES_VALUES, Lens
from hub.web.notes import track_notes
from hub.web.shapes import Text
from hub.web.withdrawn import mark, may_change, withdrawn_view

DOT = " · "
UNCHANGED = "unchanged"
_REASONED = frozenset({State.PARKED, State.CANCELLED})
_GOES_BY_ITSELF = frozenset({State.WAITING, State.RETRY})


def submission_view(loaded: Loaded, lens: Lens, scope: Scope) -> shapes.SubmissionView:
    """Return one Submission's page."""
    body: dict[str, Any] = orjson.loads(loaded.submission.body) if lens.role in SEES_VALUES else {}
    return shapes.SubmissionView(
        **vars(submission_line(loaded, lens)),
        durable=lens.durable,
        answers=body.get("answers"),
        location=body.get("location"),
        shown=sorted(body.get("seen", {})) if body else None,
        discrepancies=_discrepancies(loaded, lens),
        may=may_change(loaded.submission, scope),
    )


def submission_line(loaded: Loaded, lens: Lens) -> shapes.SubmissionLine:
    """Return one Submission's entry in a list."""
    row, place = loaded.submission, loaded.place
    form = lens.catalog.form(row.form, row.form_version)
    sees_values = lens.role in SEES_VALUES
    return shapes.SubmissionLine(
        id=row.root_id,
        client_id=row.client_id,
        number=row.number,
        form=row.form,
        version=row.form_version,
        title=Text(**form.title) if form else Text(zh=row.form, en=row.form),
        revision=row.revision,
        place=shapes.PlaceMark(id=place.id, name=place.name, kind=place.kind) if place and sees_values else None,
        occurred_at=row.occurred_at,
        reported_at=row.reported_at,
        received_at=row.received_at,
        by=shapes.Author(name=loaded.author) if sees_values else None,
        records=[view for record in loaded.records if (view := _record_view(record, loaded, lens)) is not None],
        withdrawn=withdrawn_view(row, loaded.withdrawer, sees_values=sees_values),
        moved_from=mark(row.moved_from),
    )


def _record_view(record: Record, loaded: Loaded, lens: Lens) -> shapes.RecordView | None:
    """Return a Record and where it went; None for one outside a department's business, or undone before it left."""
    deliveries = latest(row for row in loaded.deliveries if row.record_key == record.key)
    if not deliveries and (record.withdrawn or lens.role is Role.DEPARTMENT_ADMIN):
        return None
    skips = [row for row in loaded.skips if row.record_id == record.id and row.code != UNCHANGED]
    deliveries, skips = sorted(deliveries, key=lens.rank), sorted(skips, key=lens.rank)
    issue = next((row for row in loaded.issues if row.id == record.key), None)
    return shapes.RecordView(
        key=record.key,
        record=record.record,
        title=record_title(record, lens),
        summary=record_summary(record, lens),
        withdrawn=record.withdrawn,
        deliveries=[delivery_view(row, lens, loaded.paused, loaded.ask) for row in deliveries],
        skipped=[] if lens.role is Role.DEPARTMENT_ADMIN else [_skipped(row, lens) for row in skips],
        taker=bool(deliveries),
        issue=_issue_mark(issue, loaded, lens) if issue else None,
        notes=track_notes(record, lens.catalog.messages) if lens.role in SEES_VALUES else [],
    )


def _issue_mark(issue: Issue, loaded: Loaded, lens: Lens) -> shapes.IssueMark:
    assignee = loaded.names.get(issue.assignee_id or "") if lens.role in SEES_VALUES else None
    return shapes.IssueMark(issue.id, known(IssueState, issue.state), assignee, lens.ask(loaded.ask, issue.id))


def latest(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return the newest revision's Delivery of each System and flow; rows come oldest first."""
    return list({(row.system, row.flow): row for row in deliveries}.values())


def record_title(record: Record | Delivery, lens: Lens) -> Text:
    """Return what kind of fact a Record is, also from what is owed of it."""
    kind = lens.catalog.records.get(record.record)
    return Text(**kind.title) if kind else Text(zh=record.record, en=record.record)


def record_summary(record: Record, lens: Lens) -> Text | None:
    """Return one line about a Record from the elements its type names, codes in words; None for who sees no values."""
    kind = lens.catalog.records.get(record.record)
    if kind is None or lens.role not in SEES_VALUES:
        return None
    content = orjson.loads(record.content)
    said = [_worded(lens.catalog, element, content[element]) for element in kind.summary if content.get(element)]
    return Text(zh=DOT.join(words["zh"] for words in said), en=DOT.join(words["en"] for words in said))


def _worded(catalog: Catalog, element_id: str, value: object) -> Mapping[str, str]:
    """Return a value as people read it: a code by its title, anything else as it is."""
    element = catalog.elements.get(element_id)
    codes = catalog.codes.get(element.codes, ()) if element and element.codes else ()
    titles = {code.code: code.title for code in codes}
    return titles.get(str(value), {"zh": str(value), "en": str(value)})


def _skipped(row: Skip, lens: Lens) -> shapes.SkippedView:
    said = Text(zh=row.reason_zh, en=row.reason_en) if row.reason_zh else lens.says("delivery.skipped")
    return shapes.SkippedView(system=row.system, flow=row.flow, title=lens.names(row.system), reason=said)


def _discrepancies(loaded: Loaded, lens: Lens) -> list[shapes.DiscrepancyView]:
    if lens.role not in SEES_VALUES:
        return []
    return [
        shapes.DiscrepancyView(
            element=row.element,
            title=_element_title(row.element, lens),
            system=row.system,
            system_title=lens.names(row.system),
            theirs=row.theirs,
            ours=row.ours,
        )
        for row in loaded.discrepancies
    ]


def _element_title(name: str, lens: Lens) -> Text:
    """Return an element's title; one that is no longer asked keeps its name."""
    element = lens.catalog.elements.get(name)
    return Text(**element.title) if element else Text(zh=name, en=name)


def delivery_view(
    row: Delivery, lens: Lens, paused: Collection[str] = (), ask: Mapping[str, Phrase] = MappingProxyType({})
) -> shapes.DeliveryView:
    """Return one Delivery in words, given the Systems that are paused and whom to ask about what."""
    system = lens.registry.systems.get(row.system)
    ours, is_paused = is_unmapped(row), row.system in paused
    reason = _reason(row, lens, ours=ours)
    return shapes.DeliveryView(
        id=row.id,
        system=row.system,
        title=lens.names(row.system),
        simulated=system is not None and system.simulated,
        flow=row.flow,
        intent=known_word("Intent", INTENTS, row.intent),
        state=known(State, row.state),
        says=_says(row, reason, lens, paused=is_paused),
        number=row.remote_id,
        reason=reason,
        ours=ours,
        attempts=row.attempts,
        due_at=row.due_at,
        transported_at=row.transported_at,
        delivered_at=row.settled_at if row.state == State.DELIVERED else None,
        waits_for=row.after_id if row.state in MAY_WAIT else None,
        repeat=row.repeat,
        revision=row.revision,
        paused=is_paused,
        ask=lens.ask(ask, row.id),
    )


_SENTENCES = {**LOST, NEVER_SENT: "never_sent", NOTHING_THERE: "nothing_there"}
"""Reasons of the hub's own that are told as a sentence of their own."""


def _reason(row: Delivery, lens: Lens, *, ours: bool) -> str:
    """Return why, as far as the reader may know."""
    if ours:
        return row.reason if lens.role in MENDS_WIRING else ""
    return lens.told(row.reason)


def says_key(row: Delivery, reason: str, *, paused: bool = False) -> str:
    """Return which sentence tells how a Delivery stands."""
    if row.state not in ENDED and not is_recognised(row.state, row.intent):
        return "delivery.says.unrecognised"
    if is_unmapped(row):
        return "delivery.says.unmapped" + ("" if reason else "_unexplained")
    if paused and row.state in _GOES_BY_ITSELF:
        return "delivery.says.paused"
    if row.state in _REASONED and row.reason in _SENTENCES:
        return f"delivery.says.{_SENTENCES[row.reason]}"
    unexplained = row.state in _REASONED and not reason
    return f"delivery.says.{_standing(row)}" + ("_unexplained" if unexplained else "")


def _standing(row: Delivery) -> str:
    """Return the word for how a Delivery stands, finer than its state."""
    if row.state == State.WAITING and row.after_id is not None and row.due_at is None:
        return "held"
    if row.state == State.DELIVERED and not row.remote_id:
        return "delivered_unnumbered"
    if row.state == State.UNKNOWN and row.due_at is None:
        return "unknown_stuck"
    return known(State, row.state)


def _says(row: Delivery, reason: str, lens: Lens, *, paused: bool) -> Text:
    key = says_key(row, reason, paused=paused)
    if row.intent == "withdraw":
        key = own if (own := key.replace("says", "withdrawal", 1)) in lens.catalog.messages else key
    said = lens.stands(key, row.system, row.remote_id, reason)
    if row.intent == "create" or "withdrawal" in key:
        return said
    before = lens.says(f"delivery.intent.{known_word('Intent', INTENTS, row.intent)}")
    return Text(zh=before.zh + said.zh, en=before.en + said.en)


@dataclass(frozen=True)
class Eyes:
    """Who looks at Deliveries, and when: what is late and who has it depends on both."""

    lens: Lens
    scope: Scope
    now: datetime
    paused: Collection[str] = ()
    """Systems to which nothing goes at present."""


def delivery_line(row: Delivery, aside: Aside, eyes: Eyes) -> shapes.DeliveryLine:
    """Return one Delivery's entry in a list."""
    until = enter_by(eyes.lens.registry, row.system, row.state, row.created_at)
    return shapes.DeliveryLine(
        **vars(delivery_view(row, eyes.lens, eyes.paused)),
        about=record_title(row, eyes.lens),
        amends=row.amends,
        enter_by=until,
        late=until is not None and until < eyes.now,
        reminded_at=aside.reminded_at,
        taken=_holder_view(aside.holder, eyes.scope) if aside.holder and row.state in BY_HAND else None,
        withdrawn=aside.withdrawn and row.state in BY_HAND,
    )


def _holder_view(holder: Holder, scope: Scope) -> shapes.HolderView:
    is_told = scope.role in SEES_HOLDERS and are_colleagues(holder, scope)
    return shapes.HolderView(
        mine=holder.account_id == scope.account_id, name=holder.name if is_told else None, until=holder.until
    )


def delivery_page(row: Delivery, aside: Aside, attempts: Sequence[Attempt], eyes: Eyes) -> shapes.DeliveryPage:
    """Return one Delivery with its tries; what was sent is for the System's own department alone."""
    lens = eyes.lens
    return shapes.DeliveryPage(
        **vars(delivery_line(row, aside, eyes)),
        record=row.record,
        key=row.key,
        digest=row.digest,
        tries=[_attempt_view(attempt, lens) for attempt in attempts],
        payload=orjson.loads(row.payload) if lens.role is Role.DEPARTMENT_ADMIN and row.payload else None,
    )


def _attempt_view(row: Attempt, lens: Lens) -> shapes.AttemptView:
    return shapes.AttemptView(
        kind="probe" if row.kind == "probe" else "push",
        number=row.number,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        reason=lens.told(row.reason),
    )
