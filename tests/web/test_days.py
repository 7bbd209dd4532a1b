"""What is valid is asked with today's day in Beijing, request by request: the hub is never started anew for it."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.catalog import Catalog, load_catalog
from hub.settings import Settings
from hub.store import Store
from hub.systems import Registry
from tests.conftest import HandClock
from tests.web.conftest import Site, open_site, visit

ROOT = Path(__file__).parents[2]
FORMS, SUBMISSIONS = "/api/v1/forms", "/api/v1/submissions"
LAST_OF_NOVEMBER = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)
"""One minute before midnight in Beijing."""
EDITS = {
    "schemas/codes/visit_purpose.csv": {
        "Safety check,2026-01-01,": "Safety check,2026-01-01,2026-11-30",
        "Follow-up,2026-01-01,": "Follow-up,2026-12-01,",
    },
    "schemas/codes/finding_category.csv": {"Hazard,2026-01-01,": "Hazard,2026-01-01,2026-11-30"},
    "forms/check_in/v1.yaml": {
        "zh: 到点工作": "zh: 应急值守签到",
        "makes:": "exception:\n  feature: checkin\n  scene: emergency\n  legal_basis: {zh: 汛期, en: Floods}\n"
        '  approver: 大数据局 周明\n  expires_on: "2026-11-30"\nmakes:',
    },
}


@pytest.fixture(scope="module")
def dated_files(tmp_path_factory: pytest.TempPathFactory, files: tuple[Catalog, Registry]) -> tuple[Catalog, Registry]:
    """The county's forms, with codes and an exception that end or begin at the turn of November."""
    home = tmp_path_factory.mktemp("dated")
    for folder in ("forms", "schemas"):
        shutil.copytree(ROOT / folder, home / folder, ignore=shutil.ignore_patterns("released.sha256"))
    for file, changes in EDITS.items():
        text = (home / file).read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text, f"{file} no longer has {old!r}"
            text = text.replace(old, new, 1)
        (home / file).write_text(text, encoding="utf-8")
    return load_catalog(home), files[1]


@pytest.fixture
async def dated(
    store: Store, clock: HandClock, settings: Settings, dated_files: tuple[Catalog, Registry], password_hash: str
) -> AsyncIterator[Site]:
    """A hub that is started on the last of November and runs on."""
    clock.at = LAST_OF_NOVEMBER
    async with open_site(store, clock, settings, dated_files, password_hash) as made:
        yield made


async def offered(site: Site, **query: str) -> list[str]:
    view = (await (await site.program("ada")).get(f"{FORMS}/visit", params=query)).json()
    (control,) = [one for one in view["ui"]["elements"] if one["scope"] == "#/properties/visit.purpose"]
    codes = [code["code"] for code in control["options"]["codes"]]
    assert [code["code"] for code in view["codes"]["visit_purpose"]] == codes
    return codes


def with_purpose(clock: HandClock, purpose: str, **changed: object) -> dict[str, Any]:
    body = visit(clock, **changed)
    return body | {"answers": body["answers"] | {"visit.purpose": purpose}}


async def send(site: Site, body: dict[str, Any], path: str = SUBMISSIONS) -> list[tuple[str, str]]:
    """Send a body; return what is wrong with it, nothing when it is taken."""
    answer = await (await site.program("ada")).post(path, json=body)
    if answer.status_code == 201:
        return []
    assert answer.status_code == 422, answer.text
    assert all(fault["message"]["zh"] and fault["remedy"]["zh"] for fault in answer.json()["faults"])
    return [(fault["path"], fault["code"]) for fault in answer.json()["faults"]]


ALWAYS = ["care", "policy", "mediation"]
PURPOSE = "/answers/visit.purpose"


@pytest.mark.case("C47")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_code_is_offered_from_its_first_to_its_last_day_in_beijing(dated: Site, clock: HandClock) -> None:
    assert await offered(dated) == [*ALWAYS, "safety"]
    clock.tick(minutes=1)
    assert await offered(dated) == [*ALWAYS, "follow_up"]
    assert await offered(dated, on="2026-11-30") == [*ALWAYS, "safety", "follow_up"]
    for day in ("0", "1764547200", "2026-11-30T00:00:00Z", "20261130", "x"):
        answer = await (await dated.program("ada")).get(f"{FORMS}/visit", params={"on": day})
        assert answer.status_code == 422, day


@pytest.mark.case("C47")
@pytest.mark.fault("F24")
async def test_a_code_is_taken_for_what_happened_while_it_was_valid(dated: Site, clock: HandClock) -> None:
    before = clock.now().isoformat()
    assert await send(dated, with_purpose(clock, "follow_up")) == [(PURPOSE, "code_not_yet")]
    earlier = with_purpose(clock, "safety")
    assert await send(dated, earlier) == []
    clock.tick(days=5)
    assert await send(dated, with_purpose(clock, "safety")) == [(PURPOSE, "code_ended")]
    assert await send(dated, with_purpose(clock, "safety", occurred_at=before)) == []
    assert await send(dated, with_purpose(clock, "follow_up")) == []
    assert await send(dated, with_purpose(clock, "follow_up", occurred_at=before)) == []
    mine = (await (await dated.program("ada")).get(SUBMISSIONS, params={"mine": "true"})).json()
    root = next(line["id"] for line in mine if line["client_id"] == earlier["id"])
    corrected = with_purpose(clock, "safety", occurred_at=before)
    assert await send(dated, corrected, f"{SUBMISSIONS}/{root}/revisions") == []


@pytest.mark.case("C47")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_codes_inside_a_finding_end_too(dated: Site, clock: HandClock) -> None:
    body = with_purpose(clock, "care")
    body["answers"]["findings"][0]["finding.category"] = "hazard"
    assert await send(dated, body) == []
    clock.tick(days=1)
    again = visit(clock) | {"answers": body["answers"]}
    assert await send(dated, again) == [("/answers/findings/0/finding.category", "code_ended")]


@pytest.mark.case("C47")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_form_is_offered_until_its_exception_ends(dated: Site, clock: HandClock) -> None:
    ada = await dated.program("ada")
    before = clock.now().isoformat()

    async def names() -> set[str]:
        return {form["form"] for form in (await ada.get(FORMS)).json()}

    assert "check_in" in await names()
    clock.tick(minutes=1)
    assert "check_in" not in await names()
    assert (await ada.get(f"{FORMS}/check_in")).json()["licensed"] is False
    body = visit(clock, form="check_in", place=None, answers={"check_in.purpose": "duty"})
    assert await send(dated, body) == [("/occurred_at", "form_not_licensed")]
    assert await send(dated, body | {"occurred_at": before}) == []
