"""What an answer would hide is asked about before it goes."""

import pytest
from playwright.sync_api import expect

from tests.browser.acts import add_finding, fill_least, only_body, open_visit, own_visit, send, sent
from tests.browser.fake_forms import control
from tests.browser.stage import Stage


@pytest.mark.case("C31")
def test_nothing_to_report_asks_before_it_drops_a_finding(signed_in: Stage) -> None:
    offer_nothing_to_report(signed_in)
    page = open_visit(signed_in)
    fill_least(page)
    add_finding(page, "dispute", "与邻居因排水起纠纷")
    nothing = page.get_by_role("radiogroup", name="没有需要上报的问题")
    nothing.get_by_role("radio", name="是").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("您已填的：发现的问题（1 项）")
    dialog.get_by_role("button", name="保留").click()
    expect(nothing.get_by_role("radio", name="是")).not_to_be_checked()
    expect(page.get_by_label("情况描述")).to_have_value("与邻居因排水起纠纷")
    nothing.get_by_role("radio", name="是").click()
    dialog.get_by_role("button", name="不提交").click()
    expect(page.get_by_label("情况描述")).to_have_count(0)
    nothing.get_by_role("radio", name="否").click()
    expect(page.get_by_label("情况描述")).to_have_value("与邻居因排水起纠纷")
    nothing.get_by_role("radio", name="是").click()
    dialog.get_by_role("button", name="不提交").click()
    send(page)
    sent(page)
    assert "findings" not in only_body(signed_in)["answers"]


def offer_nothing_to_report(stage: Stage) -> None:
    """Let the visit have the switch that real forms have."""
    form = own_visit(stage)
    form["schema"]["properties"]["nothing_to_report"] = {"type": "boolean"}
    said = {"properties": {"nothing_to_report": {"const": True}}, "required": ["nothing_to_report"]}
    elements = form["ui"]["elements"]
    place = next(at for at, one in enumerate(elements) if one["scope"].endswith("/findings"))
    elements[place]["rule"] = {"effect": "SHOW", "condition": {"scope": "#", "schema": {"not": said}}}
    switch = control("nothing_to_report", "没有需要上报的问题", "Nothing to report", widget="switch")
    switch["options"]["optional"] = True
    elements.insert(place, switch)


@pytest.mark.case("C31")
def test_a_part_that_is_switched_off_is_asked_about_when_it_is_filled(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    switch = page.get_by_role("switch", name="填写垃圾分类")
    switch.click()
    switch.click()
    expect(switch).not_to_be_checked()
    switch.click()
    page.get_by_role("radiogroup", name="分类情况").get_by_role("radio", name="好").check()
    switch.click()
    page.get_by_role("dialog").get_by_role("button", name="保留").click()
    expect(switch).to_be_checked()
    expect(page.get_by_role("radiogroup", name="分类情况").get_by_role("radio", name="好")).to_be_checked()


@pytest.mark.case("C31")
def test_another_category_asks_about_a_place_but_not_about_a_tap(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    card = add_finding(page, "river", "桥下有污水")
    card.get_by_role("radio", name="污水入河").check()
    card.get_by_label("问题类别").select_option("housing")
    expect(page.get_by_role("dialog")).to_have_count(0)
    card.get_by_label("问题类别").select_option("river")
    card.get_by_role("button", name="取当前位置").click()
    expect(card.get_by_text("误差约 12 米")).to_be_visible()
    card.get_by_label("问题类别").select_option("dispute")
    expect(page.get_by_role("dialog")).to_contain_text("问题位置（1 项）")
    page.get_by_role("button", name="保留").click()
    expect(card.get_by_label("问题类别")).to_have_value("river")


@pytest.mark.case("C31")
def test_with_the_keyboard_alone_it_is_asked_and_gone_back_to(signed_in: Stage) -> None:
    offer_nothing_to_report(signed_in)
    page = open_visit(signed_in)
    add_finding(page, "dispute", "与邻居因排水起纠纷")
    nothing = page.get_by_role("radiogroup", name="没有需要上报的问题").get_by_role("radio", name="是")
    nothing.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(nothing).to_be_focused()
    expect(nothing).not_to_be_checked()
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("情况描述")).to_have_count(0)
