"""The viewer of signals in a real browser: what it loads, its buttons and keys, its table. Skipped without Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.report import page as pages
from tests.report import signals
from tests.report.folder_server import served

pytestmark = pytest.mark.xdist_group("test_strip_browser")  # one process builds the site of this module
LOST = "proxy-seed0"  # its first file is not on the server


@pytest.fixture(scope="module")
def address(
    browser: Any, tmp_path_factory: pytest.TempPathFactory, small: Callable[..., Path], build: Callable[..., Any]
) -> Iterator[str]:
    root = tmp_path_factory.mktemp("strip")
    with pytest.MonkeyPatch.context() as patch:
        folder = small(root)
        for stem in ("full-seed0", LOST):
            kept = record.read(folder / "records" / f"{stem}.json")
            record.write(replace(kept, examples=signals.examples(folder / "records" / stem)), folder / "records")
        patch.syspath_prepend(str(root))
        pages.forget()
        assert build(root) == (0, "")
        (root / f"html/files/papers/tiny/records/{LOST}/test-1.json").unlink()
        with served(root / "html") as found:
            yield found


class Viewer:
    """The viewer of a page, and the files and the errors that it caused."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(f"{address}/papers/tiny.html")
        self.home = self.page.locator(".repro-viewer").first

    @property
    def files(self) -> list[int]:
        """The numbers of the stretches whose files were loaded, in order."""
        return [int(url.rpartition("-")[2].removesuffix(".json")) for url in self.asked if "/test-" in url]

    def start(self) -> Viewer:
        self.page.locator(".repro-signals > figure").first.scroll_into_view_if_needed()
        self.home.locator("svg .line[d^=M]").wait_for(state="attached")
        return self

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")

    def press(self, name: str) -> None:
        self.home.get_by_role("button", name=name, exact=True).click()
        self.settle()

    def key(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)
        self.settle()

    @property
    def left(self) -> float:
        """Where the window starts, in seconds; the slider is there."""
        return float(self.home.locator("input").input_value()) / 1000

    @property
    def here(self) -> list[float]:
        """The seconds of the mark that the viewer jumped to."""
        span = float(self.home.locator("[aria-pressed=true]").get_attribute("data-span")) / 1000
        places = self.home.locator(".here").evaluate_all("all => all.map(one => parseFloat(one.getAttribute('x1')))")
        return [self.left + span * (place - 11) / 87 for place in places]


@pytest.fixture
def viewer(browser: Any, address: str) -> Iterator[Callable[..., Viewer]]:
    contexts = []

    def show(**given: Any) -> Viewer:
        contexts.append(browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **given}))
        return Viewer(contexts[-1], address)

    yield show
    for context in contexts:
        context.close()


MARKS = signals.recording(200).marks.numpy() / signals.RATE
ERRORS = [MARKS[signals.MISSED], signals.EXTRA / signals.RATE]
OTHERS = [MARKS[n] for n in signals.OTHER]


def test_only_the_files_that_the_window_needs_are_loaded(viewer: Callable[..., Viewer]) -> None:
    one = viewer()
    assert one.files == [], "nothing before the reader is there"
    one.start()
    one.settle()
    assert one.files == [1], "the first stretch with an error"
    one.press("next →")
    assert one.files == [1, 2]
    one.press("← previous")
    assert one.files == [1, 2], "once each"
    one.press("show 60 seconds")
    assert one.left == 0 and sorted(one.files) == list(range(6)), "a minute, and no more"
    one.press("next →")
    assert sorted(one.files) == list(range(12)) and one.said == []
    assert all(url.startswith(one.page.url.partition("/papers")[0]) for url in one.asked if not url.startswith("data:"))


@pytest.mark.parametrize(("name", "times"), [("next error", ERRORS), ("next mark that is not N", OTHERS)])
def test_a_button_shows_each_mark_in_turn_and_the_first_again(
    viewer: Callable[..., Viewer], name: str, times: list[float]
) -> None:
    one = viewer().start()
    one.home.locator(".repro-viewer-window").focus()
    one.key("Home")
    for time in [*times, times[0]]:
        one.press(name)
        assert one.here == pytest.approx([time], abs=0.01)
        assert one.left <= time <= one.left + 10


