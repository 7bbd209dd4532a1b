"""The visit of the story on the page itself: the real hub, four simulated Systems, one officer at a door."""

import base64
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from deploy.county.systems import County
from tests.browser.stage import Visitor, require_no_barrier, visiting
from tests.journeys.world import SYSTEMS, World, hub_of

pytestmark = pytest.mark.timeout(240)
AWAY = "garbage-scoring"
OWN_CODES = ("户主姓名", "联系电话")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
REMEMBER = """() => {
  window.said = new Set();
  const hear = () => document.querySelectorAll(".delivery p").forEach((line) => window.said.add(line.textContent));
  new MutationObserver(hear).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Keeps every sentence about a delivery the page has ever shown: some stand there for two seconds only."""
CARRIED_MS = 90_000
"""How long the farthest System may take; the page is only looked at meanwhile."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Iterator[World]:
    """A county and its hub on free ports, everything read in."""
    home = tmp_path_factory.mktemp("county")
    (home / "hub.db").write_bytes(sqlite_template)
    with County(home / "systems", households=48) as county:
        hub = hub_of(county, home / "hub", f"sqlite:///{home / 'hub.db'}")
        world = World(county, hub)
        try:
            hub.serve()
            for name in SYSTEMS:
                assert {one["outcome"] for one in world.pull(name)} == {"done"}
            yield world
        finally:
            world.part()
            hub.stop()


@pytest.fixture
def officer(real: World, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """The demo's officer, signed in on the page; nothing the browser calls an error may happen after that."""
    with visiting(browser, getattr(request, "param", "phone")) as visitor:
        page = visitor.page
        page.goto(real.hub.url)
        page.get_by_label("账号").fill("officer")
        # Who is there is asked once before anybody is: the browser itself calls that answer an error.
        assert [error.rpartition("/api/v1/")[2] for error in visitor.errors] == ["sessions/me"]
        visitor.errors.clear()
        require_no_barrier(page)
        page.get_by_label("密码").fill("demo-officer")
        page.get_by_role("button", name="登录").click()
        page.get_by_role("heading", name="邓永晓，您好").wait_for()
        yield visitor
        assert visitor.errors == []


def open_door(page: Page, code: str) -> None:
    page.get_by_label("门牌编码").fill(code)
    page.get_by_role("button", name="查找").click()
    page.get_by_role("heading", name="江北街道茗田社区").wait_for()


def open_visit(page: Page) -> None:
    page.get_by_role("button", name="入户走访").click()
    page.get_by_role("heading", name="这些已经知道，请核对").wait_for()


def confirm_and_correct(page: Page) -> None:
    for question in OWN_CODES:
        page.get_by_role("button", name=f"{question}：无误").click()
    page.get_by_role("button", name="家庭人口：更正").click()
    count = page.get_by_role("textbox", name="家庭人口")
    count.fill(str(int(count.input_value()) + 1))
    expect(page.get_by_text("也不会自动通知他们")).to_be_visible()
    page.get_by_role("radio", name="走访慰问").check()


def score_bin(page: Page) -> None:
    page.get_by_role("switch", name="填写垃圾分类").click()
    for question, level in (("分类合理", "差"), ("主动投放", "中"), ("桶身清洁", "差")):
        page.get_by_role("radiogroup", name=question).get_by_role("radio", name=level, exact=True).check()


def add_finding(page: Page, category: str, words: str) -> Locator:
    page.get_by_role("button", name=re.compile("添加.*发现的问题")).click()
    card = page.get_by_role("group", name=re.compile("^发现的问题")).last
    card.get_by_label("问题类别").select_option(label=category)
    card.get_by_role("radio", name="较急").check()
    card.get_by_label("问题描述").fill(words)
    return card


def add_findings(page: Page) -> None:
    add_finding(page, "矛盾纠纷", "与东邻为排水沟有争执，双方愿意调解。")
    river = add_finding(page, "河道水体", "桥下有污水直排入河。")
    river.get_by_role("searchbox", name="所在河段").fill("江北溪上")
    river.get_by_role("list", name="搜索结果").get_by_role("button", name="江北溪上段").click()
    river.get_by_label("河道问题类型").select_option(label="排污口排放")
    river.get_by_role("button", name="取当前位置").click()
    expect(river.get_by_text("误差约 12 米")).to_be_visible()
    roof = add_finding(page, "住房安全", "正屋屋顶漏水，面积约两平方米。")
    roof.get_by_label("住房问题类型").get_by_role("radio", name="漏").check()
    photo = {"name": "roof.png", "mimeType": "image/png", "buffer": PIXEL}
    roof.get_by_label("拍照或选照片").set_input_files(photo)  # type: ignore[arg-type]  # a TypedDict of the library's own
    expect(roof.get_by_role("button", name="删除照片 1")).to_be_visible()


def row(page: Page, record: str, system: str) -> Locator:
    """What became of one record at one System."""
    return page.get_by_role("region", name=record).get_by_role("listitem").filter(has_text=system)


