"""What the page promises is so, or is not promised: said before it is sent."""

import pytest
from playwright.sync_api import expect

from tests.browser.acts import add_finding, fill_least, open_visit, own_visit, send, send_all_the_same, sent
from tests.browser.stage import Stage, require_no_barrier


@pytest.mark.case("C44")
def test_before_sending_it_is_said_what_goes_nowhere(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    add_finding(page, "dispute", "与邻居因排水起纠纷")
    send(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("发现的问题：与邻居因排水起纠纷")
    expect(dialog).to_contain_text("河长通：该问题类别不由此系统受理")
    require_no_barrier(page)
    page.get_by_role("button", name="回去改").click()
    assert signed_in.world.submissions == {}
    send_all_the_same(page)
    sent(page)


@pytest.mark.case("C44")
def test_of_photos_nobody_takes_it_is_said_where_they_are_taken(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    expect(page.get_by_text("照片只留在一填通，没有系统接收。")).to_have_count(1)
    add_finding(page, "dispute", "与邻居因排水起纠纷")
    expect(page.get_by_text("照片只留在一填通，没有系统接收。")).to_have_count(2)
    form = own_visit(signed_in)
    form["untaken"] = []
    page = open_visit(signed_in)
    expect(page.get_by_text("没有系统接收")).to_have_count(0)


@pytest.mark.case("C44")
def test_of_a_hub_that_gives_no_advice_nothing_hangs(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.route("**/preview", lambda route: route.fulfill(status=404, json={"status": 404, "code": "not_found"}))
    send(page)
    sent(page)
