"""Every kind of page in headless Chromium: it fits, asks for nothing elsewhere, and has no error; contrast; focus.

Skipped where Chromium, playwright or axe-playwright-python is not installed.
"""

from __future__ import annotations

import gzip
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from repro.claim.paper import folders
from tests.report.shown import Shown

pytestmark = pytest.mark.xdist_group("site")
KINDS = (
    "index.html", "compare.html", "parts.html", "tips.html", "api.html", "search.html?q=lenet", "genindex.html",
    "course/index.html", "course/calendar.html", "course/presentations/week-01-paper.html",
    "guide/index.html", "guide/claims.html", "files/papers/lecun1998/configs/lenet5.gin.html",
    "files/papers/template/paper.toml.html", "files/papers/template/report.md.html", "files/repro/__init__.py.html",
    "papers/lecun1998.html", "papers/howell2019.html", "papers/pets3.html", "papers/autoclip.html",
)  # fmt: skip
"""A page of each kind, and papers with each kind of section."""
PAGES = (
    *KINDS, *(f"papers/{name}.html" for name in sorted(folders()) if f"papers/{name}.html" not in KINDS),
    "guide/generative.html", "guide/images.html", "guide/signals.html", "guide/trackers.html", "guide/report.html",
)  # fmt: skip
SIZES = (1440, 390, 320)
TEXTS = {".html", ".css", ".js", ".json", ".svg"}
FAST = ("index.html", "papers/lecun1998.html")  # with the other pages, `make test-all`

OPEN = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
UNSEEN = """() => {
  const around = one => [one, ...Array(4)].reduce(found => [...found, found.at(-1)?.parentElement ?? one], [one]);
  const look = one => around(one).map(each => {
    const style = getComputedStyle(each);
    return [style.outlineStyle, style.outlineColor, style.boxShadow, style.backgroundColor, style.borderColor].join();
  }).join("|");
  const kinds = new Map();
  for (const one of document.querySelectorAll("a[href], button, input, select, summary, audio, [tabindex='0']"))
    if (one.checkVisibility()) kinds.set([one.tagName, one.className, one.parentElement.className].join(), one);
  return [...kinds].filter(([, one]) => {
    document.activeElement.blur();
    const before = look(one);
    one.focus();
    return document.activeElement === one && before === look(one);
  }).map(([kind]) => kind);
}"""
"""A script: the kinds of elements that look the same with and without the focus."""


def often(*rows: tuple[Any, ...]) -> list[Any]:
    """The rows; those of other pages than `FAST`, and of the narrowest screen, are slow tests."""
    slow = [row[0] not in FAST or 320 in row for row in rows]
    return [pytest.param(*row, marks=pytest.mark.slow if one else ()) for row, one in zip(rows, slow, strict=True)]


@pytest.mark.parametrize(("name", "width"), often(*product(PAGES, SIZES)))
def test_a_page_fits_asks_for_nothing_elsewhere_and_has_no_error(
    browser: Any, site: str, name: str, width: int
) -> None:
    """Also with all that is folded opened."""
    with Shown(browser, site, name, width) as shown:
        shown.page.evaluate(OPEN)
        wide = "[document.documentElement, ...document.querySelectorAll('.page, .main, .content')]"
        assert shown.page.evaluate(f"{wide}.every((home) => home.scrollWidth <= home.clientWidth)")
        assert [url for url in shown.asked if not url.startswith((site, "data:"))] == []
        assert shown.said == []


SCROLL = """async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
    scrollTo({top: y, behavior: "instant"});
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}"""


@pytest.mark.parametrize("name", often(*((f"papers/{name}.html",) for name in sorted(folders()))))
def test_a_paper_page_loads_at_most_150_kb(browser: Any, site: str, real: tuple[Path, str], name: str) -> None:
    """All that the browser asks for when the reader scrolls to the end; texts count as the server compresses them."""
    with Shown(browser, site, name) as shown:
        shown.page.evaluate(SCROLL)
        shown.page.wait_for_load_state("networkidle")
        files = {real[0] / unquote(url.removeprefix(f"{site}/").partition("?")[0]) for url in shown.asked}
    sizes = [len(gzip.compress(path.read_bytes()) if path.suffix in TEXTS else path.read_bytes()) for path in files]
    assert 20_000 < sum(sizes) <= 150_000


@pytest.mark.parametrize(
    ("name", "theme", "width"),
    [
        pytest.param(name, *look, marks=() if name == "index.html" else pytest.mark.slow)
        for name, look in product(KINDS, [("light", 1440), ("dark", 1440), ("dark", 390)])
    ],
)
def test_contrast_is_at_least_that_of_wcag(
    browser: Any, site: str, audit: Any, name: str, theme: str, width: int
) -> None:
    """4.5 : 1 for text, 3 : 1 for large text, measured by axe-core with all that is folded opened."""
    with Shown(browser, site, name, width, theme) as shown:
        shown.page.evaluate(OPEN)
        assert audit(shown.page, "color-contrast") == []


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in FAST else pytest.mark.slow) for one in KINDS])
def test_the_keyboard_shows_where_it_is_on_every_kind_of_element(browser: Any, site: str, name: str) -> None:
    """The element, or one around it, gets an outline, or another ground or border."""
    with Shown(browser, site, name) as shown:
        shown.page.evaluate(OPEN)
        shown.page.keyboard.press("Tab")  # from now on, the browser shows the focus of the keyboard
        assert shown.page.evaluate(UNSEEN) == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", [f"papers/{one}.html" for one in ("isola2017", "ronneberger2015")])
@pytest.mark.slow
def test_the_numbers_of_a_scale_do_not_overlap(browser: Any, site: str, name: str, width: int) -> None:
    script = """all => all.map(scale => [...scale.querySelectorAll("text")].map(one => one.getBoundingClientRect()))
      .filter(boxes => boxes.some((box, n) => n > 0 && box.left < boxes[n - 1].right + 2)).length"""
    with Shown(browser, site, name, width) as shown:
        shown.page.evaluate(OPEN)
        assert shown.page.locator(".scale svg").count() > 1
        assert shown.page.locator(".scale svg").evaluate_all(script) == 0


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in FAST else pytest.mark.slow) for one in KINDS])
def test_names_and_roles_are_those_that_screen_readers_need(browser: Any, site: str, audit: Any, name: str) -> None:
    rules = ["button-name", "link-name", "label", "image-alt", "svg-img-alt", "duplicate-id-aria", "aria-roles"]
    rules += ["aria-required-attr", "target-size"]
    with Shown(browser, site, name) as shown:
        assert audit(shown.page, *rules) == []
