"""Taking back and moving on the page itself: the real hub, four simulated Systems, an officer at the wrong door."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stage import Visitor, require_no_barrier
from tests.browser.test_real_visit import (
    CARRIED_MS,
    officer,
    open_door,
    open_visit,
    real,
    require_no_words_of_machines,
    score_bin,
)
from tests.journeys.world import World

__all__ = ["officer", "real"]
pytestmark = [pytest.mark.timeout(240), pytest.mark.case("C46")]


def file_visit(page: Page, world: World, code: str) -> None:
    page.goto(world.hub.url)
    open_door(page, code)
    open_visit(page)
    page.get_by_role("button", name="以上 3 项都无误").click()
    page.get_by_role("radio", name="回访").check()
    score_bin(page)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", name="已全部送达，3 个系统都不用再填")).to_be_visible(timeout=CARRIED_MS)


def choose_door(page: Page, code: str) -> None:
    page.get_by_label("门牌编码").fill(code)
    page.get_by_role("button", name="查找").click()


def expect_to_be_told_what_happens(page: Page) -> None:
    what = page.get_by_role("list", name="撤回以后")
    expect(what.get_by_role("listitem")).to_have_count(3)
    expect(what).to_contain_text(re.compile(r"走村入户不能自动撤回，由主管部门的人到系统里处理（编号 ZCRH-"))
    expect(what).to_contain_text(re.compile(r"会通知防返贫监测撤回（编号 FP\d{13}）"))
    require_no_barrier(page)
    require_no_words_of_machines(page)


def require_in_sight(target: Locator) -> None:
    """Nothing lies over it, the bar at the foot of a phone least of all."""
    assert target.evaluate("""(found) => {
        const {x, y, width, height} = found.getBoundingClientRect();
        return found.contains(document.elementFromPoint(x + width / 2, y + height - 1));
    }""")


def give_a_reason_and_mean_it(page: Page) -> None:
    page.get_by_role("button", name="撤回", exact=True).click()
    expect(page.get_by_text("请写明原因，或点一个常用原因。")).to_be_visible()
    expect(page.get_by_label("为什么撤回")).to_be_focused()
    page.get_by_role("button", name="走错门了").click()
    expect(page.get_by_text("请写明原因，或点一个常用原因。")).to_have_count(0)
    page.get_by_role("button", name="撤回", exact=True).click()
    expect(page.get_by_role("heading", name="确定撤回这份提交？")).to_be_focused()
    require_in_sight(page.get_by_role("button", name="先不撤回"))
    require_no_barrier(page)
    page.get_by_role("button", name="先不撤回").click()
    page.get_by_role("button", name="撤回", exact=True).click()
    page.get_by_role("button", name="确定撤回").click()


@pytest.mark.parametrize("officer", ["phone", "desk"], indirect=True)
def test_a_visit_is_taken_back_with_words_before_and_after(real: World, officer: Visitor) -> None:
    page, door = officer.page, real.new_door()
    file_visit(page, real, door.household)
    page.get_by_role("button", name="撤回", exact=True).click()
    expect_to_be_told_what_happens(page)
    give_a_reason_and_mean_it(page)
    expect(page.get_by_text("原因：走错门了")).to_be_visible()
    expect(page.get_by_text("防返贫监测已撤回，编号 FP")).to_be_visible(timeout=CARRIED_MS)
    expect(page.get_by_role("heading", name="已撤回，有系统由部门的人处理，不用您再做什么")).to_be_visible()
    expect(page.get_by_text("走村入户不能自动撤回，由人到该系统撤回后确认。")).to_be_visible()
    expect(page.get_by_role("button", name="更正", exact=True)).to_have_count(0)
    require_no_barrier(page)
    require_no_words_of_machines(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def tab_to(page: Page, target: Locator) -> None:
    """Reach something with the Tab key alone, as one does who has no mouse."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("(found) => found === document.activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached")


@pytest.mark.parametrize("officer", ["desk"], indirect=True)
def test_it_is_taken_back_by_the_keyboard_alone(real: World, officer: Visitor) -> None:
    page, door = officer.page, real.new_door()
    file_visit(page, real, door.household)
    tab_to(page, page.get_by_role("button", name="撤回", exact=True))
    page.keyboard.press("Enter")
    page.get_by_role("list", name="撤回以后").wait_for()
    tab_to(page, page.get_by_role("button", name="填重了"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("为什么撤回"))
    expect(page.get_by_label("为什么撤回")).to_have_value("填重了")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="确定撤回这份提交？")).to_be_focused()
    tab_to(page, page.get_by_role("button", name="确定撤回"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("原因：填重了")).to_be_visible()


def choose_where_and_why(page: Page, wrong: str, right: str) -> None:
    page.get_by_role("button", name="下一步：核对内容").click()
    expect(page.get_by_text("请先选对的那一户。")).to_be_visible()
    expect(page.get_by_text("请写明原因，或点一个常用原因。")).to_be_visible()
    choose_door(page, wrong)
    expect(page.get_by_text("这就是原来那一户，请选另一户。")).to_be_visible()
    choose_door(page, right)
    page.get_by_role("button", name="扫错码了").click()
    page.get_by_role("button", name="下一步：核对内容").click()


def check_again_and_send(page: Page) -> None:
    again = page.get_by_text("户主姓名、联系电话、家庭人口：原来填的是另一户的资料，没有带过来，请重新核对。")
    expect(again).to_be_visible()
    expect(page.get_by_role("radio", name="回访")).to_be_checked()
    require_no_barrier(page)
    require_no_words_of_machines(page)
    page.get_by_role("button", name="撤回原来的，报到这一户").click()
    expect(page.get_by_text(re.compile("^还有 3 处"))).to_be_visible()
    page.get_by_role("button", name="以上 3 项都无误").click()
    page.get_by_role("button", name="撤回原来的，报到这一户").click()


@pytest.mark.parametrize("officer", ["phone", "desk"], indirect=True)
def test_a_visit_is_moved_to_the_right_door(real: World, officer: Visitor) -> None:
    page, wrong, right = officer.page, real.new_door(), real.new_door()
    file_visit(page, real, wrong.household)
    page.get_by_role("button", name="换一户").click()
    page.get_by_role("heading", name="应该填在哪里").wait_for()
    require_no_barrier(page)
    choose_where_and_why(page, wrong.household, right.household)
    check_again_and_send(page)
    expect(page.get_by_text("这一份是换户后报的。")).to_be_visible()
    expect(page.get_by_role("heading", name="已全部送达，3 个系统都不用再填")).to_be_visible(timeout=CARRIED_MS)
    require_no_barrier(page)
    page.get_by_role("link", name=re.compile("看原来的那一份")).click()
    expect(page.get_by_text("已换到另一户")).to_be_visible()
    expect(page.get_by_text("原因：扫错码了")).to_be_visible()
    require_no_barrier(page)
    page.get_by_role("link", name=re.compile("看换到的那一份")).click()
    expect(page.get_by_text("这一份是换户后报的。")).to_be_visible()
    page.goto(f"{real.hub.url}/submissions")
    expect(page.get_by_text("撤回办理中").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
