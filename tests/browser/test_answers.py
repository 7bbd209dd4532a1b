"""Answers as people give them: blanks, full width, photos that cannot be read, hours of positions, old door plates."""

import io
from typing import Any

import pytest
import qrcode
from playwright.sync_api import Page, expect
from qrcode.image.svg import SvgPathImage
from qrcode.util import MODE_8BIT_BYTE, QRData

from tests.browser.acts import fill_least, only_body, open_visit, own_visit, send, sent
from tests.browser.fake_forms import control
from tests.browser.stage import Stage, require_no_barrier
from tests.browser.test_portal import draw
from tests.pictures import drawn


def correct(page: Page, question: str, text: str) -> None:
    page.get_by_role("button", name=f"{question}：更正").click()
    page.get_by_role("textbox", name=question).fill(text)
    page.get_by_role("textbox", name=question).blur()


@pytest.mark.case("C25")
@pytest.mark.parametrize("blank", [" ", "\u3000", "\u00a0", "\ufeff"])
def test_a_blank_in_a_number_is_no_answer(signed_in: Stage, blank: str) -> None:
    page = open_visit(signed_in)
    correct(page, "家庭人口", blank)
    fill_least(page)
    send(page)
    expect(page.get_by_text("这一项没有填写。请补上。")).to_be_in_viewport()
    assert signed_in.world.bodies == {}


