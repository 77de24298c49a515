"""The slider of a test item in a real browser: mouse and keyboard, no overflow, a still without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.report import page as pages
from tests.report.folder_server import served
from tests.report.test_pictures import PANELS

pytestmark = pytest.mark.xdist_group("test_pictures_browser")  # one process builds the site of this module


@pytest.fixture(scope="module")
def address(
    browser: Any, tmp_path_factory: pytest.TempPathFactory, small: Callable[..., Path], build: Callable[..., Any]
) -> Iterator[str]:
    root = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        folder = small(root)
        for stem, kind in (("full-seed0", "mask"), ("proxy-seed0", "map")):
            kept = record.read(folder / "records" / f"{stem}.json")
            home = folder / "records" / stem
            rows = [{"test": "test", "item": n, "panels": PANELS[kind](home / f"test-{n}")} for n in range(4)]
            record.write(replace(kept, examples=rows), folder / "records")
        patch.syspath_prepend(str(root))
        pages.forget()
        assert build(root) == (0, "")
        with served(root / "html") as found:
            yield found


def opacities(page: Any) -> list[float]:
    """The opacity of what is drawn over the image in each picture of the first item."""
    over = page.locator("section:has(> .repro-fade)").first.locator(".repro-layers > :nth-child(2)")
    return [float(one.evaluate("one => getComputedStyle(one).opacity")) for one in over.all()]


def test_the_slider_fades_the_pictures_of_its_item_alone(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/papers/tiny.html")
    assert opacities(page) == [1.0] * 3
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert opacities(page) == [0.95] * 3 and slider.get_attribute("aria-valuetext") == "95 %"
    page.keyboard.press("Home")
    assert opacities(page) == [0.0] * 3
    other = page.locator("section:has(> .repro-fade)").nth(1).locator(".repro-layers > :nth-child(2)").first
    assert other.evaluate("one => getComputedStyle(one).opacity") == "1"
    page.close()


def test_without_scripts_the_pictures_are_a_still(browser: Any, address: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{address}/papers/tiny.html")
    assert page.get_by_role("slider").count() == 0
    assert page.locator(".repro-pictures").first.locator("img:visible").count() == 7
    page.close()


@pytest.mark.parametrize("width", [1440, 390, 320])
def test_the_layers_have_the_same_place_and_nothing_is_wider_than_the_page(
    browser: Any, address: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{address}/papers/tiny.html")
    page.evaluate("document.querySelectorAll('#look details').forEach((one) => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pairs = page.locator(".repro-layers:has(> :nth-child(2))").evaluate_all(
        "all => all.map((one) => [...one.children].map((part) => Object.values(part.getBoundingClientRect().toJSON())))"
    )
    assert len(pairs) == 4 * 3 + 4
    assert all(below == pytest.approx(above, abs=0.5) for below, above in pairs)
    page.close()
