"""A browser, the built portal behind the fake API, and a signed-in page; nothing here touches the real hub."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_api import DIST, World, serve
from playwright.sync_api import Browser, Page, sync_playwright

UI = DIST.parent
SIZES = {"phone": (390, 844), "desk": (1280, 800)}


@dataclass
class Stage:
    """One page on one fake hub."""

    page: Page
    world: World
    base: str
    complaints: list[str]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not (DIST / "index.html").exists():
        pytest.fail(f"{DIST} is not built: run `npm ci && npm run build` in {UI}")
    with sync_playwright() as driver:
        # Xvfb and a sandbox are both missing in containers.
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def stage(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Stage]:
    width, height = SIZES[getattr(request, "param", "phone")]
    world = World()
    server = serve(world)
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        geolocation={"latitude": 29.27, "longitude": 120.23, "accuracy": 12},
        permissions=["geolocation"],
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: "Content Security Policy" in message.text and complaints.append(message.text))
    base = f"http://127.0.0.1:{server.server_port}"
    yield Stage(page, world, base, complaints)
    context.close()
    server.shutdown()
    server.server_close()
    assert complaints == []


@pytest.fixture
def signed_in(stage: Stage) -> Stage:
    stage.page.goto(stage.base)
    stage.page.get_by_label("账号").fill("lihua")
    stage.page.get_by_label("密码").fill("demo")
    stage.page.get_by_role("button", name="登录").click()
    stage.page.get_by_role("heading", name="李华，您好").wait_for()
    return stage


@pytest.fixture
def axe() -> str:
    return (Path(UI) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
