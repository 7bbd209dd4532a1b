"""What the hub itself cannot express is told as its own fault, to each in their words, never as a department's no."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

from hub.app import load_files
from hub.catalog import Catalog
from hub.model import Account, Alias, Record
from hub.settings import Settings
from hub.store import Store
from hub.systems import Registry
from tests.conftest import HandClock
from tests.some_connectors.county import County
from tests.web.conftest import HOUSE, VILLAGE, Site, open_site, visit

ROOT = Path(__file__).parents[2]
SUBMISSIONS, DELIVERIES = "/api/v1/submissions", "/api/v1/deliveries"
OURS = "本平台的配置有误，这一条还没有发给{system}，已交由管理员处理，不用重填。"


async def sent(site: Site, body: dict[str, Any], login: str = "ada") -> dict[str, Any]:
    answer = await (await site.client(login)).post(SUBMISSIONS, json=body)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def report(clock: HandClock, **changed: object) -> dict[str, Any]:
    answers = {
        "report.title": "屋顶漏雨", "finding.category": "housing", "finding.severity": "urgent",
        "report.detail": "西屋屋顶漏雨。", "finding.housing_type": "leak",
    }  # fmt: skip
    return visit(clock, form="report", place=None, answers=answers) | changed


@pytest.mark.case("C43")
async def test_a_housing_matter_without_a_household_is_left_out_with_a_plain_reason(
    site: Site, clock: HandClock
) -> None:
    view = await sent(site, report(clock))
    (record,) = view["records"]
    assert record["deliveries"] == []
    reasons = {skip["system"]: skip["reason"]["zh"] for skip in record["skipped"]}
    assert "没有写明是哪一户" in reasons["poverty-alleviation"]


@pytest.mark.case("C43")
async def test_a_report_asks_which_household_a_housing_matter_is_about(site: Site, clock: HandClock) -> None:
    ada, now = await site.client("ada"), clock.now()
    form = (await ada.get("/api/v1/forms/report")).json()
    (control,) = [one for one in form["ui"]["elements"] if one["scope"] == "#/properties/finding.household"]
    assert (control["options"]["kind"], control["options"]["optional"]) == ("household", True)
    schema = control["rule"]["condition"]["schema"]
    assert schema["properties"] == {"finding.category": {"const": "housing"}}
    file = Alias(issuer="poverty-alleviation", code="PF-9", place_id=HOUSE, told_by="x", since=now, is_key=True)
    await site.store.write(lambda session: session.add(file))
    body = report(clock, version=form["version"])
    body["answers"] |= {"finding.household": "HV-1"}
    (record,) = (await sent(site, body))["records"]
    assert [one["system"] for one in record["deliveries"]] == ["poverty-alleviation"]
    (row,) = await County(site.store, clock).rows(Record)
    assert (row.place_id, row.division) == (HOUSE, VILLAGE)
    assert orjson.loads(row.content)["place"]["aliases"]["poverty-alleviation"] == "PF-9"
    assert "finding.household" not in orjson.loads(row.content)


@pytest.mark.case("C43")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_answered_place_is_of_the_kind_that_is_asked_for(site: Site, clock: HandClock) -> None:
    ada = await site.client("ada")
    body = report(clock, version=2)
    body["answers"] |= {"finding.household": "SEG-1"}
    answer = await ada.post(SUBMISSIONS, json=body)
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert (fault["path"], fault["code"]) == ("/answers/finding.household", "place_kind")
    assert fault["remedy"]["zh"] == "请选择：住户。"
    inside = visit(clock)
    inside["answers"]["findings"][1]["finding.segment"] = "HV-1"
    answer = await ada.post(SUBMISSIONS, json=inside)
    (fault,) = answer.json()["faults"]
    assert (fault["path"], fault["code"]) == ("/answers/findings/1/finding.segment", "place_kind")


@pytest.mark.case("C43")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_author_without_a_staff_number_is_a_reason_not_a_fault_of_the_wiring(
    site: Site, clock: HandClock
) -> None:
    await site.store.write(
        lambda session: session.connection().execute(
            update(Account).where(col(Account.login) == "ada").values(staff_number="")
        )
    )
    view = await sent(site, visit(clock))
    assert {one["ours"] for record in view["records"] for one in record["deliveries"]} == {False}
    skipped = {skip["system"]: skip["reason"]["zh"] for record in view["records"] for skip in record["skipped"]}
    assert "填报人没有工号" in skipped["household-visit"]
    assert "填报人没有工号" in skipped["river-patrol"]


@pytest.fixture(scope="module")
def short_files(tmp_path_factory: pytest.TempPathFactory, files: tuple[Catalog, Registry]) -> tuple[Catalog, Registry]:
    """The county's wiring with a code taken out of a table: what an administrator forgets."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOUSEHOLD_VISIT_SECRET", "GARBAGE_SCORING_SECRET", "RIVER_PATROL_SECRET",
                     "POVERTY_ALLEVIATION_SECRET"):  # fmt: skip
            patch.setenv(f"HUB_SECRET_{name}", "made-up")
        patch.setenv("HUB_SECRET_POVERTY_ALLEVIATION_HOST_KEY", "ssh-ed25519 AAAA")
        folder = tmp_path_factory.mktemp("short")
        text = (ROOT / "connectors.yaml").read_text(encoding="utf-8")
        assert "    outlet: 排污口\n" in text
        (folder / "connectors.yaml").write_text(text.replace("    outlet: 排污口\n", ""), encoding="utf-8")
        settings = Settings(profile="test", data_dir=folder, connectors_file=folder / "connectors.yaml")
        return load_files(settings)


