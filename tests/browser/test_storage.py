"""A browser that keeps nothing: it is said, and what was filled is sent all the same."""

import pytest
from playwright.sync_api import expect

from tests.browser.acts import KEPT_MS, add_photo, fill_least, only_body, open_visit, send, sent
from tests.browser.stage import Stage, require_no_barrier

TROUBLES = {
    "full": """IDBObjectStore.prototype.put = () => { throw new DOMException("no room", "QuotaExceededError") }""",
    "closed": "IDBDatabase.prototype.transaction = () => { throw new DOMException('closing', 'InvalidStateError') }",
    "forbidden": """IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError") }""",
    "missing": "delete window.indexedDB; Object.defineProperty(window, 'indexedDB', {value: undefined})",
    "silent": "IDBFactory.prototype.open = () => new EventTarget()",
    "no storage at all": """
        IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError") };
        Object.defineProperty(window, "localStorage", {get() { throw new DOMException("no", "SecurityError") }});
    """,
}


@pytest.mark.case("C23")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_without_room_on_the_phone_it_is_said_and_sent_all_the_same(signed_in: Stage, trouble: str) -> None:
    page = signed_in.page
    page.add_init_script(TROUBLES[trouble])
    open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("存不下也要交")
    said = "存储空间满了" if trouble == "full" else "浏览器现在不能保存内容"
    expect(page.get_by_role("alert").filter(has_text=said)).to_contain_text("可以照常提交")
    require_no_barrier(page)
    send(page)
    page.get_by_role("heading", name="这次填报").wait_for(timeout=20_000)
    assert only_body(signed_in)["answers"]["visit.summary"] == "存不下也要交"


@pytest.mark.case("C23")
def test_a_photo_there_is_no_room_for_goes_too(signed_in: Stage) -> None:
    page = signed_in.page
    page.add_init_script(TROUBLES["full"])
    open_visit(signed_in)
    fill_least(page)
    add_photo(page)
    send(page)
    sent(page)
    assert only_body(signed_in)["answers"]["photos"] == list(signed_in.world.photos)


@pytest.mark.case("C23")
def test_what_was_kept_again_is_no_longer_complained_about(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.evaluate("window.put = IDBObjectStore.prototype.put; " + TROUBLES["full"] + "; 0")
    page.get_by_label("走访情况").fill("先存不下")
    alert = page.get_by_role("alert").filter(has_text="存储空间满了")
    expect(alert).to_be_visible()
    page.evaluate("IDBObjectStore.prototype.put = window.put; 0")
    page.get_by_label("走访情况").fill("后来又存下了")
    expect(alert).to_have_count(0)
    page.wait_for_timeout(KEPT_MS)
    page.reload()
    expect(page.get_by_label("走访情况")).to_have_value("后来又存下了")
