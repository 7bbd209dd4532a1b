"""One draft in two tabs: neither overwrites the other unasked, and both are kept."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import AT_BOTH, KEPT_MS, RESTORED, VISIT, fill_least, open_visit, send, sent
from tests.browser.stage import Stage, require_no_barrier

CHANGED_ELSEWHERE = "这份表在另一个窗口里也在填"


@pytest.mark.case("C24")
def test_a_tap_in_an_older_tab_overwrites_nothing(signed_in: Stage) -> None:
    older = open_visit(signed_in)
    older.evaluate("BroadcastChannel.prototype.postMessage = () => {}")
    newer = older.context.new_page()
    newer.set_default_timeout(10_000)
    newer.add_init_script("delete window.BroadcastChannel")
    newer.goto(signed_in.base + VISIT)
    newer.get_by_label("走访情况").fill("写了半个小时")
    newer.wait_for_timeout(KEPT_MS)
    older.get_by_role("radio", name="回访").check()
    expect(older.get_by_role("alert")).to_contain_text(CHANGED_ELSEWHERE)
    newer.reload()
    expect(newer.get_by_label("走访情况")).to_have_value("写了半个小时")
    older.get_by_role("button", name="用那边的").click()
    expect(older.get_by_label("走访情况")).to_have_value("写了半个小时")
    older.get_by_role("button", name="换成那一份").click()
    expect(older.get_by_role("radio", name="回访")).to_be_checked()


@pytest.mark.case("C24")
@AT_BOTH
def test_both_tabs_are_kept_whichever_is_chosen(signed_in: Stage, second_tab: Page) -> None:
    first = open_visit(signed_in)
    first.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    second_tab.get_by_label("走访情况").fill("那边写的")
    second_tab.wait_for_timeout(KEPT_MS)
    first.get_by_label("走访情况").fill("这边写的")
    expect(first.get_by_role("alert")).to_contain_text("两边的都留着")
    require_no_barrier(first)
    first.get_by_role("button", name="用这里的").click()
    expect(first.get_by_role("alert")).to_have_count(0)
    expect(second_tab.get_by_label("走访情况")).to_have_value("这边写的")
    expect(
        second_tab.get_by_text("在另一个窗口里填的一份还留着").or_(second_tab.get_by_text("换下来的一份还留着"))
    ).to_be_visible()
    second_tab.get_by_role("button", name="换成那一份").click()
    expect(second_tab.get_by_label("走访情况")).to_have_value("那边写的")


@pytest.mark.case("C24")
def test_a_tab_in_which_nothing_was_done_follows_the_other(signed_in: Stage, second_tab: Page) -> None:
    first = open_visit(signed_in)
    second_tab.get_by_label("走访情况").fill("那边写的")
    expect(first.get_by_label("走访情况")).to_have_value("那边写的")
    first.get_by_label("走访情况").fill("那边写的，这边接着写")
    expect(second_tab.get_by_label("走访情况")).to_have_value("那边写的，这边接着写")
    expect(first.get_by_role("alert")).to_have_count(0)


@pytest.mark.case("C24")
def test_what_was_sent_from_one_tab_is_told_in_the_other(signed_in: Stage, second_tab: Page) -> None:
    first = open_visit(signed_in)
    fill_least(first)
    expect(second_tab.get_by_role("radio", name="回访")).to_be_checked()
    send(first)
    sent(first)
    expect(second_tab.get_by_text("这份表已在另一个窗口里提交。")).to_be_visible()
    expect(second_tab.get_by_role("button", name="提交", exact=True)).to_be_disabled()
    second_tab.get_by_label("走访情况").fill("不该变成新的草稿")
    second_tab.wait_for_timeout(KEPT_MS)
    second_tab.get_by_role("link", name="查看已收到的那一份").click()
    sent(second_tab)
    page = open_visit(signed_in)
    expect(page.get_by_text(RESTORED)).to_have_count(0)
