"""A phone several people use: signing out takes what is one's own, after an offer to send it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import AT_BOTH, KEPT_MS, add_photo, fill_least, only_body, open_visit, send, sent
from tests.browser.stage import Stage, require_no_barrier


def sign_in(stage: Stage, person: str) -> None:
    stage.world.account_id = person
    stage.page.get_by_label("账号").fill("lihua")
    stage.page.get_by_label("密码").fill("demo")
    stage.page.get_by_role("button", name="登录").click()
    stage.page.get_by_role("heading", name="李华，您好").wait_for()


@pytest.mark.case("C33")
@AT_BOTH
def test_signing_out_leaves_a_colleagues_draft_on_a_shared_phone(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_label("走访情况").fill("第一位写的")
    add_photo(page)
    page.wait_for_timeout(KEPT_MS)
    # Her session ends by itself; a colleague takes the phone.
    signed_in.world.is_signed_in = False
    page.goto(signed_in.base)
    sign_in(signed_in, "a2")
    expect(page.get_by_text("没交的")).to_have_count(0)
    open_visit(signed_in)
    page.get_by_label("走访情况").fill("第二位写的")
    page.wait_for_timeout(KEPT_MS)
    page.goto(f"{signed_in.base}/me")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("alert")).to_contain_text("可以先点开交了再退出；别的同事没交的不受影响。")
    expect(page.get_by_role("link", name=re.compile("入户走访 · 王村 12 号"))).to_be_visible()
    require_no_barrier(page)
    page.get_by_role("button", name="退出，删除这 1 份").click()
    sign_in(signed_in, "a1")
    page.get_by_role("link", name=re.compile("入户走访 · 王村 12 号.*还没交")).click()
    expect(page.get_by_label("走访情况")).to_have_value("第一位写的")
    fill_least(page)
    send(page)
    sent(page)
    assert only_body(signed_in)["answers"]["photos"] == list(signed_in.world.photos), "her photo, too"


@pytest.mark.case("C33")
def test_before_signing_out_the_draft_can_be_sent(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.wait_for_timeout(KEPT_MS)
    page.goto(f"{signed_in.base}/me")
    page.get_by_role("button", name="退出登录").click()
    page.get_by_role("button", name="先不退出").click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    page.get_by_role("button", name="退出登录").click()
    page.get_by_role("link", name=re.compile("入户走访 · 王村 12 号")).click()
    send(page)
    sent(page)
    page.goto(f"{signed_in.base}/me")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("密码")).to_be_visible()


@pytest.mark.case("C33")
def test_an_open_form_in_another_tab_leaves_nothing_behind(signed_in: Stage, second_tab: Page) -> None:
    second_tab.get_by_label("走访情况").fill("不该留给下一个人")
    second_tab.wait_for_timeout(KEPT_MS)
    page = signed_in.page
    page.goto(f"{signed_in.base}/me")
    page.get_by_role("button", name="退出登录").click()
    page.get_by_role("button", name="退出，删除这 1 份").click()
    expect(page.get_by_label("密码")).to_be_visible()
    expect(second_tab.get_by_label("密码")).to_be_visible()
    kept = page.evaluate("""new Promise((done) => {
        const opening = indexedDB.open("fillonce");
        opening.onsuccess = () => {
            const asked = opening.result.transaction("drafts").objectStore("drafts").getAllKeys();
            asked.onsuccess = () => done(asked.result);
        };
    })""")
    assert kept == []
