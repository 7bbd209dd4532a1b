"""What people met, walked on the page with the real hub behind it: drafts, corrections, lists, promises, an upgrade."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, Route, expect

from deploy.county.seed import VILLAGES, Door
from deploy.county.systems import County
from tests.browser.acts import KEPT_MS, line, stop_the_worker
from tests.browser.stage import Visitor, require_no_barrier, visiting
from tests.browser.test_real_visit import officer, open_door, open_visit, real  # noqa: F401 - fixtures of the same county
from tests.journeys.process import ROOT
from tests.journeys.world import World, hub_of

pytestmark = pytest.mark.timeout(300)
NEW_PHONE = "19900000999"


def source_says(world: World, door: Door, **values: object) -> None:
    """Let the visiting system learn something else of a household, and the hub read it."""
    with closing(sqlite3.connect(world.county.data / "household_visit/household_visit.db")) as books:
        [row] = books.execute("SELECT body FROM household WHERE code = ?", (door.household,))
        at = (datetime.now(UTC) + timedelta(hours=8, seconds=-5)).strftime("%Y-%m-%d %H:%M:%S")
        body = json.loads(row[0]) | values | {"updatedAt": at}
        books.execute(
            "UPDATE household SET updated_at = ?, body = ? WHERE code = ?", (at, json.dumps(body), door.household)
        )
        books.commit()
    assert {one["outcome"] for one in world.pull("household-visit")} == {"done"}


def confirm_all(page: Page) -> None:
    page.get_by_role("button", name="以上 3 项都无误").click()
    page.get_by_role("radio", name="回访").check()


def send(page: Page) -> None:
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("heading", name="这次填报").wait_for()


def at_the_door(world: World, page: Page, door: Door) -> None:
    page.goto(world.hub.url)
    open_door(page, door.household)
    open_visit(page)


@pytest.mark.case("C20")
def test_a_phone_the_source_changed_meanwhile_is_asked_again(real: World, officer: Visitor) -> None:  # noqa: F811 - fixtures
    page, door = officer.page, real.new_door()
    at_the_door(real, page, door)
    confirm_all(page)
    page.wait_for_timeout(KEPT_MS)
    source_says(real, door, phone=NEW_PHONE)
    at_the_door(real, page, door)
    expect(line(page, "联系电话")).to_contain_text(f"来源后来改成了：{NEW_PHONE}。请再核对。")
    require_no_barrier(page)
    page.get_by_role("button", name="联系电话：无误").click()
    send(page)
    expect(page.get_by_text("与来源系统不一致的")).to_have_count(0)
    sent = real.person("officer").get("submissions", mine="true", limit="1")[0]
    view = real.person("officer").get(f"submissions/{sent['id']}")
    assert (view["answers"]["household.phone"], view["discrepancies"]) == (NEW_PHONE, [])


@pytest.mark.case("C20")
def test_what_was_confirmed_while_the_page_stayed_open_is_no_discrepancy(real: World, officer: Visitor) -> None:  # noqa: F811 - fixtures
    page, door = officer.page, real.new_door()
    at_the_door(real, page, door)
    confirm_all(page)
    source_says(real, door, phone=NEW_PHONE)
    send(page)
    expect(page.get_by_text("与来源系统不一致的")).to_have_count(0)


@pytest.mark.case("C21")
def test_correcting_one_answer_makes_no_discrepancy_of_the_others(real: World, officer: Visitor) -> None:  # noqa: F811 - fixtures
    page, door = officer.page, real.new_door()
    at_the_door(real, page, door)
    confirm_all(page)
    send(page)
    source_says(real, door, phone=NEW_PHONE, memberCount=9)
    page.get_by_role("button", name="更正", exact=True).click()
    expect(line(page, "联系电话")).to_contain_text(f"来源现在写的是：{NEW_PHONE}。")
    page.get_by_label("走访情况").fill("只改这一句")
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    expect(page.get_by_text("与来源系统不一致的")).to_have_count(0)
    assert real.query("SELECT * FROM discrepancy d JOIN place p ON p.id = d.place_id JOIN alias a ON a.place_id = p.id "
                      "WHERE a.code = :code", code=door.household) == []  # fmt: skip


@pytest.mark.case("C32")
def test_a_lost_answer_and_a_changed_word_become_a_correction(real: World, officer: Visitor) -> None:  # noqa: F811 - fixtures
    page, door = officer.page, real.new_door()
    at_the_door(real, page, door)
    confirm_all(page)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/v1/submissions", lose, times=1)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("连不上服务器")
    page.get_by_label("走访情况").fill("后来改了一个词")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_text("这一份先前已经收到（编号")).to_be_visible()
    require_no_barrier(page)
    page.get_by_role("button", name="提交更正").click()
    expect(page.get_by_text("更正已登记（第 2 版）")).to_be_visible()
    at_the_door(real, page, door)
    expect(page.get_by_text("已恢复上次没交的内容")).to_have_count(0)
    # The browser calls both an error: the answer that was lost, and the conflict.
    assert [error for error in officer.errors if not re.search("409|ERR_FAILED", error)] == []
    officer.errors.clear()


@pytest.mark.case("C34")
def test_every_segment_of_a_long_river_can_be_picked(real: World, officer: Visitor) -> None:  # noqa: F811 - fixtures
    with closing(sqlite3.connect(real.county.data / "river_patrol/river_patrol.db")) as books:
        [row] = books.execute("SELECT body FROM segment WHERE id = 'HD011'")
        for number in range(1, 93):
            body = json.loads(row[0]) | {"segmentId": f"LONG{number}", "name": f"长溪第{number}段"}
            books.execute("INSERT INTO segment VALUES (?, ?)", (f"LONG{number}", json.dumps(body)))
        books.commit()
    assert {one["outcome"] for one in real.pull("river-patrol")} == {"done"}
    page = officer.page
    page.goto(f"{real.hub.url}/forms/patrol")
    page.get_by_label("按名称找河段").fill("长溪第")
    found = page.get_by_role("list", name="搜索结果").get_by_role("listitem")
    expect(found).to_have_count(50)
    expect(found.nth(1)).to_contain_text("长溪第2段")
    page.get_by_role("button", name="显示更多").click()
    expect(found).to_have_count(92)
    expect(page.get_by_text("共 92 条，已全部列出")).to_be_visible()
    page.get_by_role("button", name="长溪第92段").click()
    page.get_by_role("heading", name="巡河", exact=True).wait_for()


@pytest.mark.case("C44")
def test_a_patrol_without_a_track_is_told_before_it_goes(real: World, officer: Visitor) -> None:  # noqa: F811 - fixtures
    page = officer.page
    page.goto(real.hub.url)
    page.get_by_label("门牌编码").fill("HD011")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("button", name="巡河").click()
    page.get_by_role("button", name="开始时间：现在").click()
    page.get_by_role("button", name="结束时间：现在").click()
    page.get_by_role("radio", name="正常").check()
    page.get_by_role("radiogroup", name="没有需要上报的问题").get_by_role("radio", name="是").check()
    page.get_by_role("button", name="提交", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("暂无部门接收，只登记在一填通，不会发给任何系统。")
    expect(dialog).to_contain_text("各系统不收的原因：")
    expect(dialog).to_contain_text("河长制巡河：没有巡查路线，河段不在巡河系统中")
    require_no_barrier(page)
    page.get_by_role("button", name="回去改").click()
    expect(page.get_by_role("button", name="开始记录")).to_be_visible()
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("button", name="照样提交").click()
    expect(page.get_by_text("这一条暂无部门接收，已登记在一填通。")).to_be_visible()
    nowhere = page.get_by_role("region", name=re.compile("^巡河"))
    expect(nowhere).to_contain_text("河长制巡河：没有巡查路线，河段不在巡河系统中")


@pytest.fixture
def own(tmp_path: Path, sqlite_template: bytes) -> Iterator[World]:
    """A hub with forms and pages of its own, which a check may change; its county is not read."""
    home = tmp_path / "county"
    for folder in ("forms", "schemas", "hub/ui/dist"):
        shutil.copytree(ROOT / folder, home / folder)
    (tmp_path / "hub.db").write_bytes(sqlite_template)
    with County(tmp_path / "systems", households=12) as county:
        hub = hub_of(county, tmp_path / "hub", f"sqlite:///{tmp_path / 'hub.db'}", HOME=str(home))
        world = World(county, hub)
        try:
            hub.serve()
            world.pull("household-visit")
            yield world
        finally:
            world.part()
            hub.stop()


@contextmanager
def officer_at(world: World, browser: Browser) -> Iterator[Page]:
    with visiting(browser, "phone") as visitor:
        page = visitor.page
        page.goto(world.hub.url)
        page.get_by_label("账号").fill("officer")
        page.get_by_label("密码").fill("demo-officer")
        page.get_by_role("button", name="登录").click()
        page.get_by_role("heading", name="邓永晓，您好").wait_for()
        yield page


@pytest.mark.case("C22")
def test_a_draft_goes_in_its_own_version_after_a_new_one_is_out(own: World, browser: Browser) -> None:
    door = Door(VILLAGES[0], 1)
    with officer_at(own, browser) as page:
        at_the_door(own, page, door)
        confirm_all(page)
        page.get_by_label("走访情况").fill("老人身体还好")
        page.wait_for_timeout(KEPT_MS)
        release_second_version(Path(own.hub.told["HOME"]) / "forms/visit")
        own.hub.stop()
        own.hub.serve()
        at_the_door(own, page, door)
        expect(page.get_by_text("这张表出了第 2 版，您没交的是第 1 版，可以照原来的交。")).to_be_visible()
        require_no_barrier(page)
        send(page)
        [sent] = own.person("officer").get("submissions", mine="true")
        view = own.person("officer").get(f"submissions/{sent['id']}")
        assert (view["version"], view["answers"]["visit.summary"]) == (1, "老人身体还好")
        at_the_door(own, page, Door(VILLAGES[0], 2))
        expect(page.get_by_label("走访情况")).to_have_count(0)


def release_second_version(folder: Path) -> None:
    """The same form without one question, under the next number."""
    form = yaml.safe_load((folder / "v1.yaml").read_text(encoding="utf-8"))
    form["questions"] = [one for one in form["questions"] if "visit.summary" not in one]
    for example in form["examples"]:
        example["answers"].pop("visit.summary", None)
    (folder / "v2.yaml").write_text(yaml.safe_dump(form, allow_unicode=True, sort_keys=False), encoding="utf-8")


@pytest.mark.case("C35")
def test_a_tap_after_an_upgrade_goes_where_it_was_meant_to(own: World, browser: Browser) -> None:
    with officer_at(own, browser) as page:
        stop_the_worker(page)
        page.goto(own.hub.url)
        page.get_by_role("heading", name="邓永晓，您好").wait_for()
        upgrade(Path(own.hub.told["HOME"]) / "hub/ui/dist")
        page.get_by_role("link", name=re.compile("问题上报")).click()
        page.get_by_role("heading", name="问题上报").wait_for()
        expect(page.get_by_label("一句话概括")).to_be_visible()


def upgrade(dist: Path) -> None:
    """Another build: each part that is loaded later has another name."""
    parts = [path for path in (dist / "assets").glob("*.js") if not path.name.startswith("portal-")]
    renamed = {path.name: f"{path.stem[:-8]}upgraded.js" for path in parts}
    for path in [*dist.glob("*.html"), *dist.glob("*.js"), *(dist / "assets").glob("*.js")]:
        text = path.read_text(encoding="utf-8")
        for old, new in renamed.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    for path in parts:
        path.rename(path.with_name(renamed[path.name]))
