"""Holds answers to what a schema cannot say: limits between dates and times, and the days a code is good on. Pure.

The page does the same before it sends (hub/ui/portal/form/check.js); tests/browser/test_checks_alike.py holds both to
one another.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from hub.catalog.contents import Code, Form, Limit
from hub.catalog.verdicts import Document
from hub.clock import BEIJING, civil_day
from hub.errors import FieldFault, Phrase

SLACK = timedelta(minutes=5)
"""How far a phone's clock may be ahead before what it calls now is the future."""


@dataclass(frozen=True)
class When:
    """The moments answers are held to."""

    occurred_at: datetime
    now: datetime
    """The later of when it came and when its author's device says it was sent."""


def check_occurred(form: Form, when: When, today: date | None = None) -> list[FieldFault]:
    """Return what is wrong with the moment it happened: outside the time of the form, or not yet.

    A phone whose clock is wrong must not cost its owner the work: with `today` given, today's licence will do.
    """
    (first, last), day = form.valid, civil_day(when.occurred_at)
    faults = []
    if not (first <= day <= last or (today is not None and form.licensed_on(today))):
        limits = {"first": first.isoformat(), "last": last.isoformat()}
        early = {"other": Phrase("moment.licence"), "limit": limits["first"]}
        late = {"number": form.licence["number"], **limits}
        faults.append(
            FieldFault("/occurred_at", "too_early", early)
            if day < first
            else FieldFault("/occurred_at", "form_not_licensed", late)
        )
    if when.occurred_at > when.now + SLACK:
        faults.append(FieldFault("/occurred_at", "in_future", {"limit": _said(when.now)}))
    return faults


def check_answers(form: Form, answers: Document, when: When) -> list[FieldFault]:
    """Return all that is wrong with answers beyond their schema; what the schema refuses is passed over."""
    faults = [fault for limit in form.limits for fault in _limit_faults(form, limit, answers, when)]
    return faults + [fault for path, dated in form.dated.items() for fault in _code_faults(path, dated, answers, when)]


def _limit_faults(form: Form, limit: Limit, answers: Document, when: When) -> Iterator[FieldFault]:
    for index, path, value in _every(answers, limit.path):
        moment, other = _moment(value), _other(form, limit, index, answers, when)
        if moment is None or other is None:
            continue
        if limit.other == "now" and limit.kind == "not_after":
            if _order(moment, other + SLACK if isinstance(other, datetime) else other) > 0:
                yield FieldFault(path, "in_future", {"limit": _said(other)})
        elif _order(moment, other) * (-1 if limit.kind == "not_before" else 1) > 0:
            code = "too_early" if limit.kind == "not_before" else "too_late"
            yield FieldFault(path, code, {"other": limit.title, "limit": _said(other)})


def _other(form: Form, limit: Limit, index: str, answers: Document, when: When) -> date | datetime | None:
    """Return the moment a limit names; None where it is not answered."""
    if limit.other == "licence":
        return form.valid[0]
    if limit.other in ("now", "occurred_at"):
        return when.now if limit.other == "now" else when.occurred_at
    found = [value for at, _, value in _every(answers, limit.other) if at in (index, "")]
    return _moment(found[0]) if found else None


def _code_faults(path: str, dated: Mapping[str, Code], answers: Document, when: When) -> Iterator[FieldFault]:
    """Find codes that were good neither when it happened nor are today."""
    days = (civil_day(when.occurred_at), civil_day(when.now))
    for _, place, value in _every(answers, path):
        for chosen in value if isinstance(value, list) else [value]:
            code = dated.get(chosen) if isinstance(chosen, str) else None
            if code is None or any(map(code.offered_on, days)):
                continue
            ended = code.valid_to is not None and code.valid_to < days[1]
            limit = code.valid_to if ended and code.valid_to else code.valid_from
            params: dict[str, object] = {"title": code.title, "limit": limit.isoformat()}
            yield FieldFault(place, "code_ended" if ended else "code_not_yet", params)


def _every(answers: Document, pointer: str) -> Iterator[tuple[str, str, Document]]:
    """Yield (item, concrete pointer from `/answers`, value) of every answer at a pointer."""
    head, rest, steps = _steps(pointer)
    found = _below(answers, steps)
    if not rest:
        if found is not None:
            yield "", f"/answers{pointer}", found
        return
    for index, item in enumerate(found if isinstance(found, list) else ()):
        value = _below(item, [rest])
        if value is not None:
            yield str(index), f"/answers{head}/{index}/{rest}", value


@cache
def _steps(pointer: str) -> tuple[str, str, tuple[str, ...]]:
    """Return what is before and after the `*` of a pointer, and the steps before it."""
    head, _, rest = pointer.partition("/*/")
    return head, rest, tuple(head.strip("/").split("/"))


def _below(value: Document, steps: Iterable[str]) -> Document:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _moment(value: Document) -> date | datetime | None:
    """Return a date or an instant; None for what is neither, which the schema has refused."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    except ValueError:
        return None
    return None if isinstance(moment, datetime) and moment.tzinfo is None else moment


def _order(a: date | datetime, b: date | datetime) -> int:
    """Return which is later: instants as they are, days as Beijing counts them where either is only a day."""
    if isinstance(a, datetime) and isinstance(b, datetime):
        return (a > b) - (a < b)
    left, right = _day(a), _day(b)
    return (left > right) - (left < right)


def _day(moment: date | datetime) -> date:
    return civil_day(moment) if isinstance(moment, datetime) else moment


def _said(moment: date | datetime) -> str:
    """Return a moment as a form shows it."""
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}" if isinstance(moment, datetime) else moment.isoformat()
