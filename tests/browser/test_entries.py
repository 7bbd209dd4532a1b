"""Entries by hand on the page: take, enter, confirm; who has one is seen, and an open page keeps what it took."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.fake_county import SYSTEMS
from tests.browser.fake_forms import Json, words
from tests.browser.stage import SIZES, Stage, require_no_barrier

AT_BOTH = pytest.mark.parametrize("stage", SIZES, indirect=True)
FIELDS = {"segmentCode": "R-104-07", "category": "污水入河", "description": "桥下有污水直排入河。"}


def moment(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def entry(key: str, **more: object) -> Json:
    plain = {
        "id": key, "system": "river-patrol", "title": SYSTEMS["river-patrol"], "simulated": True, "flow": "finding",
        "intent": "amend", "state": "manual", "number": "", "reason": "已结案的不再接受更正", "attempts": 0,
        "revision": 2, "says": words("更正：河长通不能自动接收，需要人工录入后确认。", "By hand."), "late": False,
        "enter_by": moment(days=1), "reminded_at": None, "taken": None, "amends": "SX2026000001", "payload": FIELDS,
        "about": words("发现的问题", "Finding"),
        "until": moment(minutes=30), "takes": 0, "waits_for": None,
    }  # fmt: skip
    return plain | more


@pytest.fixture
def settler(stage: Stage) -> Stage:
    """The water bureau's administrator, with one entry that is late and one a colleague has."""
    stage.world.role = "department_admin"
    late = entry("late", late=True, enter_by=moment(days=-1), reminded_at=moment(hours=-20))
    hers = entry("hers", taken={"mine": False, "name": "何静", "until": moment(minutes=12)})
    stage.world.entries = {"late": late, "hers": hers, "free": entry("free")}
    stage.page.goto(stage.base)
    stage.page.get_by_label("账号").fill("hejing")
    stage.page.get_by_label("密码").fill("demo")
    stage.page.get_by_role("button", name="登录").click()
    stage.page.get_by_role("link", name="人工录入").click()
    stage.page.get_by_role("heading", name="人工录入").wait_for()
    return stage


def open_entry(stage: Stage, key: str) -> Page:
    stage.page.goto(f"{stage.base}/entries/{key}")
    stage.page.get_by_role("heading", name="河长通", exact=True).wait_for()
    return stage.page


@pytest.mark.case("C46")
def test_what_is_to_be_taken_back_is_not_told_in_words_of_entering(settler: Stage) -> None:
    back = entry("back", intent="withdraw", reason="走错门了", late=True, enter_by=moment(days=-1))
    settler.world.entries = {"back": back, "back2": entry("back2", intent="withdraw")}
    page = settler.page
    page.reload()
    rows = page.get_by_role("main").get_by_role("listitem")
    expect(rows.nth(0)).to_contain_text(re.compile("应在 .*前撤回"))
    expect(rows.nth(1)).to_contain_text(re.compile(" 前撤回"))
    page = open_entry(settler, "back")
    expect(page.get_by_text("原因：走错门了")).to_be_visible()
    page.get_by_role("button", name="领取").click()
    expect(page.get_by_label("对方系统里的编号")).to_have_value("SX2026000001")
    expect(page.get_by_text("要撤回的就是这一条，请核对编号。")).to_be_visible()
    expect(page.get_by_label("说明")).to_have_value("已人工撤回")
    expect(page.get_by_role("main")).not_to_contain_text("对方系统给的编号")
    require_no_barrier(page)
    page.get_by_role("button", name="确认已撤回").click()
    expect(page.get_by_role("button", name="确认已撤回")).to_have_count(0)