def test_the_keyboard_moves_zooms_and_finds(viewer: Callable[..., Viewer]) -> None:
    one = viewer().start()
    one.home.locator(".repro-viewer-window").focus()
    assert one.left == 10
    one.key("ArrowRight")
    assert one.left == 12.5
    one.key("ArrowLeft", "PageDown")
    assert one.left == 20
    one.key("+")
    assert one.left == 24, "the middle stays"
    one.key("-", "-")
    assert one.left == 0
    one.key("End")
    assert one.left == 140
    one.key("+", "Home", "e")
    assert one.here == pytest.approx(ERRORS[:1], abs=0.01)
    one.key("k")
    assert one.here == pytest.approx(OTHERS[1:2], abs=0.01), "the next one after the error"
    for selector in (".repro-viewer-window", ".repro-viewer-bar button.error"):
        one.home.locator(selector).focus()
        one.key("Shift+Tab", "Tab")
        assert one.home.locator(selector).evaluate("one => getComputedStyle(one).outlineStyle") != "none"


def test_a_row_of_the_table_shows_its_error(viewer: Callable[..., Viewer]) -> None:
    one = viewer().start()
    rows = one.page.locator(".repro-signals").first.locator("tr[data-at]")
    assert rows.count() == len(ERRORS)
    rows.nth(1).locator("td").first.click()
    one.settle()
    assert one.here == pytest.approx(ERRORS[1:], abs=0.01)
    assert one.home.locator(".repro-viewer-window").evaluate("one => one === document.activeElement")
    rows.nth(0).locator("button").focus()
    one.key("Enter")
    assert one.here == pytest.approx(ERRORS[:1], abs=0.01)


def test_the_line_below_says_what_is_seen(viewer: Callable[..., Viewer]) -> None:
    one = viewer().start()
    said = one.home.locator("[aria-live=polite]")
    before = said.inner_text()
    assert "0:10 to 0:20" in before
    one.press("next →")
    assert "0:20 to 0:30" in said.inner_text() and before != said.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_its_parts_have_names(viewer: Callable[..., Viewer], theme: str) -> None:
    one = viewer(viewport={"width": 390, "height": 800}, color_scheme=theme).start()
    one.press("show 60 seconds")
    assert one.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    box = one.home.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    rules = ["button-name", "label", "svg-img-alt", "aria-roles", "aria-allowed-attr", "color-contrast"]
    given = {"runOnly": rules}
    found = axe.Axe().run(one.page, context=".repro-signals", options=given).response["violations"]
    assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []


def test_without_scripts_the_figure_is_shown(viewer: Callable[..., Viewer]) -> None:
    one = viewer(java_script_enabled=False)
    assert one.page.locator(".repro-signals > figure svg").first.is_visible()
    assert one.page.locator(".repro-viewer button").count() == 0 and one.files == []


def test_a_folded_viewer_loads_nothing_and_a_lost_file_leaves_the_figure(viewer: Callable[..., Viewer]) -> None:
    one = viewer().start()
    one.settle()
    assert len(one.files) == 1, "the other config is folded"
    fold = one.page.locator("details:has(.repro-viewer)").first
    fold.locator("summary").first.click()
    fold.locator("figure svg").first.scroll_into_view_if_needed()
    fold.locator(".repro-viewer p").wait_for()
    assert fold.locator("figure svg").first.is_visible() and fold.locator(".repro-viewer button").count() == 0


def test_a_kind_is_text_in_the_viewer(viewer: Callable[..., Viewer]) -> None:
    """A stranger writes kinds; here into the attribute that the script reads."""
    one, evil = viewer(), ["<img src=x onerror=alert(1)>", "<b>V</b>"]
    one.home.evaluate("(home, kinds) => { home.dataset.kinds = kinds; }", json.dumps(evil))
    one.start()
    one.press(f"next mark that is not {evil[0]}")
    assert one.home.locator("img, b").count() == 0
    assert evil[1][:3] in one.home.locator("text.kind").first.text_content()
