"""Forms as the portal renders them, and what is known already for one at a Place."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BeforeValidator, Field

from hub.catalog.contents import Code, Form
from hub.clock import civil_day
from hub.errors import Problem
from hub.intake.preview import preview
from hub.prefill import Offer, Opinion, offer
from hub.store.query import places
from hub.store.query import views as rows
from hub.systems import Registry
from hub.web.api.places import PlaceView, found_place
from hub.web.api.submissions import BODY, lens_of
from hub.web.context import Hub, Parts
from hub.web.edge import body_of
from hub.web.problems import documented
from hub.web.security import Filler, SignedIn, demand_json
from hub.web.shapes import PLAIN, RecordView, Reference, SkippedView, Text, View
from hub.web.untaken import untaken
from hub.web.views import submission_view

router = APIRouter(prefix="/forms", tags=["forms"])
Name = Annotated[str, Path(max_length=80, pattern=PLAIN, examples=["visit"])]
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Version = Annotated[int | None, Query(ge=1, le=2**31)]


def _written_out(value: object) -> object:
    """Refuse a day in any other form than the standard's; a bare number would be taken for days since 1970."""
    if isinstance(value, str) and not DAY.fullmatch(value):
        raise ValueError("a day is written 2026-11-30")
    return value


On = Annotated[
    date | None,
    BeforeValidator(_written_out),
    Query(description="when it happened, for a draft or a correction: codes that were valid then are offered too"),
]


class FormLine(View):
    """A form in a list."""

    form: str = Field(examples=["visit"])
    version: int
    title: Text
    at: str | None
    licence: dict[str, Any]


class LimitView(View):
    """How a date or time stands to another one; the hub holds answers to it beside the schema."""

    path: str = Field(examples=["/patrol.ended_at"])
    kind: Literal["not_before", "not_after"]
    other: str = Field(description="a pointer, or occurred_at, licence, now", examples=["/patrol.started_at"])
    title: Text


class Term(View):
    """From when to when a code is good, both days included."""

    title: Text
    first: date
    last: date | None


class FormView(FormLine):
    """A form compiled: JSON Schema of the answers and a JSON-Forms-shaped UI schema."""

    schema_: dict[str, Any] = Field(alias="schema")
    ui: dict[str, Any]
    help: Text
    examples: list[dict[str, Any]]
    codes: dict[str, list[dict[str, Any]]] = Field(description="what its questions offer today, by code set")
    limits: list[LimitView]
    dated: dict[str, dict[str, Term]] = Field(description="codes that are good for a time only, by question")
    exception: dict[str, Any] | None
    licensed: bool = Field(description="whether the licence covers today; without it nothing new can be filled")
    untaken: list[str] = Field(description="elements whose answers no System gets", examples=[["visit.photos"]])


class Source(View):
    """The System a value came from."""

    system: str
    title: Text


class OpinionView(View):
    """A value with its source and date."""

    value: Any
    source: Source
    as_of: datetime


class OfferView(OpinionView):
    """A known value for a question; `fresh` ones need one tap only."""

    path: str = Field(examples=["/household.head_name"])
    element: str
    authority: bool
    fresh: bool
    others: list[OpinionView]


class PrefillView(View):
    """What is known of a Place for a form."""

    place: PlaceView
    licensed: bool
    values: list[OfferView]


class PreviewLine(View):
    """One fact a filled form would become, and who would get it."""

    title: Text
    summary: Text | None
    systems: list[Text] = Field(description="the Systems that would get it; none: it stays here")
    skipped: list[SkippedView]


class PreviewView(View):
    """What a filled form would become if it were sent now."""

    records: list[PreviewLine]


@router.get("")
async def list_forms(_caller: SignedIn, hub: Hub) -> list[FormLine]:
    """List the forms that may be filled today, each in its newest version licensed today."""
    return [FormLine(**_line(form)) for form in hub.catalog.offered_forms(_today(hub))]


@router.get("/{form}", responses=documented(404))
async def show_form(form: Name, _caller: SignedIn, hub: Hub, version: Version = None, on: On = None) -> FormView:
    """Show one form, the version to fill today unless one is named; also one whose licence ended."""
    found = _form(hub, form, version)
    return view_of(found, untaken(found, hub.registry), _today(hub), on)


@router.get("/{form}/prefill", responses=documented(404))
async def prefill(
    form: Name, place: Annotated[Reference, Query()], caller: Filler, hub: Hub, version: Version = None
) -> PrefillView:
    """Say what is known already for a form at a Place, each value with its source and date."""
    wanted = _form(hub, form, version)
    here = await found_place(hub, caller.scope, place)
    known = await hub.store.read(lambda session: places.snapshots(session, [here.id])[here.id])
    offers = offer(hub.catalog, hub.registry, wanted, known, hub.clock.now())
    values = [_offer_view(one, hub.registry) for one in offers]
    return PrefillView(place=here, values=values, licensed=wanted.licensed_on(_today(hub)))


@router.post("/{form}/preview", dependencies=[Depends(demand_json)], openapi_extra=BODY)
async def preview_form(form: Name, request: Request, caller: Filler, hub: Hub) -> PreviewView:
    """Say which Systems would get a filled form, and keep nothing; of one received before there is nothing to say."""
    made = await preview(hub.intake, caller.account, form, await body_of(request))
    if made is None:
        return PreviewView(records=[])
    loaded = rows.fresh(made.bundle, caller.account.name, made.place)
    view = submission_view(loaded, lens_of(hub, caller), caller.scope)
    return PreviewView(records=[_preview_line(one) for one in view.records])


def _preview_line(record: RecordView) -> PreviewLine:
    systems = [delivery.title for delivery in record.deliveries]
    return PreviewLine(title=record.title, summary=record.summary, systems=systems, skipped=record.skipped)


def view_of(form: Form, kept_here: list[str], today: date, on: date | None = None) -> FormView:
    """Return a form as the page gets it today, for what happened on another day perhaps."""
    return FormView(
        **_line(form),
        **{name: getattr(form, name) for name in ("schema", "help", "examples", "exception")},
        **vars(form.served(today) if on in (None, today) else form.served(today, on)),
        limits=[LimitView(**vars(limit) | {"title": Text(**limit.title)}) for limit in form.limits],
        dated={path: {name: _term(code) for name, code in codes.items()} for path, codes in form.dated.items()},
        licensed=form.licensed_on(today),
        untaken=kept_here,
    )


def _term(code: Code) -> Term:
    return Term(title=Text(**code.title), first=code.valid_from, last=code.valid_to)


def _today(hub: Parts) -> date:
    return civil_day(hub.clock.now())


def _form(hub: Parts, form: str, version: int | None) -> Form:
    found = hub.catalog.form(form, version) if version else hub.catalog.form_on(form, _today(hub))
    if found is None:
        raise Problem("not_found", 404)
    return found


def _line(form: Form) -> dict[str, Any]:
    return {name: getattr(form, name) for name in ("form", "version", "title", "at", "licence")}


def _offer_view(one: Offer, registry: Registry) -> OfferView:
    return OfferView(
        path=one.path,
        element=one.element,
        authority=one.best.authority,
        fresh=one.fresh,
        others=[OpinionView(**_opinion(other, registry)) for other in one.others],
        **_opinion(one.best, registry),
    )


def _opinion(opinion: Opinion, registry: Registry) -> dict[str, Any]:
    known = registry.systems.get(opinion.system)
    title = known.title if known else {"zh": opinion.system, "en": opinion.system}
    source = Source(system=opinion.system, title=Text(**title))
    return {"value": opinion.value, "source": source, "as_of": opinion.as_of}
