"""The portal in Debian's Chromium against the fake API: what a village officer does, on a phone and at a desk."""

import io

import pytest
import qrcode
from PIL import Image
from playwright.sync_api import Page, Route, expect
from qrcode.image.svg import SvgPathImage

from tests.browser.acts import (
    AT_BOTH,
    VISIT,
    add_finding,
    fill_least,
    only_body,
    open_visit,
    send,
    send_all_the_same,
    sent,
)
from tests.browser.stage import Stage
from tests.pictures import TAKEN_AT, drawn, exif


def test_a_code_on_the_door_opens_the_place_and_never_shows_in_the_address(signed_in: Stage) -> None:
    page = signed_in.page
    page.get_by_label("门牌编码").fill("no such code")
    page.get_by_role("button", name="查找").click()
    expect(page.get_by_role("alert")).to_contain_text("没找到这个码")
    page.get_by_label("门牌编码").fill("DY/王村/12")
    page.get_by_role("button", name="查找").click()
    expect(page.get_by_role("heading", name="王村 12 号")).to_be_visible()
    expect(page.get_by_text("旧公安门牌")).to_be_visible()
    assert page.url == f"{signed_in.base}/places/pl-7f3a"


def test_a_photo_of_the_code_is_read_with_the_hubs_own_decoder(signed_in: Stage) -> None:
    page = signed_in.page
    picture = io.BytesIO()
    qrcode.make("GB0091277", image_factory=SvgPathImage, border=6).save(picture)
    drawn = draw(page, picture.getvalue().decode())
    page.get_by_label("从相册选码").set_input_files({"name": "door.png", "mimeType": "image/png", "buffer": drawn})
    expect(page.get_by_role("heading", name="王村 12 号")).to_be_visible()


def draw(page: Page, svg: str) -> bytes:
    """A PNG of an SVG, by the browser at hand."""
    other = page.context.new_page()
    other.set_content(
        f"<body style='margin:0;background:#fff'>{svg.replace('<svg', '<svg style=width:400px;height:400px', 1)}"
    )
    picture = other.screenshot(clip={"x": 0, "y": 0, "width": 400, "height": 400})
    other.close()
    return picture


@AT_BOTH
def test_the_whole_visit(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    expect(page.get_by_text("来自 走村入户 · 11月20日").first).to_be_visible()
    page.get_by_role("button", name="家庭人口：更正").click()
    page.get_by_role("textbox", name="家庭人口").fill("6")
    expect(page.get_by_text("也不会自动通知他们")).to_be_visible()
    fill_least(page)
    page.get_by_role("switch", name="填写垃圾分类").click()
    for question, level in (("分类情况", "好"), ("投放情况", "中"), ("桶身清洁", "差")):
        page.get_by_role("radiogroup", name=question).get_by_role("radio", name=level, exact=True).check()
    river = add_finding(page, "river", "桥下有污水入河")
    river.get_by_label("所在河段").fill("东阳")
    river.get_by_role("button", name="东阳江王村段").click()
    river.get_by_role("radio", name="污水入河").check()
    river.get_by_role("button", name="取当前位置").click()
    expect(river.get_by_text("误差约 12 米")).to_be_visible()
    river.get_by_label("照片：拍照或选照片").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": drawn("JPEG", (64, 48), exif=exif(TAKEN_AT))}
    )
    expect(river.get_by_role("button", name="删除照片 1")).to_be_visible()
    add_finding(page, "dispute", "与邻居因排水起纠纷")
    send_all_the_same(page)
    expect(page.get_by_text("这一条暂无部门接收")).to_be_visible()
    expect(page.get_by_text("对方退回：4022 该河段不在您的责任范围")).to_be_visible()
    expect(page.get_by_text("已送到，等待对方受理（批次 0088）")).to_be_visible()
    expect(page.get_by_text("已送达 回执号 PA-77120")).to_be_visible(timeout=20_000)
    check_sent(signed_in)


