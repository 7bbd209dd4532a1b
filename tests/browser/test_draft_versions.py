"""A draft and the versions of its form: sent as it was filled, or shown what is no longer asked; begun anew, kept."""

from copy import deepcopy

import pytest
from playwright.sync_api import expect

from tests.browser.acts import (
    AT_BOTH,
    KEPT_MS,
    fill_least,
    leave_and_return,
    line,
    only_body,
    open_visit,
    own_visit,
    send,
    sent,
)
from tests.browser.fake_forms import Json, words
from tests.browser.stage import Stage, require_no_barrier


def next_version(stage: Stage, *, without: str, valid_to: str = "2027-12-31") -> Json:
    """A second version of the visit is out, which does not ask one question; the first ends when told."""
    versions = stage.world.forms["visit"]
    first = versions["v1"] = deepcopy(versions["v1"])
    second = deepcopy(first) | {"version": "v2"}
    second["ui"]["elements"] = [one for one in second["ui"]["elements"] if not one["scope"].endswith(without)]
    del second["schema"]["properties"][without]
    first["licence"] = first["licence"] | {"valid": ["2026-01-01", valid_to]}
    second["licence"] = second["licence"] | {"valid": ["2026-01-01", "2027-12-31"]}
    versions["v2"] = second
    return second


@pytest.mark.case("C22")
@AT_BOTH
def test_a_draft_goes_in_the_version_it_was_filled_in(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("老人身体还好")
    page.wait_for_timeout(KEPT_MS)
    next_version(signed_in, without="visit.summary")
    page = leave_and_return(signed_in)
    expect(page.get_by_text("这张表出了第 v2 版，您没交的是第 v1 版，可以照原来的交。")).to_be_visible()
    require_no_barrier(page)
    send(page)
    sent(page)
    body = only_body(signed_in)
    assert (body["version"], body["answers"]["visit.summary"]) == ("v1", "老人身体还好")


@pytest.mark.case("C22")
def test_in_the_new_version_what_is_not_asked_stays_to_be_read(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("老人身体还好")
    page.wait_for_timeout(KEPT_MS)
    next_version(signed_in, without="visit.summary")
    page = leave_and_return(signed_in)
    page.get_by_role("button", name="换到第 v2 版").click()
    left = page.get_by_role("region", name="这一版不再问这些")
    expect(left).to_contain_text("走访情况")
    expect(left).to_contain_text("老人身体还好")
    expect(line(page, "联系电话")).to_contain_text("已核对")
    send(page)
    sent(page)
    body = only_body(signed_in)
    assert (body["version"], "visit.summary" in body["answers"]) == ("v2", False)


@pytest.mark.case("C22")
@pytest.mark.parametrize("is_gone", [False, True], ids=["licence ended", "version gone"])
def test_where_its_version_is_taken_no_more_the_draft_goes_along(signed_in: Stage, is_gone: bool) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("老人身体还好")
    page.wait_for_timeout(KEPT_MS)
    next_version(signed_in, without="visit.summary", valid_to="2026-06-30")
    if is_gone:
        del signed_in.world.forms["visit"]["v1"]
    page = leave_and_return(signed_in)
    expect(page.get_by_role("region", name="这一版不再问这些")).to_contain_text("老人身体还好")
    send(page)
    sent(page)
    assert only_body(signed_in)["version"] == "v2"


@pytest.mark.case("C22")
def test_answers_without_a_question_are_shown_not_marked_where_nothing_is(signed_in: Stage) -> None:
    """The form was changed under its own version: two faults, and nothing on the page to be red."""
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("老人身体还好")
    page.wait_for_timeout(KEPT_MS)
    second = next_version(signed_in, without="visit.summary")
    signed_in.world.forms["visit"] = {"v1": second | {"version": "v1"}}
    page = leave_and_return(signed_in)
    expect(page.get_by_role("region", name="这一版不再问这些")).to_contain_text("老人身体还好")
    send(page)
    sent(page)


@pytest.mark.case("C22")
def test_faults_without_a_question_are_told_in_words_and_not_counted_as_red(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    gone = {"path": "/answers/visit.old", "code": "unknown", "message": words("不认识“visit.old”这一项。", "Unknown.")}
    signed_in.world.faults = [gone]
    send(page)
    expect(page.get_by_role("alert")).to_have_text("不认识“visit.old”这一项。")
    assert page.locator(".wrong").count() == 0


@pytest.mark.case("C22")
def test_a_choice_that_is_no_longer_offered_is_shown_as_chosen(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.wait_for_timeout(KEPT_MS)
    form = own_visit(signed_in)
    purpose = next(one for one in form["ui"]["elements"] if one["scope"].endswith("visit.purpose"))
    purpose["options"]["retired"] = [one for one in purpose["options"]["codes"] if one["code"] == "follow_up"]
    purpose["options"]["codes"] = [one for one in purpose["options"]["codes"] if one["code"] != "follow_up"]
    page = leave_and_return(signed_in)
    expect(page.get_by_role("radio", name="回访（已停用）")).to_be_checked()
    page.get_by_role("radio", name="关心慰问").check()
    expect(page.get_by_role("radio", name="回访")).to_have_count(0)


@pytest.mark.case("C22")
@AT_BOTH
def test_starting_over_can_be_undone(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("写了半天")
    page = leave_and_return(signed_in)
    page.get_by_role("button", name="重新填").click()
    expect(page.get_by_text("已清空，从头填。")).to_be_visible()
    expect(page.get_by_label("走访情况")).to_have_value("")
    require_no_barrier(page)
    page.get_by_label("走访情况").fill("新写的")
    page = leave_and_return(signed_in)
    expect(page.get_by_text("清空过一份没交完的，还留着。")).to_be_visible()
    page.get_by_role("button", name="换成那一份").click()
    expect(page.get_by_label("走访情况")).to_have_value("写了半天")
    page.get_by_role("button", name="换成那一份").click()
    expect(page.get_by_label("走访情况")).to_have_value("新写的")
    page.get_by_role("button", name="不要了").click()
    expect(page.get_by_text("还留着")).to_have_count(0)
