"""What holds on every page: no barrier axe knows, the chosen language and letters, opening without a network."""

import pytest
from playwright.sync_api import expect

from tests.browser.stage import SIZES, Stage, require_no_barrier

VISIT = "/places/pl-7f3a/forms/visit"
AT_BOTH = pytest.mark.parametrize("stage", SIZES, indirect=True)


def test_language_and_letters_stay_as_chosen(signed_in: Stage) -> None:
    page = signed_in.page
    page.goto(f"{signed_in.base}/me")
    main = page.get_by_role("main")
    main.get_by_role("button", name="大字").click()
    main.get_by_role("button", name="English").click()
    page.goto(signed_in.base)
    expect(page.get_by_role("heading", name="Hello, 李华")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    page.goto(signed_in.base + VISIT)
    page.get_by_role("heading", name="Already known, please check").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_first_password_is_changed_before_anything_else(stage: Stage) -> None:
    page = stage.page
    stage.world.must_change = True
    page.goto(f"{stage.base}/submissions")
    page.get_by_label("账号").fill("lihua")
    page.get_by_label("密码").fill("demo")
    page.get_by_role("button", name="登录").click()
    for old, says in (("not it", "现在的密码不对"), ("demo", "")):
        page.get_by_label("现在的密码").fill(old)
        page.get_by_label("新密码", exact=True).fill("a longer one")
        page.get_by_label("再输一次新密码").fill("a longer one")
        page.get_by_role("button", name="确认修改").click()
        if says:
            expect(page.get_by_role("alert")).to_contain_text(says)
    page.get_by_role("heading", name="李华，您好").wait_for()
    assert stage.world.password == "a longer one"


def test_the_shell_opens_without_a_network(signed_in: Stage) -> None:
    page = signed_in.page
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("caches.keys().then((names) => names.some((name) => name.includes('precache')))")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("连不上服务器").first).to_be_visible()
    page.context.set_offline(False)


@AT_BOTH
def test_pages_have_no_barrier_axe_knows(signed_in: Stage) -> None:
    page = signed_in.page
    for path in ("/", "/places/pl-7f3a", VISIT, "/submissions", "/me", "/forms/visit"):
        page.goto(signed_in.base + path)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        require_no_barrier(page)
