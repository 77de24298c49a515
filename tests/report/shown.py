"""Pages of the built site in headless Chromium: the browser, the site's address, and a page with what it asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.folder_server import served


class Shown:
    """A page in the browser, and what it complained about or asked for."""

    def __init__(self, browser: Any, site: str, name: str, width: int = 1440, theme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(f"{site}/{name}")

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *error: object) -> None:
        self.page.close()

    def count(self, selector: str) -> int:
        """The number of visible elements."""
        return int(self.page.locator(f"{selector}:visible").count())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, driven by playwright. The test is skipped where one of the two is not installed."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if not chromium:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        made = started.chromium.launch(executable_path=chromium, args=sandbox)
        yield made
        made.close()


@pytest.fixture(scope="module")
def site(real: tuple[Path, str]) -> Iterator[str]:
    with served(real[0]) as address:
        yield address


@pytest.fixture(scope="module")
def audit() -> Any:
    """What axe-core finds on a page: `audit(page, rule, ...)`."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

    def run(page: Any, *rules: str) -> list[tuple[str, str]]:
        found = axe.Axe().run(page, options={"runOnly": list(rules)}).response["violations"]
        return [(one["id"], node["html"]) for one in found for node in one["nodes"]]

    return run