def fill_and_send(page: Page) -> None:
    confirm_and_correct(page)
    score_bin(page)
    add_findings(page)
    page.get_by_role("button", name="提交", exact=True).click()
    before = page.get_by_role("dialog")
    expect(before).to_contain_text("与东邻为排水沟有争执")
    expect(before).to_contain_text("防返贫监测：不是住房安全问题")
    page.get_by_role("button", name="照样提交").click()
    page.get_by_role("heading", name="这次填报").wait_for()


def expect_others_done(page: Page) -> None:
    """Three Systems have it with a number of their own; the one that is away is said to come later."""
    for record, system, number in (
        ("入户走访", "走村入户", r"ZCRH-\d{4}-\d{6}"),
        ("入户走访", "防返贫监测", r"FP\d{13}"),
        ("河道水体", "河长制巡河", r"SX\d{10}"),
        ("住房安全", "防返贫监测", r"FP\d{13}"),
    ):
        done = re.compile(rf"已送达.*{system}已接收，编号 {number}。", re.DOTALL)
        expect(row(page, record, system)).to_have_text(done, timeout=CARRIED_MS)
    away = row(page, "垃圾分类评分", "东阳考垃")
    expect(away).to_contain_text("对方暂时没有应答，会自动再送，不用重填。")
    expect(away).to_contain_text(re.compile(r"再送，已试 \d+ 次"))
    expect(page.get_by_role("status")).to_contain_text("正在发给各系统（已送达 3/4）")


def expect_dispute_is_kept(page: Page) -> None:
    dispute = page.get_by_role("region", name="矛盾纠纷")
    expect(dispute).to_contain_text("这一条暂无部门接收，已登记在一填通。")
    expect(dispute.get_by_text("河长制巡河：不是河道问题，河段不在巡河系统中，或填报人没有工号")).to_be_visible()
    expect(dispute).to_contain_text(re.compile("还没有人接办，可以找.+，电话 19900000"))


def correct_next_visit(page: Page) -> None:
    """Only the System that is told this date is told again, and the page says who was left alone."""
    page.get_by_role("button", name="更正", exact=True).click()
    page.get_by_role("button", name="两周后").click()
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    expect(page.get_by_text("已告知：走村入户", exact=True)).to_be_visible()
    expect(page.get_by_text("其他系统不变：防返贫监测、东阳考垃、河长制巡河")).to_be_visible()
    told = page.get_by_role("listitem").filter(has_text="更正：走村入户已接收，编号 ZCRH-")
    expect(told).to_be_visible(timeout=CARRIED_MS)
    expect(page.get_by_role("main").get_by_text("更正：")).to_have_count(1)
    expect(page.get_by_role("heading", name="已送达 4 个系统，不用再填；另有 1 条暂无部门接收")).to_be_visible()


def require_no_words_of_machines(page: Page) -> None:
    """No address, code word or English on a page for Chinese officers, but for the numbers Systems gave."""
    said = page.get_by_role("main").inner_text()
    assert re.findall(r"[A-Za-z]{2,}", re.sub(r"[A-Z0-9]{4,}(-\d+)*", "", said)) == []


def test_one_visit_reaches_every_system_and_says_so(real: World, officer: Visitor) -> None:
    page, door = officer.page, real.new_door()
    for code in (door.household, door.bin, door.old_plate, door.file):
        page.goto(real.hub.url)
        open_door(page, code)
        for alias in (door.household, door.bin, door.file, door.old_plate):
            expect(page.get_by_role("main")).to_contain_text(alias)
    require_no_barrier(page)
    open_visit(page)
    expect(page.get_by_text(re.compile(r"^来自 走村入户 · \d+月\d+日$"))).to_have_count(3)
    require_no_barrier(page)
    real.county.stop(AWAY)
    page.evaluate(REMEMBER)
    fill_and_send(page)
    expect_dispute_is_kept(page)
    expect_others_done(page)
    assert "已送到防返贫监测，等待对方答复是否接收。" in page.evaluate("[...window.said]")
    require_no_barrier(page)
    real.county.start(AWAY)
    scored = re.compile(r"已送达.*东阳考垃已接收，编号 KL\d{13}。", re.DOTALL)
    expect(row(page, "垃圾分类评分", "东阳考垃")).to_have_text(scored, timeout=CARRIED_MS)
    expect(page.get_by_role("heading", name="已送达 4 个系统，不用再填；另有 1 条暂无部门接收")).to_be_visible()
    require_no_barrier(page)
    correct_next_visit(page)
    require_no_words_of_machines(page)


@pytest.mark.parametrize("officer", ["desk"], indirect=True)
def test_the_desk_shows_form_and_receipt(real: World, officer: Visitor) -> None:
    page, door = officer.page, real.new_door()
    open_door(page, door.file)
    open_visit(page)
    require_no_barrier(page)
    page.get_by_role("button", name="以上 3 项都无误").click()
    page.get_by_role("radio", name="回访").check()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", name="已全部送达，2 个系统都不用再填")).to_be_visible(timeout=CARRIED_MS)
    require_no_barrier(page)
    require_no_words_of_machines(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
