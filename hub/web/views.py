"""Turns loaded rows into what a person may read. Pure: no queries, no clock."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from hub.catalog import Catalog
from hub.model.delivery import BY_HAND, INTENTS, LOST, MAY_WAIT, STATES, Attempt, Delivery, Skip, State, is_understood
from hub.model.issue import IssueState
from hub.model.people import Role, Scope, are_colleagues
from hub.model.submission import Record
from hub.outbox.entry.press import enter_by
from hub.store.query.entries import Aside, Holder
from hub.store.query.views import Loaded
from hub.systems import Registry
from hub.web import shapes
from hub.web.shapes import Text

DOT = " · "
SEES_VALUES = frozenset({Role.STAFF, Role.LEADER})
SEES_REASONS = SEES_VALUES | {Role.DEPARTMENT_ADMIN}
"""Others read a System's words with numbers blanked: it may quote what was sent (A25)."""
SEES_HOLDERS = frozenset({Role.DEPARTMENT_ADMIN, Role.OPERATOR})
UNCHANGED = "unchanged"
NOT_UNDERSTOOD: shapes.NotUnderstood = "not_understood"
_REASONED = frozenset({State.PARKED, State.CANCELLED})
_NUMBER = re.compile(r"\d{7,}[Xx]?")


@dataclass(frozen=True)
class Lens:
    """What a view is drawn with: names and words, and whose eyes it is for."""

    catalog: Catalog
    registry: Registry
    role: Role
    durable: bool = True
    """Whether what is answered was flushed before (HUB_DURABILITY)."""

    def rank(self, row: Delivery | Skip) -> tuple[int, str]:
        """Return where a flow stands in the wiring, so that every page lists Systems in one order."""
        return self._ranks.get(row.system, len(self._ranks)), row.flow

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.registry.systems)}

    def names(self, system: str) -> Text:
        """Return a System's title; one no longer wired keeps its name."""
        return self._names.get(system) or Text(zh=system, en=system)

    @cached_property
    def _names(self) -> dict[str, Text]:
        return {name: Text(**system.title) for name, system in self.registry.systems.items()}

    def says(self, key: str, **params: object) -> Text:
        """Return one of our texts."""
        return Text(**self.catalog.messages.both(key, **params))

    def stands(self, key: str, system: str, number: str, reason: str) -> Text:
        """Return how a Delivery stands with a System; what quotes no word of the System's is made once."""
        if number or reason:
            return self.says(key, system=vars(self.names(system)), number=number, reason=reason.rstrip("。."))
        if (key, system) not in self._unquoted:
            self._unquoted[key, system] = self.says(key, system=vars(self.names(system)), number="", reason="")
        return self._unquoted[key, system]

    @cached_property
    def _unquoted(self) -> dict[tuple[str, str], Text]:
        return {}


def submission_view(loaded: Loaded, lens: Lens) -> shapes.SubmissionView:
    """Return one Submission's page."""
    body: dict[str, Any] = orjson.loads(loaded.submission.body) if lens.role in SEES_VALUES else {}
    return shapes.SubmissionView(
        **vars(submission_line(loaded, lens)),
        durable=lens.durable,
        answers=body.get("answers"),
        location=body.get("location"),
        discrepancies=_discrepancies(loaded, lens),
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
        deliveries=[delivery_view(row, lens) for row in deliveries],
        skipped=[] if lens.role is Role.DEPARTMENT_ADMIN else [_skipped(row, lens) for row in skips],
        taker=bool(deliveries),
        issue=shapes.IssueMark(id=issue.id, state=IssueState(issue.state)) if issue else None,
    )


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
            title=Text(**lens.catalog.elements[row.element].title),
            system=row.system,
            system_title=lens.names(row.system),
            theirs=row.theirs,
            ours=row.ours,
        )
        for row in loaded.discrepancies
    ]


def delivery_view(row: Delivery, lens: Lens) -> shapes.DeliveryView:
    """Return one Delivery in words."""
    system = lens.registry.systems.get(row.system)
    reason = row.reason if lens.role in SEES_REASONS else blank_numbers(row.reason)
    return shapes.DeliveryView(
        id=row.id,
        system=row.system,
        title=lens.names(row.system),
        simulated=system is not None and system.simulated,
        flow=row.flow,
        intent=row.intent if row.intent in INTENTS else NOT_UNDERSTOOD,
        state=State(row.state) if row.state in STATES else NOT_UNDERSTOOD,
        says=_says(row, reason, lens),
        number=row.remote_id,
        reason=reason,
        attempts=row.attempts,
        due_at=row.due_at,
        transported_at=row.transported_at,
        delivered_at=row.settled_at if row.state == State.DELIVERED else None,
        waits_for=row.after_id if row.state in MAY_WAIT else None,
        repeat=row.repeat,
        revision=row.revision,
    )


def says_key(row: Delivery, reason: str) -> str:
    """Return which sentence tells how a Delivery stands."""
    if not is_understood(row.state, row.intent):
        return "delivery.says.not_understood"
    if row.state == State.WAITING and row.after_id is not None and row.due_at is None:
        return "delivery.says.held"
    if row.state == State.DELIVERED and not row.remote_id:
        return "delivery.says.delivered_unnumbered"
    if row.state == State.UNKNOWN and row.due_at is None:
        return "delivery.says.unknown_stuck"
    if row.state == State.PARKED and row.reason in LOST:
        return f"delivery.says.{LOST[row.reason]}"
    unexplained = row.state in _REASONED and not reason
    return f"delivery.says.{row.state}" + ("_unexplained" if unexplained else "")


def _says(row: Delivery, reason: str, lens: Lens) -> Text:
    said = lens.stands(says_key(row, reason), row.system, row.remote_id, reason)
    if row.intent == "create" or not is_understood(row.state, row.intent):
        return said
    before = lens.says(f"delivery.intent.{row.intent}")
    return Text(zh=before.zh + said.zh, en=before.en + said.en)


@dataclass(frozen=True)
class Eyes:
    """Who looks at Deliveries, and when: what is late and who has it depends on both."""

    lens: Lens
    scope: Scope
    now: datetime


def delivery_line(row: Delivery, aside: Aside, eyes: Eyes) -> shapes.DeliveryLine:
    """Return one Delivery's entry in a list."""
    until = enter_by(eyes.lens.registry, row.system, row.state, row.created_at)
    return shapes.DeliveryLine(
        **vars(delivery_view(row, eyes.lens)),
        about=record_title(row, eyes.lens),
        amends=row.amends,
        enter_by=until,
        late=until is not None and until < eyes.now,
        reminded_at=aside.reminded_at,
        taken=_holder_view(aside.holder, eyes.scope) if aside.holder and row.state in BY_HAND else None,
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


def blank_numbers(reason: str) -> str:
    """Return a System's words without what could be an id number, a phone or a bank card."""
    return _NUMBER.sub("…", reason)


def _attempt_view(row: Attempt, lens: Lens) -> shapes.AttemptView:
    return shapes.AttemptView(
        kind="probe" if row.kind == "probe" else "push",
        number=row.number,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        reason=row.reason if lens.role in SEES_REASONS else blank_numbers(row.reason),
    )
