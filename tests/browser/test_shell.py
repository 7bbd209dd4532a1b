"""What holds on every page: no barrier axe knows, the chosen language and letters, opening without a network."""

import json

import pytest
from conftest import SIZES, Stage
from playwright.sync_api import expect

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


def test_the_shell_opens_without_a_network(signed_in: Stage) -> None:
    page = signed_in.page
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("caches.keys().then((names) => names.some((name) => name.includes('precache')))")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("连不上服务器").first).to_be_visible()
    page.context.set_offline(False)


@AT_BOTH
@pytest.mark.parametrize("path", ["/", "/places/pl-7f3a", VISIT, "/submissions", "/me", "/forms/visit"])
def test_pages_have_no_barrier_axe_knows(signed_in: Stage, axe: str, path: str) -> None:
    page = signed_in.page
    page.goto(signed_in.base + path)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate(axe)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']}).then((result) => result.violations)")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], json.dumps(
        found, ensure_ascii=False
    )[:2000]