def check_sent(stage: Stage) -> None:
    body = only_body(stage)
    answers = body["answers"]
    assert answers["household.member_count"] == 6
    assert answers["bin"] == {"bin.sorting": "good", "bin.delivery": "medium", "bin.cleanliness": "poor"}
    assert answers["findings"][0]["finding.location"] == {
        "lon": 120.2389,
        "lat": 29.3004,
        "crs": "wgs84",
        "accuracy_m": 12,
    }
    assert answers["findings"][0]["finding.photos"] == list(stage.world.photos)
    (photo,) = stage.world.photos.values()
    with Image.open(io.BytesIO(photo)) as kept:
        assert kept.size == (48, 64), "turned as it was held"
        assert not kept.getexif(), "what the camera wrote, where it was among it, has left the phone"
    assert all(item["id"] for item in answers["findings"])
    assert body["seen"]["/household.phone"] == {
        "system": "household-visit",
        "as_of": "2026-11-20T02:00:00Z",
        "value": "19900000123",
    }
    assert body["location"] == {"missing": "not_asked"}


def test_an_answer_that_is_hidden_again_is_not_sent(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    card = add_finding(page, "housing", "屋顶漏雨")
    card.get_by_role("radio", name="漏雨").check()
    card.get_by_label("问题类别").select_option("other")
    expect(card.get_by_role("radio", name="漏雨")).to_have_count(0)
    send_all_the_same(page)
    sent(page)
    [finding] = only_body(signed_in)["answers"]["findings"]
    assert set(finding) == {"id", "finding.category", "finding.severity", "finding.description"}


def test_a_refused_value_is_said_to_be_refused(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    page.get_by_role("button", name="联系电话：信息不对").click()
    fill_least(page)
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("还有 1 处")
    page.get_by_role("textbox", name="联系电话").fill("19900000999")
    send(page)
    sent(page)
    assert only_body(signed_in)["answers"]["household.phone"] == "19900000999"


@AT_BOTH
def test_faults_stand_beside_their_questions_and_the_first_is_in_view(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    send(page)
    expect(page.get_by_text("请核对这一项").first).to_be_in_viewport()
    fill_least(page)
    add_finding(page, "dispute", "吵架")
    remedy = {"zh": "补一句即可。", "en": "Add a line."}
    signed_in.world.faults = [
        {
            "path": "/findings/0/finding.description",
            "code": "vague",
            "message": {"zh": "请写明双方关系。", "en": "Say who."},
            "remedy": remedy,
        },
        {"path": "/place", "code": "moved", "message": {"zh": "该户已迁出。", "en": "They moved."}},
    ]
    send(page)
    expect(page.get_by_text("请写明双方关系。补一句即可。")).to_be_in_viewport()
    expect(page.get_by_role("alert").filter(has_text="该户已迁出")).to_be_visible()
    assert page.get_by_label("情况描述").input_value() == "吵架"


@pytest.mark.fault("F35")
def test_nothing_typed_is_lost_by_a_reload_or_by_a_hub_that_is_down(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("老人身体还好")
    page.wait_for_timeout(600)
    page.reload()
    expect(page.get_by_text("已恢复上次没交的内容")).to_be_visible()
    signed_in.world.is_down = True
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("服务器正忙")
    assert page.get_by_label("走访情况").input_value() == "老人身体还好"


@pytest.mark.fault("F36")
def test_an_answer_lost_on_the_way_does_not_make_a_second_submission(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    signed_in.world.loses_answer = True
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器")
    send(page)
    sent(page)
    assert len(signed_in.world.submissions) == 1


@AT_BOTH
def test_a_correction_goes_as_a_revision_and_says_who_was_told(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_role("switch", name="填写垃圾分类").click()
    for good in page.get_by_role("radio", name="好", exact=True).all():
        good.check()
    send(page)
    page.get_by_role("button", name="更正", exact=True).click()
    page.get_by_label("走访情况").fill("更正后的情况")
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    expect(page.get_by_text("已告知：走村入户、防返贫监测")).to_be_visible()
    expect(page.get_by_text("其他系统不变：东阳考垃")).to_be_visible()


def test_a_track_is_recorded_only_between_start_and_stop(signed_in: Stage) -> None:
    page = signed_in.page
    page.goto(f"{signed_in.base}/places/pl-r001/forms/patrol")
    expect(page.get_by_text("只在按下“开始记录”之后才记轨迹。")).not_to_contain_text("已记")
    page.get_by_role("button", name="开始记录").click()
    expect(page.get_by_text("正在记录轨迹")).to_contain_text("已记 1 个点")
    page.get_by_role("button", name="结束记录").click()
    page.context.set_geolocation({"latitude": 29.28, "longitude": 120.24})
    page.wait_for_timeout(300)
    expect(page.get_by_text("已记 1 个点")).to_be_visible()


def test_a_location_that_is_not_allowed_is_said_honestly(signed_in: Stage) -> None:
    signed_in.page.context.clear_permissions()
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_role("button", name="取当前位置").click()
    expect(page.get_by_text("没有定位权限")).to_be_visible()
    send(page)
    sent(page)
    assert only_body(signed_in)["location"] == {"missing": "denied"}


@pytest.mark.fault("F35")
def test_an_ended_session_leads_back_to_where_one_was(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("写到一半")
    signed_in.world.is_signed_in = False
    send(page)
    page.get_by_label("账号").fill("lihua")
    page.get_by_label("密码").fill("demo")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_label("走访情况")).to_have_value("写到一半")
    assert page.url.endswith(VISIT)


@pytest.mark.case("C33")
def test_signing_out_takes_what_is_ones_own_off_the_phone(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_label("走访情况").fill("不该留给下一个人")
    page.wait_for_timeout(600)
    page.goto(f"{signed_in.base}/me")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("alert")).to_contain_text("您有 1 份没交的表")
    page.get_by_role("button", name="退出，删除这 1 份").click()
    page.get_by_label("密码").fill("demo")
    page.get_by_label("账号").fill("lihua")
    page.get_by_role("button", name="登录").click()
    page.get_by_role("heading", name="李华，您好").wait_for()
    page = open_visit(signed_in)
    assert page.get_by_label("走访情况").input_value() == ""


@AT_BOTH
def test_what_was_erased_is_said_once_and_not_asked_for_again(signed_in: Stage) -> None:
    asked: list[str] = []

    def gone(route: Route) -> None:
        asked.append(route.request.url)
        said = {
            "status": 410,
            "code": "submission.erased",
            "title": "这份提交已于 2026-11-23 删除",
            "detail": "请另填。",
        }
        route.fulfill(status=410, content_type="application/problem+json", json=said)

    signed_in.page.route("**/api/v1/submissions/gone", gone)
    signed_in.page.clock.install()
    signed_in.page.goto(f"{signed_in.base}/submissions/gone")
    expect(signed_in.page.get_by_role("alert")).to_contain_text("已于 2026-11-23 删除")
    expect(signed_in.page.get_by_role("button", name="再试一次")).to_have_count(0)
    with signed_in.page.expect_response("**/api/v1/submissions/gone"):
        signed_in.page.clock.run_for(1_500)
    many = len(asked)
    signed_in.page.clock.run_for(60_000)
    signed_in.page.wait_for_load_state("networkidle")
    assert len(asked) == many


def test_a_receipt_that_is_not_there_is_asked_for_rarely(signed_in: Stage) -> None:
    asked: list[str] = []

    def unknown(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=404, content_type="application/problem+json", json={"status": 404, "code": "not_found"})

    signed_in.page.route("**/api/v1/submissions/nowhere", unknown)
    signed_in.page.clock.install()
    signed_in.page.goto(f"{signed_in.base}/submissions/nowhere")
    expect(signed_in.page.get_by_role("button", name="再试一次")).to_be_visible()
    for _ in range(6):
        signed_in.page.clock.run_for(10_000)
        signed_in.page.wait_for_load_state("networkidle")
    assert 2 <= len(asked) <= 4
