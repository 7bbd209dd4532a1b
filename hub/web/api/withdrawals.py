"""Withdrawals and moves: what one would do, taking a Submission back, filing it at another Place instead."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from hub.intake.move import move
from hub.intake.withdraw import Foreseen, foresee, withdraw
from hub.web.api.submissions import EXAMPLE, REPEATED, Id, lens_of, show
from hub.web.context import Hub
from hub.web.edge import body_of
from hub.web.lens import Lens
from hub.web.problems import documented
from hub.web.security import Filler, demand_json
from hub.web.shapes import ForeseenView, Reason, SubmissionView, WithdrawalForeseen
from hub.web.views import record_title

router = APIRouter(prefix="/submissions", tags=["submissions"])
_MOVING: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Moving"},
                "example": EXAMPLE | {"place": "HH-330799-000124", "why": "走错门了"},
            }
        },
    }
}


@router.get("/{submission_id}/withdrawal", responses=documented(404, 409, 410))
async def foresee_withdrawal(submission_id: Id, caller: Filler, hub: Hub) -> WithdrawalForeseen:
    """Say what a withdrawal would do at this moment, System by System; changes nothing."""
    now = hub.clock.now()
    found = await hub.store.read(lambda s: foresee(s, hub.registry, caller.scope, submission_id, now))
    return _foreseen(found, lens_of(hub, caller))


@router.post(
    "/{submission_id}/withdrawal", status_code=201, dependencies=[Depends(demand_json)],
    responses=REPEATED | documented(404, 409, 410, 507),
)  # fmt: skip
async def withdraw_submission(
    submission_id: Id, asked: Reason, response: Response, caller: Filler, hub: Hub
) -> SubmissionView:
    """Take a Submission back, as its author or a leader of its division: Systems that got something are told."""
    accepted = await withdraw(hub.intake, caller.scope, submission_id, asked.why, caller.proof)
    response.status_code = 201 if accepted.created else 200
    return await show(hub, caller, accepted.submission_id, asks=True)


@router.post(
    "/{submission_id}/move", status_code=201, dependencies=[Depends(demand_json)], openapi_extra=_MOVING,
    responses=REPEATED | documented(404, 409, 410, 507),
)  # fmt: skip
async def move_submission(
    submission_id: Id, request: Request, response: Response, caller: Filler, hub: Hub
) -> SubmissionView:
    """Take back one's own Submission and file it at another Place in one act; shows the one filed."""
    accepted = await move(hub.intake, caller.account, submission_id, await body_of(request), caller.proof)
    response.status_code = 201 if accepted.created else 200
    return await show(hub, caller, accepted.submission_id, asks=True)


def _foreseen(foreseen: Sequence[Foreseen], lens: Lens) -> WithdrawalForeseen:
    """Return what would be done, in the order of the wiring."""
    in_order = sorted(foreseen, key=lambda one: lens.rank(one.delivery))
    return WithdrawalForeseen(systems=[_line(one, lens) for one in in_order])


def _line(one: Foreseen, lens: Lens) -> ForeseenView:
    row, number = one.delivery, one.delivery.remote_id or one.delivery.amends
    numbered = f"withdrawal.will.{one.will}_numbered"
    key = numbered if number and numbered in lens.catalog.messages else f"withdrawal.will.{one.will}"
    return ForeseenView(
        system=row.system,
        title=lens.names(row.system),
        about=record_title(row, lens),
        will=one.will,
        number=number,
        says=lens.stands(key, row.system, number, ""),
    )
