"""An answer that was lost, and a word that was changed since: the draft becomes the correction."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.acts import AT_BOTH, RESTORED, fill_least, only_body, open_visit, send
from tests.browser.stage import Stage, require_no_barrier


@pytest.mark.fault("F36")
@pytest.mark.case("C32")
@AT_BOTH
def test_a_changed_second_try_becomes_the_correction_with_one_tap(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    signed_in.world.loses_answer = True
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器")
    expect(page.get_by_role("alert")).to_contain_text("填的内容都还在，不用重填。")
    page.get_by_label("走访情况").fill("后来又改了")
    send(page)
    expect(page.get_by_text("这一份先前已经收到（编号 2026-0001）")).to_be_visible()
    expect(page.get_by_label("走访情况")).to_have_value("后来又改了")
    require_no_barrier(page)
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    body = only_body(signed_in)
    assert (body["answers"]["visit.summary"], body["seen"]) == ("后来又改了", {})
    page = open_visit(signed_in)
    expect(page.get_by_text(RESTORED)).to_have_count(0)


@pytest.mark.case("C32")
def test_left_for_later_the_correction_is_found_among_what_was_not_sent(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    signed_in.world.loses_answer = True
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器")
    page.get_by_label("走访情况").fill("后来又改了")
    send(page)
    expect(page.get_by_text("这一份先前已经收到")).to_be_visible()
    page.goto(signed_in.base)
    page.get_by_role("link", name=re.compile("更正：入户走访 · 王村 12 号.*还没交")).click()
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()


@pytest.mark.case("C32")
def test_so_does_a_correction_whose_answer_was_lost(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    send(page)
    page.get_by_role("button", name="更正", exact=True).click()
    page.get_by_label("走访情况").fill("补充")
    signed_in.world.loses_answer = True
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器")
    page.get_by_label("走访情况").fill("再补充")
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("这一份先前已经收到")).to_be_visible()
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 3 版）")).to_be_visible()
    assert only_body(signed_in)["answers"]["visit.summary"] == "再补充"
