"""One page in one browser, with everything it complained about; the hub behind it is the fixture's choice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Geolocation, Page

from tests.browser.fake_api import DIST, World

UI = DIST.parent
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
AXE = Path(UI) / "node_modules" / "axe-core" / "axe.min.js"
AT_THE_RIVER = Geolocation(latitude=29.3004, longitude=120.2389, accuracy=12)


@dataclass
class Visitor:
    """A page of somebody, and what the browser had against it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the console says: breaches of the policy, and every other error."""
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)
        elif message.type == "error":
            self.errors.append(f"{message.text} {message.location['url']}")


@dataclass
class Stage:
    """One page on one fake hub."""

    page: Page
    world: World
    base: str


@contextmanager
def visiting(browser: Browser, size: str) -> Iterator[Visitor]:
    """A page in Dongyang, standing where its browser says; no breach of the policy and no exception may happen."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        geolocation=AT_THE_RIVER,
        permissions=["geolocation"],
    )
    visitor = Visitor(context.new_page())
    visitor.page.set_default_timeout(10_000)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.page.on("console", visitor.hear)
    yield visitor
    context.close()
    assert visitor.complaints == []


STILL = """Promise.all(document.getAnimations()
    .filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity)
    .map((animation) => animation.finished.catch(() => null)))"""
"""A dialog that is still fading in has other colours than a person reads it in."""


def require_no_barrier(page: Page) -> None:
    """Nothing on the page may be in the way of a person, as far as axe can tell."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate(STILL)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']}).then((result) => result.violations)")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], json.dumps(
        found, ensure_ascii=False
    )[:2000]
