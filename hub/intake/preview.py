"""What a Submission would become if it were sent now: judged and planned like one, and not kept."""

from hub.intake.accept import Intake, Made, arrive, same_form
from hub.intake.plan import plan_first
from hub.model.people import Account


async def preview(intake: Intake, author: Account, form: str, raw: bytes) -> Made | None:
    """Return the rows a body would make, None when it was received before; raises Problem as sending it would."""
    arrival = await arrive(intake, author, raw)
    same_form(arrival.filled, form)
    if arrival.world.earlier is not None:
        return None
    here = arrival.world.at(arrival.filled.place)
    return Made(plan_first(arrival, intake.rules), here.place if here else None)
