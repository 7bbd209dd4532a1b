"""A form is filled for what happened while it was licensed; when it arrives does not matter."""

from dataclasses import replace

import pytest

from hub.errors import Problem
from hub.intake.plan import Rules
from hub.model import Submission
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import Body, County, visit

LAST_MINUTE, TOO_LATE = "2026-11-23T23:59:00+08:00", "2026-11-23T16:00:00Z"
FIRST_MINUTE, TOO_EARLY = "2026-11-01T00:00:00+08:00", "2026-10-31T15:59:59Z"


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    """A county whose visit form is licensed from 1 to 23 November."""
    county = await County(store, clock).settle()
    form = county.catalog.forms["visit", 1]
    short = replace(form, licence=form.licence | {"number": "东表〔2026〕009号", "valid": ["2026-11-01", "2026-11-23"]})
    catalog = replace(county.catalog, forms={**county.catalog.forms, ("visit", 1): short})
    county.intake = replace(county.intake, rules=Rules(catalog, county.registry))
    return county


@pytest.mark.parametrize(("occurred_at", "code", "says"), [
    (TOO_LATE, "form_not_licensed", "这张表（东表〔2026〕009号）只在 2026-11-01 至 2026-11-23 有效"),
    (TOO_EARLY, "too_early", "不能早于这张表的启用日（2026-11-01）"),
])  # fmt: skip
async def test_outside_the_licence_is_refused_with_number_and_dates(
    county: County, clock: HandClock, occurred_at: str, code: str, says: str
) -> None:
    clock.tick(days=1)
    now = clock.now().isoformat()
    with pytest.raises(Problem) as caught:
        await county.submit(visit(occurred_at=occurred_at, reported_at=now, answers={"visit.purpose": "none"}))
    assert caught.value.code == "submission.invalid"
    licence, answer = caught.value.faults
    assert (licence.path, licence.code) == ("/occurred_at", code)
    assert answer.path == "/answers/visit.purpose"
    assert await county.rows(Submission) == []
    assert says in county.catalog.messages.text(f"fault.{code}", "zh", **licence.params)
    assert all(county.catalog.messages.both(f"fault.{code}.remedy", **licence.params).values())


@pytest.mark.fault("F24")
@pytest.mark.parametrize("occurred_at", [FIRST_MINUTE, LAST_MINUTE])
@pytest.mark.parametrize("reported", ["at once", "when it arrives"])
async def test_what_happened_in_time_may_arrive_later_and_be_corrected(
    county: County, clock: HandClock, occurred_at: str, reported: str
) -> None:
    clock.tick(days=40)
    reported_at = occurred_at if reported == "at once" else clock.now().isoformat()
    accepted = await county.submit(visit(occurred_at=occurred_at, reported_at=reported_at))
    assert accepted.created
    corrected = visit(occurred_at=occurred_at, reported_at=reported_at, answers={"visit.purpose": "policy"})
    assert (await county.correct(accepted, corrected)).created


async def test_a_wrong_clock_costs_nobody_the_work_while_the_form_is_licensed(county: County, clock: HandClock) -> None:
    wrong: Body = {"occurred_at": "1970-01-01T00:00:00Z", "reported_at": "1970-01-01T00:05:00Z"}
    assert (await county.submit(visit(**wrong))).created
    clock.tick(days=1)
    with pytest.raises(Problem):
        await county.submit(visit(**wrong))
