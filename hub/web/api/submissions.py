"""Submissions: send one, correct one, see what became of it. Judging them is intake's."""

from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from hub.erasure.erase import Deed, erase, gone
from hub.errors import Phrase, Problem
from hub.intake.accept import Accepted, accept
from hub.intake.revise import revise
from hub.store import Session
from hub.store.query import views as rows
from hub.store.query.lists import Viewer, Window
from hub.web.context import Hub, Parts
from hub.web.edge import body_of
from hub.web.lens import SEES_VALUES, Lens
from hub.web.problems import documented
from hub.web.security import FILLER, SHOWN, Caller, Filler, Operator, SignedIn, demand_json, recognised, signed_in
from hub.web.shapes import Erased, Reason, SubmissionLine, SubmissionView, Uuid
from hub.web.views import submission_line, submission_view
from hub.web.whom import leaders, settlers

router = APIRouter(prefix="/submissions", tags=["submissions"])
Id = Annotated[Uuid, Path()]
EXAMPLE = {
    "id": "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11",
    "form": "visit",
    "version": 1,
    "place": "HH-330799-000123",
    "occurred_at": "2026-01-05T09:12:00+08:00",
    "reported_at": "2026-01-05T09:20:00+08:00",
    "location": {"missing": "not_asked"},
    "answers": {"visit.purpose": "care"},
    "seen": {},
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Filled"}, "example": EXAMPLE}},
    }
}


REPEATED: dict[int | str, dict[str, Any]] = {
    200: {"description": "received before, with the same content", "model": SubmissionView}
}


async def windowed(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Uuid | None, Query(description="id of the last one of the page before")] = None,
) -> Window:
    """Return which part of a list is asked for."""
    return Window(limit, after or "")


Windowed = Annotated[Window, Depends(windowed)]


async def submit(request: Request) -> Response:
    """Send a filled form; sending the same again gives the same answer, other content under the same id a 409."""
    # Asks for what it needs itself: the edge calls it past the framework, which would take as long as all the rest.
    hub: Parts = request.app.state.parts
    await demand_json(request)
    caller = await FILLER(await signed_in(await recognised(request, hub)), hub)
    accepted = await accept(hub.intake, caller.account, await body_of(request), caller.proof)
    view = await _view_accepted(hub, caller, accepted)
    return Response(
        orjson.dumps(view, option=orjson.OPT_UTC_Z), 201 if accepted.created else 200, media_type="application/json"
    )


router.add_api_route(
    "", submit, methods=["POST"], status_code=201, response_model=SubmissionView, dependencies=SHOWN,
    openapi_extra=BODY, responses=REPEATED | documented(409, 410, 507),
)  # fmt: skip


@router.post(
    "/{submission_id}/revisions", status_code=201, dependencies=[Depends(demand_json)], openapi_extra=BODY,
    responses=REPEATED | documented(404, 409, 410, 507),
)  # fmt: skip
async def correct(submission_id: Id, request: Request, response: Response, caller: Filler, hub: Hub) -> SubmissionView:
    """Correct one's own Submission; only Systems that got a changed field are told."""
    accepted = await revise(hub.intake, caller.account, submission_id, await request.body(), caller.proof)
    if not accepted.created:
        response.status_code = 200
    return await show(hub, caller, accepted.submission_id, asks=True)


async def _view_accepted(hub: Parts, caller: Caller, accepted: Accepted) -> SubmissionView:
    if accepted.made is not None:
        loaded = rows.fresh(accepted.made.bundle, caller.account.name, accepted.made.place)
        return submission_view(loaded, lens_of(hub, caller), caller.scope)
    # The same answer as the first time, which was made without looking anything up.
    return await show(hub, caller, accepted.submission_id)


@router.get("")
async def list_submissions(
    caller: SignedIn,
    hub: Hub,
    window: Windowed,
    *,
    mine: Annotated[bool, Query(description="only what I filled myself")] = False,
) -> list[SubmissionLine]:
    """List Submissions within my scope, the latest first."""
    viewer = viewer_of(hub, caller)
    loaded = await hub.store.read(lambda session: rows.submissions(session, viewer, window, mine=mine))
    return [submission_line(one, lens_of(hub, caller)) for one in loaded]


@router.get("/{submission_id}", responses=documented(404, 410))
async def show_submission(submission_id: Id, caller: SignedIn, hub: Hub) -> SubmissionView:
    """Show a Submission, what became of it, and whom to ask about what waits for a person."""
    return await show(hub, caller, submission_id, asks=True)


@router.post(
    "/{submission_id}/erasure", dependencies=[Depends(demand_json)], responses=documented(404, 409, 410)
)  # fmt: skip
async def erase_submission(submission_id: Id, asked: Reason, caller: Operator, hub: Hub) -> Erased:
    """Erase a Submission and all that was made of it, for good; refused while anything of it is open."""
    viewer, deed = viewer_of(hub, caller), Deed(caller.account.id, asked.why, hub.clock.now())

    def write(session: Session) -> dict[str, int]:
        if not rows.may_see_submission(session, viewer, submission_id):
            raise Problem("not_found", 404)
        return erase(session, submission_id, deed)

    return Erased(rows=await hub.write(caller.proof, write))


async def show(hub: Parts, caller: Caller, submission_id: str, *, asks: bool = False) -> SubmissionView:
    """Return the page of a Submission the caller may see, else raise Problem; `asks` looks up whom to ask, too."""
    viewer = viewer_of(hub, caller)

    def look(session: Session) -> rows.Loaded | None:
        found = rows.submission(session, viewer, submission_id)
        if found is None or not asks or caller.scope.role not in SEES_VALUES:
            return found
        return replace(found, ask=_whom(session, hub, found))

    loaded = await hub.store.read(look)
    if loaded is None:
        raise Problem("not_found", 404)
    if loaded.submission.erased_at is not None:
        raise gone(loaded.submission.erased_at)
    return submission_view(loaded, lens_of(hub, caller), caller.scope)


def _whom(session: Session, hub: Parts, found: rows.Loaded) -> dict[str, Phrase]:
    """Return whom to ask about what waits for a person; an Issue that went to a System is told there."""
    taken = {row.record_key for row in found.deliveries}
    untaken = [issue for issue in found.issues if issue.id not in taken]
    return settlers(session, found.deliveries, hub.registry) | leaders(session, untaken)


def viewer_of(hub: Parts, caller: Caller) -> Viewer:
    """Return on whose behalf rows are loaded."""
    return Viewer(caller.scope, caller.owned(hub.registry))


def lens_of(hub: Parts, caller: Caller) -> Lens:
    """Return what the caller's views are drawn with."""
    role = caller.scope.role
    if role not in hub.lenses:
        hub.lenses[role] = Lens(hub.catalog, hub.registry, role, hub.settings.durability == "full")
    return hub.lenses[role]
