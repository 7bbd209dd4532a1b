"""How Systems fare, to each no more than is theirs: counts of their own area, words without numbers of people."""

from typing import Any

import pytest
from sqlmodel import Session

from hub.clock import Clock
from hub.model import SystemState
from hub.model.people import Role
from tests.web.conftest import TOWN, Site, let_in, visit

URL = "/api/v1/systems"
BIN = "garbage-scoring"
WHY = {"why": "new secret is in place"}
TOLD = "户 330799 1990 0101 1239 电话 199-0000-0102、１９９００００010２、0579-86000000 重复，单号 S-20260105-7"
BLANKED = "户 … 电话 …、…、… 重复，单号 S-20260105-7"
ASKED = ("household.head_name", "household.phone", "household.member_count", "visit.purpose")
NEWCOMERS = {
    "tom": (Role.OPERATOR, TOWN, ""),
    "ted": (Role.OPERATOR, "330783123000", ""),
    "tia": (Role.DEPARTMENT_ADMIN, TOWN, "agriculture-office"),
    "ben": (Role.DATA_BUREAU, TOWN, ""),
    "far": (Role.OPERATOR, "330702000000", ""),
    "pro": (Role.OPERATOR, "330000000000", ""),
}


@pytest.fixture
async def paused(site: Site, clock: Clock) -> Site:
    """A site with people of a town, a visit here and one in another town, and a System paused in words of its own."""

    def write(session: Session) -> None:
        for login, person in NEWCOMERS.items():
            let_in(session, login, person, "x", clock.now())
        session.add(SystemState(system=BIN, paused_reason=TOLD, paused_at=clock.now()))

    await site.store.write(write)
    ada = await site.client("ada")
    assert (await ada.post("/api/v1/submissions", json=visit(clock))).status_code == 201
    bo = await site.client("bo")
    for _ in range(2):
        far = visit(clock, place="HV-2")
        far["answers"] = {name: far["answers"][name] for name in ASKED} | {"nothing_to_report": True}
        assert (await bo.post("/api/v1/submissions", json=far)).status_code == 201
    return site


async def listed(site: Site, login: str) -> dict[str, dict[str, Any]]:
    answer = await (await site.client(login)).get(URL)
    assert answer.status_code == 200, answer.text
    return {one["system"]: one for one in answer.json()}


@pytest.mark.fault("F88")
@pytest.mark.case("C66")
async def test_counts_are_those_of_ones_own_area(paused: Site) -> None:
    visits = {login: (await listed(paused, login))["household-visit"]["waiting"]
              for login in ("opal", "bea", "pro", "tom", "ted", "ben", "far")}  # fmt: skip
    assert visits == {"opal": 3, "bea": 3, "pro": 3, "tom": 1, "ted": 2, "ben": 1, "far": 0}
    assert {name: one["waiting"] for name, one in (await listed(paused, "tia")).items()} == {BIN: 1}


@pytest.mark.fault("F88")
@pytest.mark.case("C66")
@pytest.mark.parametrize("login", ["opal", "bea", "tom", "dan", "tia"])
async def test_the_reason_of_a_pause_names_nobody(paused: Site, login: str) -> None:
    assert (await listed(paused, login))[BIN]["paused_reason"] == BLANKED


@pytest.mark.fault("F88")
@pytest.mark.case("C66")
@pytest.mark.parametrize("act", ["resume", "pull"])
@pytest.mark.parametrize(
    ("login", "told"),
    [
        ("tom", (403, "system.beyond_reach")),
        ("ted", (403, "system.beyond_reach")),
        ("tia", (403, "system.beyond_reach")),
        ("far", (403, "system.beyond_reach")),
        ("ben", (403, "auth.forbidden")),
        ("wes", (404, "not_found")),
    ],
)
async def test_what_serves_the_county_is_not_for_one_town_to_start(
    paused: Site, act: str, login: str, told: tuple[int, str]
) -> None:
    answer = await (await paused.client(login)).post(f"{URL}/{BIN}/{act}", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == told
    assert (await listed(paused, "opal"))[BIN]["paused_reason"]


@pytest.mark.fault("F88")
@pytest.mark.case("C66")
@pytest.mark.parametrize("login", ["dan", "opal", "pro"])
async def test_who_acts_in_the_county_or_above_it_resumes(paused: Site, login: str) -> None:
    assert (await (await paused.client(login)).post(f"{URL}/{BIN}/resume", json=WHY)).status_code == 204
    assert (await listed(paused, login))[BIN]["paused_reason"] == ""
