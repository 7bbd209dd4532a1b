"""A draft is bound to what was shown, a correction to what it touches: nobody is made to say what they did not."""

import pytest
from playwright.sync_api import expect

from tests.browser.acts import (
    AT_BOTH,
    KEPT_MS,
    RESTORED,
    fill_least,
    leave_and_return,
    line,
    only_body,
    open_visit,
    send,
    sent,
)
from tests.browser.stage import Stage, require_no_barrier


def offer(stage: Stage, element: str, value: object) -> None:
    """Let the source say something else from now on."""
    for one in stage.world.offers:
        if one["element"] == element:
            one.update(value=value, shown=value, as_of="2026-11-29T02:00:00Z")


@pytest.mark.case("C20")
@AT_BOTH
def test_a_confirmed_value_that_changed_is_asked_again(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    offer(signed_in, "household.phone", "19900000999")
    page = leave_and_return(signed_in)
    phone = line(page, "联系电话")
    expect(phone).to_contain_text("您核对过的是：19900000123。来源后来改成了：19900000999。请再核对。")
    expect(phone).not_to_contain_text("已核对")
    expect(line(page, "户主姓名")).to_contain_text("已核对")
    require_no_barrier(page)
    send(page)
    expect(page.get_by_text("请核对这一项")).to_be_in_viewport()
    page.get_by_role("button", name="联系电话：无误").click()
    send(page)
    sent(page)
    body = only_body(signed_in)
    assert body["answers"]["household.phone"] == "19900000999"
    seen = body["seen"]
    assert (seen["/household.phone"]["value"], seen["/household.phone"]["as_of"]) == (
        "19900000999",
        "2026-11-29T02:00:00Z",
    )
    assert seen["/household.head_name"] == {
        "system": "household-visit", "as_of": "2026-11-20T02:00:00Z", "value": "王德福",
    }, "what was confirmed is what is sent"  # fmt: skip


@pytest.mark.case("C20")
def test_a_correction_is_held_against_what_the_source_says_now(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_role("button", name="联系电话：更正").click()
    page.get_by_role("textbox", name="联系电话").fill("19900000777")
    fill_least(page)
    offer(signed_in, "household.phone", "19900000999")
    page = leave_and_return(signed_in)
    phone = page.locator(".confirm .line").nth(1)
    expect(phone).to_contain_text("来源原来是：19900000123，现在是：19900000999。")
    expect(phone.get_by_role("textbox")).to_have_value("19900000777")
    send(page)
    expect(page.get_by_text("请核对这一项")).to_be_in_viewport()
    page.get_by_role("button", name="联系电话：还是我填的").click()
    send(page)
    sent(page)
    body = only_body(signed_in)
    assert body["answers"]["household.phone"] == "19900000777"
    assert body["seen"]["/household.phone"]["value"] == "19900000999"


@pytest.mark.case("C20")
def test_a_source_that_came_to_say_what_was_typed_asks_nothing(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_role("button", name="联系电话：更正").click()
    page.get_by_role("textbox", name="联系电话").fill("19900000777")
    fill_least(page)
    offer(signed_in, "household.phone", "19900000777")
    page = leave_and_return(signed_in)
    expect(line(page, "联系电话")).to_contain_text("已核对")
    send(page)
    sent(page)


@pytest.mark.case("C21")
@AT_BOTH
def test_a_correction_says_nothing_of_what_it_does_not_touch(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    send(page)
    sent(page)
    offer(signed_in, "household.phone", "19900000999")
    offer(signed_in, "household.member_count", 7)
    page.get_by_role("button", name="更正", exact=True).click()
    page.get_by_role("heading", name="上次提交的").wait_for()
    expect(line(page, "联系电话")).to_contain_text("来源现在写的是：19900000999。")
    require_no_barrier(page)
    page.get_by_label("走访情况").fill("补充")
    page.get_by_role("button", name="家庭人口：更正").click()
    page.get_by_role("textbox", name="家庭人口").fill("5")
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    body = only_body(signed_in)
    assert body["answers"]["household.phone"] == "19900000123"
    assert {path: seen["value"] for path, seen in body["seen"].items()} == {"/household.member_count": 7}


@pytest.mark.case("C21")
def test_a_draft_of_a_correction_stays_a_correction(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    send(page)
    page.get_by_role("button", name="更正", exact=True).click()
    page.get_by_label("走访情况").fill("补充")
    page.wait_for_timeout(KEPT_MS)
    offer(signed_in, "household.phone", "19900000999")
    page.reload()
    expect(page.get_by_text(RESTORED)).to_be_visible()
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    assert only_body(signed_in)["seen"] == {}
    assert only_body(signed_in)["answers"]["household.phone"] == "19900000123"


@pytest.mark.case("C21")
def test_a_draft_on_an_older_revision_says_what_it_would_undo(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    send(page)
    page.get_by_role("button", name="更正", exact=True).click()
    page.get_by_label("走访情况").fill("从这台手机补充")
    page.wait_for_timeout(KEPT_MS)
    [row] = signed_in.world.submissions.values()
    row["revision"] = 2
    only_body(signed_in)["answers"]["visit.summary"] = "从别处更正"
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("后来更正到了第 2 版，您没交的改动是照第 1 版改的")
    page.get_by_role("button", name="照最新的重新改").click()
    expect(page.get_by_label("走访情况")).to_have_value("从别处更正")
    page.get_by_role("button", name="恢复刚才填的").click()
    expect(page.get_by_label("走访情况")).to_have_value("从这台手机补充")
