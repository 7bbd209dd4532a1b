"""A browser, the built portal behind the fake API, and a signed-in page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.acts import VISIT
from tests.browser.fake_api import DIST, World, serve
from tests.browser.stage import UI, Stage, visiting


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep everything here in one worker: one browser for all."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


# Of the package, not the session: while Playwright's loop lives, nobody else in this process can run one.
@pytest.fixture(scope="package")
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
    world = World()
    server = serve(world)
    with visiting(browser, getattr(request, "param", "phone")) as visitor:
        yield Stage(visitor.page, world, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def signed_in(stage: Stage) -> Stage:
    stage.page.goto(stage.base)
    stage.page.get_by_label("账号").fill("lihua")
    stage.page.get_by_label("密码").fill("demo")
    stage.page.get_by_role("button", name="登录").click()
    stage.page.get_by_role("heading", name="李华，您好").wait_for()
    return stage


@pytest.fixture
def second_tab(signed_in: Stage) -> Page:
    """The visit in another tab of the same phone."""
    page = signed_in.page.context.new_page()
    page.set_default_timeout(10_000)
    page.goto(signed_in.base + VISIT)
    page.get_by_role("heading", name="这些已经知道，请核对").wait_for()
    return page
