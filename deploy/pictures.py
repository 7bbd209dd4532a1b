"""The pictures of the docs: `python -m deploy.pictures FOLDER` tells the story and photographs its pages."""

import argparse
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, ViewportSize, sync_playwright

from deploy.county import receipt, story
from deploy.county.__main__ import running_hub
from deploy.county.portal import Person
from deploy.county.systems import County

CHROMIUM = "/usr/bin/chromium"
PORT = 8000
SIZES = {"phone": ViewportSize(width=390, height=980), "desk": ViewportSize(width=1280, height=800)}
"""The phone is a little taller than one is: one picture instead of two."""
SHARPNESS = {"phone": 1.75, "desk": 1.25}
"""Pixels for a pixel of the page; the docs show them small, so more would only weigh more."""


def photograph(page: Page, address: str, file: Path) -> None:
    """Open a page, wait until it has said everything, keep its picture."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)


def pictures(officer: Person) -> dict[str, str]:
    """Return which page of the officer's each picture shows."""
    latest = officer.get("submissions", mine="true")[0]
    place, receipts = f"/places/{latest['place']['id']}", f"/submissions/{latest['id']}"
    visit = f"{place}/forms/visit"
    return {"place-phone": place, "visit-phone": visit, "receipts-phone": receipts, "receipts-desk": receipts}


def photograph_all(address: str, officer: Person, folder: Path) -> None:
    """Photograph what the officer sees, on a phone and at a desk."""
    host = str(urlsplit(address).hostname)
    cookies = [{"name": name, "value": value, "domain": host, "path": "/"} for name, value in officer.cookies.items()]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, path in pictures(officer).items():
            size = name.rpartition("-")[2]
            context = browser.new_context(
                viewport=SIZES[size],
                device_scale_factor=SHARPNESS[size],
                locale="zh-CN",
                timezone_id="Asia/Shanghai",
            )
            context.add_cookies(cookies)  # type: ignore[arg-type]  # a TypedDict of the library's own
            photograph(context.new_page(), address + path, folder / f"{name}.png")
            context.close()
        browser.close()


def main() -> int:
    """Tell the story in an empty county, then take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="fillonce-") as data,
        County(Path(data), fixed_ports=True) as county,
        running_hub(county, PORT) as address,
    ):
        broken = story.tell(address, county)
        receipt.verdict(broken)
        with Person(address, "officer") as officer:
            photograph_all(address, officer, folder)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