@AT_BOTH
def test_it_is_taken_entered_and_confirmed(settler: Stage) -> None:
    page = settler.page
    expect(page.get_by_text("有 1 份已经超时，请先办。")).to_be_visible()
    rows = page.get_by_role("main").get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("何静在录")
    expect(rows.nth(2)).to_contain_text("发现的问题 SX2026000001")
    require_no_barrier(page)
    page.get_by_role("button", name="已超时").click()
    expect(rows).to_have_count(1)
    rows.first.get_by_role("link").click()
    expect(page.get_by_text("已经超时")).to_be_visible()
    expect(page.get_by_text("SX2026000001")).to_be_visible()
    for value in FIELDS.values():
        expect(page.get_by_text(value)).to_be_visible()
    require_no_barrier(page)
    page.get_by_role("button", name="领取").click()
    expect(page.get_by_text("您已领取，到")).to_be_visible()
    require_no_barrier(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("对方系统里的编号").fill("SX2026000009")
    page.get_by_role("button", name="确认已录入").click()
    expect(page.get_by_role("heading", name="河长通已接收，编号 SX2026000009。")).to_be_visible()
    expect(page.get_by_role("button", name="领取")).to_have_count(0)
    assert settler.world.entries["late"]["number"] == "SX2026000009"
    page.get_by_role("button", name="返回").click()
    expect(rows).to_have_count(2)


def test_what_a_colleague_has_is_neither_taken_nor_confirmed(settler: Stage) -> None:
    page = open_entry(settler, "hers")
    expect(page.get_by_text("何静已领取，到")).to_contain_text("请不要重复办理")
    for name in ("领取", "交还", "确认已录入"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_of_another_office_no_name_is_told(settler: Stage) -> None:
    settler.world.entries["hers"]["taken"]["name"] = None
    page = open_entry(settler, "hers")
    expect(page.get_by_text("别的单位有人已领取，到")).to_be_visible()
    page.get_by_role("button", name="返回").click()
    expect(page.get_by_text("别的单位有人在录")).to_be_visible()


def test_one_whose_turn_has_not_come_leads_to_what_it_waits_for(settler: Stage) -> None:
    settler.world.entries |= {
        "next": entry("next", revision=3, waits_for="first"),
        "first": entry("first", state="retry", says=words("暂时联系不上河长通，稍后自动再送。", "Will retry.")),
    }
    page = open_entry(settler, "next")
    expect(page.get_by_text("先前的一版还没有结果，现在不能录入")).to_be_visible()
    for name in ("领取", "交还", "确认已录入"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    require_no_barrier(page)
    page.get_by_role("link", name="看先前的一版").click()
    expect(page.get_by_text("暂时联系不上河长通，稍后自动再送。")).to_be_visible()
    page.get_by_role("link", name="人工录入").click()
    expect(page.get_by_role("main").get_by_role("listitem").last).to_contain_text("等先前一版")


def test_given_back_it_is_free(settler: Stage) -> None:
    page = open_entry(settler, "free")
    page.get_by_role("button", name="领取").click()
    page.get_by_role("button", name="交还").click()
    expect(page.get_by_role("button", name="领取")).to_be_visible()
    assert settler.world.entries["free"]["taken"] is None


@pytest.mark.fault("F66")
def test_somebody_was_faster(settler: Stage) -> None:
    settler.page.clock.install()
    page = open_entry(settler, "free")
    with page.expect_response("**/deliveries/free") as looked:
        page.clock.run_for(2_000)
    looked.value.finished()  # a look that ends after the next line would take the button away
    settler.world.entries["free"]["taken"] = settler.world.entries["hers"]["taken"]
    page.get_by_role("button", name="领取").click()
    expect(page.get_by_role("alert")).to_contain_text("何静正在录入这一份")
    expect(page.get_by_text("何静已领取，到")).to_be_visible()


@pytest.mark.fault("F66")
def test_a_correction_is_said_to_who_is_entering(settler: Stage) -> None:
    page = open_entry(settler, "free")
    page.get_by_role("button", name="领取").click()
    page.get_by_label("对方系统里的编号").fill("SX1")
    settler.world.entries["free"] |= {
        "state": "cancelled",
        "taken": None,
        "says": words("不再发给河长通。", "No longer."),
    }
    page.get_by_role("button", name="确认已录入").click()
    expect(page.get_by_role("alert")).to_contain_text("填报人已更正，这一份不用再录入")
    expect(page.get_by_role("button", name="确认已录入")).to_have_count(0)


@AT_BOTH
@pytest.mark.case("C46")
def test_who_is_entering_what_was_taken_back_says_whether_it_is_there(settler: Stage) -> None:
    settler.world.entries["free"] |= {"withdrawn": True, "intent": "create"}
    settler.page.reload()
    expect(settler.page.get_by_role("listitem").filter(has_text="已撤回")).to_have_count(1)
    page = open_entry(settler, "free")
    expect(page.get_by_text("填报人已撤回。还没录入，就不要录了")).to_be_visible()
    require_no_barrier(page)
    page.get_by_role("button", name="没有录入，不用录了").click()
    expect(page.get_by_role("heading", name="不再发给河长通：填报人已撤回，没有录入。")).to_be_visible()
    expect(page.get_by_role("button", name="没有录入，不用录了")).to_have_count(0)


@pytest.mark.case("C46")
def test_a_withdrawal_by_hand_begins_with_the_number_of_what_is_taken_back(settler: Stage) -> None:
    settler.world.entries["free"] |= {"intent": "withdraw", "reason": "走错门了"}
    page = open_entry(settler, "free")
    expect(page.get_by_role("heading", name="要撤回的内容")).to_be_visible()
    expect(page.get_by_text("走错门了")).to_be_visible()
    expect(page.get_by_label("对方系统里的编号")).to_have_value("SX2026000001")


@pytest.mark.fault("F66")
def test_an_open_page_keeps_what_it_took_and_a_closed_one_does_not(settler: Stage) -> None:
    page = settler.page
    page.clock.install()
    page = open_entry(settler, "free")
    page.get_by_role("button", name="领取").click()
    expect(page.get_by_text("您已领取，到")).to_be_visible()
    taken = settler.world.entries["free"]
    pass_time(page, minutes=4.5)
    assert taken["takes"] == 1
    pass_time(page, minutes=1.5)
    assert taken["takes"] == 2
    asked: list[Route] = []
    page.route("**/api/v1/deliveries/free", lambda route: asked.append(route))  # noqa: PLW0108 - Playwright asks a handler how many arguments it takes
    page.clock.run_for(31_000)
    page.get_by_role("button", name="返回").click()
    page.get_by_role("heading", name="人工录入").wait_for()
    (on_its_way,) = asked
    on_its_way.continue_()
    page.unroute("**/api/v1/deliveries/free")
    pass_time(page, minutes=30)
    assert taken["takes"] == 2


def pass_time(page: Page, minutes: float) -> None:
    """Let time pass for the page in steps, so that the hub can answer what it asks meanwhile."""
    for _ in range(int(minutes * 4)):
        page.clock.run_for(15_000)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(20)


def test_an_officer_has_no_such_page(signed_in: Stage) -> None:
    expect(signed_in.page.get_by_role("link", name="人工录入")).to_have_count(0)