@pytest.fixture
async def short(
    store: Store, clock: HandClock, settings: Settings, short_files: tuple[Catalog, Registry], password_hash: str
) -> AsyncIterator[Site]:
    async with open_site(store, clock, settings, short_files, password_hash) as made:
        yield made


def rivers(view: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for record in view["records"] for one in record["deliveries"] if one["system"] == "river-patrol"]
    delivery: dict[str, Any] = found
    return delivery


@pytest.mark.case("C43")
@pytest.mark.fault("F68")
async def test_a_mapping_fault_is_told_as_ours_and_its_place_only_to_who_can_mend_it(
    short: Site, clock: HandClock
) -> None:
    made = await sent(short, visit(clock))
    again = (await (await short.client("ada")).get(f"{SUBMISSIONS}/{made['id']}")).json()
    hers = (await (await short.client("lea")).get(f"{SUBMISSIONS}/{made['id']}")).json()
    for view in (made, again, hers):
        told = rivers(view)
        assert (told["state"], told["ours"], told["reason"]) == ("parked", True, "")
        assert told["says"]["zh"] == OURS.format(system="河长制巡河")
        assert "outlet" not in str(told)
        assert "type" not in told["says"]["en"]
    for login in ("wes", "opal"):
        listed = (await (await short.client(login)).get(DELIVERIES, params={"state": "parked"})).json()
        (entry,) = [one for one in listed if one["system"] == "river-patrol"]
        assert entry["reason"] == "代码表 river.type 没有代码 outlet（type）"
        page = (await (await short.client(login)).get(f"{DELIVERIES}/{entry['id']}")).json()
        assert page["reason"] == entry["reason"]
        assert page["says"]["zh"] == (
            "本平台的配置有误，还没有发给河长制巡河：代码表 river.type 没有代码 outlet（type）。"
            "请修改 connectors.yaml 中的对应字段。"
        )
    assert (await (await short.client("dan")).get(DELIVERIES, params={"state": "parked"})).json() == []


@pytest.mark.case("C43")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_correction_that_cannot_be_expressed_is_ours_too(short: Site, clock: HandClock) -> None:
    made = await sent(short, visit(clock))
    body = visit(clock)
    body["answers"]["findings"][1]["finding.description"] = "有污水入河，已拍照"
    ada = await short.client("ada")
    answer = await ada.post(f"{SUBMISSIONS}/{made['id']}/revisions", json=body)
    assert answer.status_code == 201, answer.text
    assert rivers(answer.json())["ours"] is True


@pytest.mark.case("C43")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_the_hub_said_no_to_is_not_called_ours(site: Site, clock: HandClock) -> None:
    view = await sent(site, visit(clock))
    assert {one["ours"] for record in view["records"] for one in record["deliveries"]} == {False}
