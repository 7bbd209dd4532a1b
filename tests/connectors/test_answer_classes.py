"""Two tables of docs/reliability.md held to the code: every answer at every door, every outcome for every System."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.model.delivery import State
from hub.outbox.attempt import attempt
from hub.outbox.decide.backoff import PATIENCE
from hub.outbox.decide.settle import PAUSING, Claim, Moment, Outcome, Result, settlement
from hub.sdk import Capabilities
from tests.connectors.classes import SCENARIOS, Made
from tests.connectors.system import outgoing
from tests.faults.marks import ROOT

PAGE = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
AT = Moment(NOW, 0.0, NOW - PATIENCE)
CAN = {
    "the key is honoured": Capabilities(honours_key=True),
    "it is not, but can be asked about": Capabilities(honours_key=False, probes=True, probes_changes=True),
    "neither": Capabilities(honours_key=False),
}
PUSH = Claim(
    delivery_id="d", attempt_id="a", kind="push", system="north", flow="visit", record="visit/v1", key="k1:system:1",
    intent="create", payload=b"{}", amends="", attempts=3, before=State.RETRY, repeat=False, created_at=NOW,
)  # fmt: skip
pytestmark = [pytest.mark.case("C60"), pytest.mark.fault("F82")]


def table(name: str) -> dict[str, dict[str, str]]:
    """Return one of the tables: by row, then by column."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- {name}: end -->", PAGE, re.DOTALL)
    assert found is not None
    titles, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in found[1].strip().splitlines())
    return {row[0]: dict(zip(titles[1:], row[1:], strict=True)) for row in rows}


ANSWERS, OUTCOMES = table("answers"), table("outcomes")
CELLS = [(row, door) for row, cells in ANSWERS.items() for door in cells]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("row", "door"), CELLS, ids=[f"{door}-{row}" for row, door in CELLS])
async def test_every_answer_at_every_door(row: str, door: str, tmp_path: Path, postgres_server: str) -> None:
    told = ANSWERS[row][door].strip("`")
    made = SCENARIOS[door].get(row, [])
    assert bool(made) == (told != "–"), "a cell nothing makes happen, or something that is in no cell"
    for number, make in enumerate(made):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert await outcome_of(make, folder, postgres_server) == told


async def outcome_of(make: Made, folder: Path, socket: str) -> str:
    """What the hub takes for the outcome of one push."""
    async with make(folder, socket) as (connector, payload, wait_s):
        flow = "visit" if "fileNumber" in payload else "progress"
        sent = outgoing(flow, payload, PUSH.key)
        claim = replace(PUSH, flow=flow, payload=sent.payload, system=type(connector).__module__)
        return (await attempt(connector, claim, timedelta(seconds=wait_s))).outcome


def test_every_answer_is_in_the_table() -> None:
    assert {row for rows in SCENARIOS.values() for row in rows} == set(ANSWERS)
    assert {name.strip("`") for name in OUTCOMES} == {each.value for each in Outcome if each is not Outcome.ABSENT}


@pytest.mark.parametrize("column", CAN)
@pytest.mark.parametrize("row", OUTCOMES)
def test_every_outcome_for_every_kind_of_system(row: str, column: str) -> None:
    outcome, told = Outcome(row.strip("`")), OUTCOMES[row][column]
    end = settlement(Result(PUSH, outcome, "their words"), CAN[column], AT)
    words = "as it was, no try spent" if outcome is Outcome.MISCONFIGURED else f"`{end.state}`"
    if outcome is Outcome.MISCONFIGURED:
        assert (end.state, end.attempts) == (PUSH.before, PUSH.attempts - 1)
    else:
        assert end.attempts == PUSH.attempts
    words += ", marked" if end.repeat else ""
    words += ", asked about" if end.state in (State.UNKNOWN, State.TRANSPORTED) and end.due_at else ""
    words += ", a person" if end.state is State.UNKNOWN and not end.due_at else ""
    words += "; paused" if outcome in PAUSING else ""
    assert words == told


def test_one_that_honours_keys_and_can_be_asked_is_asked_after_a_doubtful_no() -> None:
    both = Capabilities(honours_key=True, probes=True)
    end = settlement(Result(PUSH, Outcome.DOUBTFUL_NO), both, AT)
    assert (end.state, end.due_at is not None) == (State.UNKNOWN, True)
