"""What officers do in many of these checks: fill the visit of the fake county, leave it, come back to it."""

import re
from copy import deepcopy

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fake_forms import Json
from tests.browser.stage import SIZES, Stage
from tests.pictures import drawn

VISIT = "/places/pl-7f3a/forms/visit"
AT_BOTH = pytest.mark.parametrize("stage", SIZES, indirect=True)
KEPT_MS = 600
"""Until a keystroke lies on the phone."""
RESTORED = "已恢复上次没交的内容"


def open_visit(stage: Stage) -> Page:
    stage.page.goto(stage.base + VISIT)
    stage.page.get_by_role("heading", name="这些已经知道，请核对").wait_for()
    return stage.page


def fill_least(page: Page) -> None:
    page.get_by_role("button", name=re.compile("项都无误")).click()
    page.get_by_role("radio", name="回访").check()


def add_finding(page: Page, category: str, description: str) -> Locator:
    page.get_by_role("button", name=re.compile("添加.*发现的问题")).click()
    card = page.get_by_role("group", name=re.compile("^发现的问题")).last
    card.get_by_label("问题类别").select_option(category)
    card.get_by_role("radio", name="一般").check()
    card.get_by_label("情况描述").fill(description)
    return card


def add_photo(page: Page) -> None:
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": drawn("JPEG", (64, 48))}
    page.get_by_label("现场照片：拍照或选照片").set_input_files(file)  # type: ignore[arg-type]  # a TypedDict of the library's own
    expect(page.get_by_role("button", name="删除照片 1")).to_be_visible()


def send(page: Page) -> None:
    page.get_by_role("button", name="提交", exact=True).click()


def send_all_the_same(page: Page) -> None:
    """Send what no System takes, too, after reading so."""
    send(page)
    expect(page.get_by_role("dialog")).to_contain_text("暂无部门接收，只登记在一填通")
    page.get_by_role("button", name="照样提交").click()


def sent(page: Page) -> None:
    page.get_by_role("heading", name="这次填报").wait_for()


def leave_and_return(stage: Stage) -> Page:
    stage.page.wait_for_timeout(KEPT_MS)
    stage.page.goto(stage.base)
    return open_visit(stage)


def only_body(stage: Stage) -> Json:
    [body] = stage.world.bodies.values()
    return body


def own_visit(stage: Stage) -> Json:
    """The visit's form as a copy this check may change."""
    form = stage.world.forms["visit"]["v1"] = deepcopy(stage.world.forms["visit"]["v1"])
    return form


def stop_the_worker(page: Page) -> None:
    """As on plain http, or at the very first visit: no worker has kept the page's parts."""
    page.evaluate(
        "navigator.serviceWorker.getRegistrations()"
        ".then((all) => Promise.all(all.map((one) => one.unregister())))"
        ".then(() => caches.keys()).then((names) => Promise.all(names.map((name) => caches.delete(name))))"
    )
    page.add_init_script("navigator.serviceWorker.register = () => Promise.resolve()")


def line(page: Page, question: str) -> Locator:
    """The line of a known value."""
    return page.locator(".confirm .line").filter(has_text=question)
