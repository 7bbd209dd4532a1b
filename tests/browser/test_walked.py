"""What a walk over the phone's pages found: warnings out of sight, untrue words, a tap that wiped a track."""

import io
import re
from typing import Any

import pytest
import qrcode
from playwright.sync_api import Page, Route, expect
from qrcode.image.svg import SvgPathImage

from tests.browser.acts import KEPT_MS, fill_least, line, open_visit, send, sent
from tests.browser.stage import Stage, require_no_barrier
from tests.browser.test_answers import draw, picked
from tests.browser.test_storage import TROUBLES

PATROL = "/places/pl-r001/forms/patrol"
WALKING = """
    navigator.geolocation.watchPosition = (hear, lose) => { window.heard = hear; window.lost = lose; return 1 };
    navigator.geolocation.clearWatch = () => { window.cleared = true };
"""


@pytest.mark.case("C24")
def test_that_another_tab_changed_it_is_in_sight_wherever_one_is(signed_in: Stage, second_tab: Page) -> None:
    first = open_visit(signed_in)
    first.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    second_tab.get_by_label("走访情况").fill("那边写的")
    second_tab.wait_for_timeout(KEPT_MS)
    first.get_by_label("走访时间", exact=True).scroll_into_view_if_needed()
    first.get_by_role("button", name="走访时间：现在").click()
    first.get_by_label("走访情况").fill("这边写的")
    expect(first.get_by_role("button", name="用那边的")).to_be_in_viewport()
    require_no_barrier(first)


@pytest.mark.case("C23")
def test_that_nothing_is_kept_is_in_sight_wherever_one_is(signed_in: Stage) -> None:
    signed_in.page.add_init_script(TROUBLES["full"])
    page = open_visit(signed_in)
    page.get_by_label("走访情况").fill("存不下")
    page.get_by_role("button", name="取当前位置").scroll_into_view_if_needed()
    expect(page.get_by_role("alert").filter(has_text="存储空间满了")).to_be_in_viewport()


