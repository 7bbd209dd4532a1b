"""What the hub would refuse is said on the page before anything is sent: at the question, with reason and remedy."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage, require_no_barrier
from tests.browser.test_portal import fill_least, open_visit, send

BOX = "#q\\/occurred_at-box"


def told(page: Page, words: str) -> None:
    """The words stand at the question about the time, in view, and nothing was sent."""
    expect(page.locator(BOX).get_by_text(words)).to_be_in_viewport()


@pytest.mark.case("C30")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "这一项没有填写。请补上。"),
        ("1990-05-01T08:00", "不能早于这张表的启用日（2026-01-01）。请核对日期和时间"),
        ("2027-12-31T08:00", "还没有到这个时间"),
        ("2028-01-01T08:00", "只在 2026-01-01 至 2027-12-31 有效"),
    ],
)
def test_a_time_it_cannot_have_happened_at_is_said_in_words(signed_in: Stage, typed: str, words: str) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.locator("#occurred").fill(typed)
    send(page)
    told(page, words)
    assert signed_in.world.bodies == {}
    require_no_barrier(page)
    page.get_by_role("button", name="走访时间：现在").click()
    expect(page.locator(f"{BOX} .fault")).to_have_count(0)
    send(page)
    page.get_by_role("heading", name="这次填报").wait_for()


@pytest.mark.case("C49")
def test_a_character_nothing_can_hold_is_named_where_it_stands(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("老人身体\u202e好")
    send(page)
    expect(page.get_by_text("第 5 个字是看不见的字符（U+202E），系统存不下。请把它前后的字删掉")).to_be_in_viewport()
    assert signed_in.world.bodies == {}
    page.get_by_label("走访情况").fill("老人身体好")
    send(page)
    page.get_by_role("heading", name="这次填报").wait_for()