@pytest.mark.case("C25")
def test_figures_in_full_width_and_pasted_blanks_are_understood(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    correct(page, "家庭人口", "　６ ")
    expect(page.get_by_role("textbox", name="家庭人口")).to_have_value("6")
    correct(page, "联系电话", "　１９９０００００７７７ ")
    expect(page.get_by_role("textbox", name="联系电话")).to_have_value("19900000777")
    correct(page, "户主姓名", " 王德福　")
    page.get_by_role("radio", name="回访").check()
    send(page)
    sent(page)
    answers = only_body(signed_in)["answers"]
    assert (answers["household.member_count"], answers["household.phone"], answers["household.head_name"]) == (
        6, "19900000777", "王德福",
    )  # fmt: skip


@pytest.mark.case("C25")
def test_what_is_no_number_is_said_and_stays_to_be_mended(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    correct(page, "家庭人口", "约4人")
    fill_least(page)
    send(page)
    expect(page.get_by_text("这里要填整数。")).to_be_in_viewport()
    expect(page.get_by_role("textbox", name="家庭人口")).to_have_value("约4人")


@pytest.mark.case("C25")
def test_a_number_can_be_typed_key_by_key(signed_in: Stage) -> None:
    form = own_visit(signed_in)
    form["schema"]["properties"]["area"] = {"type": "number"}
    form["ui"]["elements"].append(control("area", "面积", "Area", widget="number", optional=True))
    page = open_visit(signed_in)
    fill_least(page)
    page.get_by_role("textbox", name="面积").press_sequentially("12.50")
    expect(page.get_by_role("textbox", name="面积")).to_have_value("12.50")
    send(page)
    sent(page)
    assert only_body(signed_in)["answers"]["area"] == 12.5


def picked(*names: str) -> list[Any]:
    """Photos of different colours under these names; `bad` ones hold no picture."""
    return [
        {
            "name": name,
            "mimeType": "image/jpeg",
            "buffer": b"no picture" if "bad" in name else drawn("JPEG", (64 + number, 48)),
        }
        for number, name in enumerate(names)
    ]


@pytest.mark.case("C26")
def test_the_good_photos_are_taken_and_the_bad_one_is_named(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    fill_least(page)
    photos = page.get_by_label("现场照片：拍照或选照片")
    photos.set_input_files(picked("a.jpg", "bad.jpg", "c.jpg"))
    expect(page.get_by_role("alert")).to_have_text("这些照片打不开，没有放：bad.jpg。请换一张。")
    expect(page.get_by_role("button", name="删除照片 2")).to_be_visible()
    require_no_barrier(page)
    send(page)
    sent(page)
    assert len(only_body(signed_in)["answers"]["photos"]) == len(signed_in.world.photos) == 2


@pytest.mark.case("C26")
def test_more_photos_than_fit_are_named(signed_in: Stage) -> None:
    page = open_visit(signed_in)
    photos = page.get_by_label("现场照片：拍照或选照片")
    photos.set_input_files(picked(*(f"{n}.jpg" for n in range(1, 12))))
    expect(page.get_by_role("alert")).to_have_text("最多 9 张，这些没有放：10.jpg、11.jpg。")
    expect(page.get_by_role("button", name="删除照片 9")).to_be_visible()
    page.get_by_role("button", name="删除照片 9").click()
    photos.set_input_files(picked("new.jpg", "more.jpg"))
    expect(page.get_by_text("这些已经有了，没有重复放：new.jpg、more.jpg。")).to_be_visible()


FEED = """({seconds, rush}) => new Promise((done) => {
    const start = Date.now() - seconds * 1000;
    let said = 0, next = 0, slowest = 0;
    const tell = window.heard;
    const begun = performance.now();
    const go = () => {
        const until = Math.min(seconds, said + rush);
        const before = performance.now();
        for (; said < until; said++) tell({
            coords: {longitude: 120.2389 + said * 1e-5, latitude: 29.3004, accuracy: 8}, timestamp: start + said * 1000,
        });
        slowest = Math.max(slowest, performance.now() - before);
        said < seconds ? setTimeout(go) : done({took: performance.now() - begun, slowest});
    };
    go();
})"""


@pytest.mark.case("C27")
@pytest.mark.parametrize(("minutes", "within_s"), [(84, 20), (480, 60)], ids=["83 minutes", "8 hours"])
def test_a_long_patrol_is_thinned_while_it_is_recorded_and_goes(
    signed_in: Stage, minutes: int, within_s: float
) -> None:
    page = signed_in.page
    page.add_init_script("""
        navigator.geolocation.watchPosition = (hear) => { window.heard = hear; return 1 };
        navigator.geolocation.clearWatch = () => {};
    """)
    page.goto(f"{signed_in.base}/places/pl-r001/forms/patrol")
    page.get_by_role("button", name="开始时间：现在").click()
    page.get_by_role("button", name="结束时间：现在").click()
    page.get_by_role("radio", name="正常").check()
    page.get_by_role("button", name="开始记录").click()
    fed = page.evaluate(FEED, {"seconds": minutes * 60, "rush": 200})
    assert fed["took"] < within_s * 1000, fed
    if minutes * 60 > 15_000:
        expect(page.get_by_text("已自动精简：手机报了 28800 次位置")).to_be_visible()
    page.get_by_role("button", name="结束记录").click()
    require_no_barrier(page)
    page.evaluate("window.begun = performance.now()")
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("button", name="照样提交").click()
    sent(page)
    assert page.evaluate("performance.now() - window.begun") < within_s * 1000
    track = only_body(signed_in)["answers"]["patrol.track"]
    assert 1_000 < len(track) <= 5_000
    assert track[-1]["lon"] == pytest.approx(120.2389 + (minutes * 60 - 1) * 1e-5, abs=4e-5)


@pytest.mark.case("C27")
def test_a_track_of_before_that_cannot_be_sent_is_made_to_fit(signed_in: Stage) -> None:
    page = signed_in.page
    page.goto(f"{signed_in.base}/places/pl-r001/forms/patrol")
    page.get_by_role("radio", name="正常").check()
    page.wait_for_timeout(600)
    page.evaluate("""new Promise((done) => {
        const opening = indexedDB.open("fillonce");
        opening.onsuccess = () => {
            const rows = opening.result.transaction("drafts", "readwrite").objectStore("drafts");
            const asked = rows.getAllKeys();
            asked.onsuccess = () => {
                const reading = rows.get(asked.result[0]);
                reading.onsuccess = () => {
                    const record = reading.result;
                    record.content.answers["patrol.track"] = Array.from({length: 5001}, (_, s) => ({
                        lon: 120.2 + s * 1e-4, lat: 29.3, crs: "wgs84", accuracy_m: 8,
                        at: new Date(1.79e12 + s * 1000).toISOString(),
                    }));
                    rows.put(record, asked.result[0]).onsuccess = done;
                };
            };
        };
    })""")
    page.reload()
    expect(page.get_by_text("已自动精简：手机报了 5001 次位置")).to_be_visible()
    expect(page.get_by_role("button", name="接着记录")).to_be_visible()
    page.get_by_role("button", name="开始时间：现在").click()
    page.get_by_role("button", name="结束时间：现在").click()
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("button", name="照样提交").click()
    sent(page)
    assert len(only_body(signed_in)["answers"]["patrol.track"]) <= 5_000


@pytest.mark.case("C28")
@pytest.mark.parametrize("coding", ["gbk", "utf-8"])
def test_a_door_plate_opens_in_whatever_coding_it_was_printed(signed_in: Stage, coding: str) -> None:
    page = signed_in.page
    code = qrcode.QRCode(border=6)
    code.add_data(QRData("DY/王村/12".encode(coding), mode=MODE_8BIT_BYTE))
    picture = io.BytesIO()
    code.make_image(image_factory=SvgPathImage).save(picture)
    photo = {"name": "door.png", "mimeType": "image/png", "buffer": draw(page, picture.getvalue().decode())}
    page.get_by_label("从相册选码").set_input_files(photo)  # type: ignore[arg-type]  # a TypedDict of the library's own
    expect(page.get_by_role("heading", name="王村 12 号")).to_be_visible()


@pytest.mark.case("C28")
def test_a_photo_without_a_code_says_so(signed_in: Stage) -> None:
    page = signed_in.page
    page.get_by_label("从相册选码").set_input_files(picked("wall.jpg"))
    expect(page.get_by_role("alert")).to_contain_text("照片里没有认出码")
    page.get_by_label("从相册选码").set_input_files(picked("bad.jpg"))
    expect(page.get_by_role("alert")).to_contain_text("这张照片打不开")


def segments(stage: Stage, count: int) -> None:
    """So many river segments, as a database gives them: by their text."""
    [one] = stage.world.segments
    made = [one | {"id": f"pl-r{n:03}", "name": f"东阳江第{n}段"} for n in range(1, count + 1)]
    stage.world.segments = sorted(made, key=lambda row: row["name"])


@pytest.mark.case("C34")
@pytest.mark.parametrize("count", [92, 450])
def test_every_segment_can_be_reached_in_the_order_people_count(signed_in: Stage, count: int) -> None:
    segments(signed_in, count)
    page = signed_in.page
    page.goto(f"{signed_in.base}/forms/patrol")
    page.get_by_label("按名称找河段").focus()
    found = page.get_by_role("list", name="搜索结果").get_by_role("listitem")
    expect(found).to_have_count(50)
    if count == 92:
        expect(found.nth(0)).to_contain_text("东阳江第1段")
        expect(found.nth(9)).to_contain_text("东阳江第10段")
    expect(page.get_by_text("已列出 50 条")).to_be_visible()
    require_no_barrier(page)
    for shown in range(50, count, 50):
        expect(found).to_have_count(shown)
        page.get_by_role("button", name="显示更多").click()
    expect(found).to_have_count(count)
    expect(page.get_by_text(f"共 {count} 条，已全部列出")).to_be_visible()
    numbers = [int("".join(filter(str.isdigit, name.split("段")[0]))) for name in found.all_inner_texts()]
    assert numbers == list(range(1, count + 1))
    page.get_by_role("button", name=f"东阳江第{count}段").click()
    page.get_by_role("heading", name="巡河").wait_for()


@pytest.mark.case("C34")
def test_a_hub_that_always_begins_at_the_beginning_does_not_list_for_ever(signed_in: Stage) -> None:
    segments(signed_in, 200)
    page = signed_in.page
    page.route("**/api/v1/places?*", lambda route: route.continue_(url=route.request.url.split("&after=")[0]))
    page.goto(f"{signed_in.base}/forms/patrol")
    page.get_by_label("按名称找河段").focus()
    for _ in range(4):
        page.get_by_role("button", name="显示更多").click()
    expect(page.get_by_text("共 200 条，已全部列出")).to_be_visible()


def submissions(stage: Stage, count: int) -> None:
    """So many of mine, each of the least that goes."""
    page = open_visit(stage)
    fill_least(page)
    send(page)
    sent(page)
    body, row = only_body(stage), next(iter(stage.world.submissions.values()))
    for number in range(2, count + 1):
        stage.world.bodies[f"s{number}"] = body | {"id": f"c{number}"}
        stage.world.submissions[f"s{number}"] = row | {"number": f"2026-{number:04}"}


@pytest.mark.case("C34")
def test_my_submissions_go_on_past_fifty(signed_in: Stage) -> None:
    submissions(signed_in, 120)
    page = signed_in.page
    page.goto(f"{signed_in.base}/submissions")
    rows = page.get_by_role("main").get_by_role("listitem")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="要我处理").click()
    expect(page.get_by_text("已列出的 50 份里没有，可以再往前找。")).to_be_visible()
    page.get_by_role("button", name="显示更多").click()
    page.get_by_role("button", name="全部").click()
    expect(rows).to_have_count(100)
    page.get_by_role("button", name="显示更多").click()
    expect(rows).to_have_count(120)
    expect(rows.last).to_contain_text("编号 2026-0001")
    expect(page.get_by_text("共 120 条，已全部列出")).to_be_visible()
    require_no_barrier(page)