@pytest.mark.case("C20")
def test_the_tap_for_the_rest_counts_the_rest_and_says_so(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_role("button", name="以上 3 项都无误").wait_for()
    page.get_by_role("button", name="户主姓名：无误").click()
    page.get_by_role("button", name="其余 2 项都无误").click()
    expect(page.get_by_text("都核对过了")).to_be_visible()


@pytest.mark.case("C20")
def test_who_says_not_right_is_told_whether_it_may_be_left_empty(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_role("button", name="家庭人口：信息不对").click()
    expect(line(page, "家庭人口")).to_contain_text("这一项必填，请问清楚后填正确的。")
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("已标红")
    expect(line(page, "家庭人口")).not_to_contain_text("可以空着")


@pytest.mark.case("C26")
def test_when_all_photos_are_there_it_says_how_to_change_one(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_label("现场照片：拍照或选照片").set_input_files(picked(*(f"{n}.jpg" for n in range(1, 12))))
    expect(page.get_by_text("已放满 9 张，要换先删一张")).to_be_visible()
    expect(page.get_by_text("这些没有放：10.jpg、11.jpg。")).to_be_visible()
    require_no_barrier(page)
    page.get_by_role("button", name="删除照片 9").click()
    expect(page.get_by_text("还可加 1 张，最多 9 张")).to_be_visible()
    expect(page.get_by_text("这些没有放")).to_have_count(0)


def walk(stage: Stage) -> Page:
    stage.page.add_init_script(WALKING)
    stage.page.goto(stage.base + PATROL)
    stage.page.get_by_role("button", name="开始记录").click()
    return stage.page


def fix(page: Page, seconds: int) -> None:
    there = {"longitude": 120.2389 + seconds * 1e-4, "latitude": 29.3004, "accuracy": 8}
    page.evaluate("heard", {"coords": there, "timestamp": 1.79e12 + seconds * 1000})


@pytest.mark.case("C27")
def test_without_leave_to_locate_no_page_says_that_it_records(signed_in: Stage) -> None:
    page = walk(signed_in)
    page.evaluate("lost({code: 1, PERMISSION_DENIED: 1})")
    expect(page.get_by_text("没有定位权限，路线没有在记。")).to_be_visible()
    expect(page.get_by_text("正在记录轨迹")).to_have_count(0)
    expect(page.get_by_role("button", name="开始记录")).to_be_visible()
    assert page.evaluate("window.cleared")
    require_no_barrier(page)


@pytest.mark.case("C27")
def test_a_stretch_without_a_position_is_said_and_over_with_the_next_one(signed_in: Stage) -> None:
    page = walk(signed_in)
    fix(page, 1)
    page.evaluate("lost({code: 2, PERMISSION_DENIED: 1})")
    expect(page.get_by_text("现在定位不到，这一段没有记下。")).to_be_visible()
    fix(page, 30)
    expect(page.get_by_text("现在定位不到")).to_have_count(0)
    expect(page.get_by_text("正在记录轨迹")).to_contain_text("已记 2 个点")


@pytest.mark.case("C27")
def test_a_walk_is_not_wiped_by_one_tap(signed_in: Stage) -> None:
    page = walk(signed_in)
    fix(page, 1)
    fix(page, 30)
    page.get_by_role("button", name="结束记录").click()
    page.get_by_role("button", name="清除轨迹").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("已记的 2 个点")
    require_no_barrier(page)
    dialog.get_by_role("button", name="保留").click()
    expect(page.get_by_role("button", name="接着记录")).to_be_visible()
    page.get_by_role("button", name="清除轨迹").click()
    dialog.get_by_role("button", name="清除").click()
    expect(page.get_by_role("button", name="开始记录")).to_be_visible()


def photo_of(page: Page, text: str) -> dict[str, Any]:
    code = qrcode.QRCode(border=6)
    code.add_data(text)
    picture = io.BytesIO()
    code.make_image(image_factory=SvgPathImage).save(picture)
    return {"name": "door.png", "mimeType": "image/png", "buffer": draw(page, picture.getvalue().decode())}


@pytest.mark.case("C28")
def test_a_code_nobody_knows_is_shown_as_it_was_read(signed_in: Stage) -> None:
    page = signed_in.page
    page.get_by_label("从相册选码").set_input_files(photo_of(page, "H-不是这里的-99"))  # type: ignore[arg-type]  # a TypedDict of the library's own
    expect(page.get_by_role("alert")).to_contain_text("没找到这个码对应的地方")
    expect(page.get_by_label("门牌编码")).to_have_value("H-不是这里的-99")


@pytest.mark.case("C32")
def test_what_may_be_there_already_is_said_as_no_more_than_that(signed_in: Stage) -> None:
    def sent_twice(route: Route) -> None:
        answer = route.fetch()
        view = answer.json()
        for one, state in zip(view["records"][0]["deliveries"], ("retry", "delivered"), strict=True):
            one |= {"state": state, "repeat": True}
        route.fulfill(response=answer, json=view)

    page = open_visit(signed_in)
    page.route(re.compile(r"/api/v1/submissions/[^/]+$"), sent_twice)
    fill_least(page)
    send(page)
    rows = page.get_by_role("region", name="走访记录").get_by_role("listitem")
    expect(rows.nth(0)).to_contain_text("先前已发过一次，对方可能已经收到。")
    expect(rows.nth(1)).to_contain_text("已送达")
    expect(rows.nth(1)).not_to_contain_text("先前已发过")


@pytest.mark.case("C34")
def test_a_filtered_list_counts_what_it_shows(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    send(page)
    sent(page)
    page.goto(f"{signed_in.base}/submissions")
    expect(page.get_by_text("共 1 条，已全部列出")).to_be_visible()
    page.get_by_role("button", name="要我处理").click()
    expect(page.get_by_text("全部 1 条里有 0 条")).to_be_visible()
    expect(page.get_by_text("共 1 条")).to_have_count(0)
