"""A page that stays open while the hub is upgraded: no dead tap, no circle, no draft lost."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.acts import AT_BOTH, fill_least, open_visit, send, sent, stop_the_worker
from tests.browser.stage import Stage, require_no_barrier
from tests.browser.test_storage import TROUBLES


@pytest.mark.case("C35")
@AT_BOTH
def test_a_tap_after_an_upgrade_loads_the_page_anew_and_goes_there(signed_in: Stage) -> None:
    page = signed_in.page
    stop_the_worker(page)
    page.goto(signed_in.base)
    page.get_by_role("heading", name="李华，您好").wait_for()
    signed_in.world.is_upgraded = True
    page.get_by_role("link", name=re.compile("入户走访")).first.click()
    page.get_by_role("heading", name="入户走访").wait_for()
    assert signed_in.world.is_upgraded is False, "it was loaded anew"


@pytest.mark.case("C35")
def test_no_draft_is_lost_when_the_receipt_has_to_be_loaded_anew(signed_in: Stage) -> None:
    page = signed_in.page
    stop_the_worker(page)
    open_visit(signed_in)
    fill_least(page)
    signed_in.world.is_upgraded = True
    send(page)
    sent(page)
    assert len(signed_in.world.submissions) == 1


@pytest.mark.case("C35")
def test_a_part_that_never_comes_is_said_and_not_asked_for_in_a_circle(signed_in: Stage) -> None:
    page = signed_in.page
    stop_the_worker(page)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if request.is_navigation_request() else None)
    page.route("**/assets/SubmissionList*", lambda route: route.fulfill(status=404))
    page.goto(f"{signed_in.base}/submissions")
    expect(page.get_by_role("alert")).to_contain_text("这个页面要重新加载才能打开")
    page.wait_for_timeout(1_000)
    assert len(loaded) == 2
    require_no_barrier(page)
    page.unroute("**/assets/SubmissionList*")
    page.get_by_role("button", name="重新加载").click()
    page.get_by_role("heading", name="我的提交").wait_for()


@pytest.mark.case("C35")
def test_without_a_network_a_page_not_loaded_yet_says_so_and_stays(signed_in: Stage) -> None:
    page = signed_in.page
    stop_the_worker(page)
    page.goto(signed_in.base)
    page.get_by_role("heading", name="李华，您好").wait_for()
    page.context.set_offline(True)
    page.get_by_role("link", name="我的提交").click()
    expect(page.get_by_role("alert")).to_contain_text("这一页还没有加载，现在连不上服务器")
    page.get_by_role("button", name="重新加载").click()
    expect(page.get_by_role("alert")).to_contain_text("现在连不上服务器")
    page.context.set_offline(False)
    page.get_by_role("button", name="重新加载").click()
    page.get_by_role("heading", name="我的提交").wait_for()


@pytest.mark.case("C35")
@pytest.mark.parametrize("stage", ["desk"], indirect=True)
def test_what_lives_in_the_page_only_is_not_thrown_away_by_loading_anew(signed_in: Stage) -> None:
    page = signed_in.page
    stop_the_worker(page)
    page.add_init_script(TROUBLES["full"])
    open_visit(signed_in)
    page.get_by_label("走访情况").fill("只在这个页面里")
    expect(page.get_by_role("alert").filter(has_text="存储空间满了")).to_be_visible()
    signed_in.world.is_upgraded = True
    page.get_by_role("link", name="我的提交").click()
    expect(page.get_by_role("alert")).to_contain_text("重新加载才能打开")
    page.get_by_role("link", name="首页").click()
    page.get_by_role("link", name=re.compile("入户走访 · 王村 12 号.*还没交")).click()
    expect(page.get_by_label("走访情况")).to_have_value("只在这个页面里")
