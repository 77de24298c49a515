"""The scripts of small sites in a real browser: filter, search, theme, curves. Skipped without Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.report import curves, families
from repro.report import page as pages
from tests.report.folder_server import served
from tests.report.read_once import read_once

STATIC = Path(curves.__file__).parent / "sphinx/static"
TIPS = """# Tips

## It locks

- **Symptom** a.
- **Cause** a lock.
- **Fix** b.
- **Test** none: no lock in a test.

## Another

- **Symptom** a.
- **Cause** b.
- **Fix** c.
- **Test** none.
"""


pytestmark = pytest.mark.xdist_group("test_browser_scripts")  # one process builds the site of this module


@pytest.fixture(scope="module")
def address(
    browser: Any, tmp_path_factory: pytest.TempPathFactory, small: Callable[..., Path], build: Callable[..., Any]
) -> Iterator[str]:
    root = tmp_path_factory.mktemp("scripts")
    with pytest.MonkeyPatch.context() as patch:
        folder = small(root)
        (folder / "tips.md").write_text(TIPS)
        (root / "docs/tips.md").write_text("---\norphan: true\n---\n# Tips\n\n```{tips}\n```\n")
        patch.syspath_prepend(str(root))
        pages.forget()
        assert build(root) == (0, "")
        with served(root / "html") as found:
            yield found


@pytest.fixture
def shown(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """`shown("index.html", color_scheme="dark")`: the page in the browser."""
    contexts = []

    def show(name: str, **given: Any) -> Any:
        contexts.append(browser.new_context(**given))
        page = contexts[-1].new_page()
        page.goto(f"{address}/{name}")
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("typed", "left", "said"), [("LOCK", 1, "1 of 2"), ("ock", 0, "0 of 2"), ("", 2, "2 of 2")])
def test_what_is_typed_filters(shown: Callable[..., Any], typed: str, left: int, said: str) -> None:
    """Words are found at their beginnings, in any case."""
    page = shown(f"tips.html?q={typed}")
    assert page.locator("section.repro-entry:visible").count() == left
    assert page.locator(".repro-filter output").inner_text() == f"{said} tips"


def test_the_search_shows_a_claim_with_its_verdict_and_readable_excerpts(shown: Callable[..., Any]) -> None:
    page = shown("search.html?q=longer")
    page.wait_for_selector("#search-results p.context")
    page.wait_for_function("document.querySelectorAll('#search-results li').length > 1")
    items = page.locator("#search-results li")
    texts = {item.locator("a").first.get_attribute("href"): item.inner_text() for item in items.all()}
    assert "Full is longer than none: trend holds" in texts["papers/tiny.html#claim-order"]
    excerpt = " ".join(texts["papers/tiny.html"].split())
    assert "Full is longer than none" in excerpt and "noneTable" not in excerpt
    assert not set(excerpt) & set("✓◇"), "signs that are hidden from screen readers"


def test_an_excerpt_separates_names_values_and_items(shown: Callable[..., Any]) -> None:
    page = shown("search.html")
    made = """Search.htmlToText(`<main role=main>
      <dl><div><dt>Seeds</dt><dd>3</dd></div><div><dt>Items</dt><dd>9</dd></div></dl>
      <ul><li>one</li><li>two.</li><li>three</li></ul><table><tr><td>5 dB</td><td>exceeded</td></tr></table></main>`)"""
    assert page.evaluate(made).strip() == "Seeds: 3; Items: 9 one; two. three 5 dB; exceeded"


@pytest.mark.parametrize(("now", "age"), [
    ("2026-01-02T23:59:00Z", "today"), ("2026-01-03T00:30:00Z", "yesterday"), ("2026-01-03T23:59:00Z", "yesterday"),
    ("2026-01-05T01:00:00Z", "3 days ago"), ("2026-01-01T20:00:00Z", "today"),
])  # fmt: skip
def test_the_age_of_a_record_is_in_days_of_the_calendar(browser: Any, address: str, now: str, age: str) -> None:
    """The newest record was finished on 2026-01-02 at 03:04. A reader may still be in the day before."""
    context = browser.new_context(timezone_id="UTC")
    page = context.new_page()
    page.clock.set_fixed_time(now)
    page.goto(f"{address}/papers/tiny.html")
    newest = page.locator(".repro-facts div", has_text="Newest record")
    assert newest.locator("dd").inner_text() == f"2026-01-02, {age}"
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_page_of_a_file_has_the_theme_of_the_site(shown: Callable[..., Any], theme: str) -> None:
    page = shown("index.html", color_scheme={"dark": "light", "light": "dark"}[theme])
    page.evaluate(f"localStorage.setItem('theme', '{theme}')")
    page.goto(page.url.replace("index.html", "files/papers/tiny/model.py.html"))
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128) == (theme == "dark")
    assert page.locator("header button").count() == 2  # copy, theme


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_link_to_a_claim_is_followed_at_once(shown: Callable[..., Any], motion: str) -> None:
    page = shown("papers/tiny.html#claim-order", reduced_motion=motion)
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert page.locator("#claim-order").evaluate("one => one.getBoundingClientRect().top") < 720


MEASURED = """() => {
  const shape = document.querySelector("svg[data-left]"), seen = (one) => one.getBoundingClientRect();
  const ends = [...shape.querySelectorAll(".line")].map((line) => [seen(line).left, seen(line).right]);
  const names = [...shape.querySelectorAll("[data-axis]")].filter((axis) => seen(axis).width).map((axis) => axis.dataset.axis);
  return [ends, names];
}"""  # noqa: E501
HIDDEN = """() => ["line", "end"].map((name) =>
  [...document.querySelector("svg[data-left]").querySelectorAll(`.${name}`)].map((one) => getComputedStyle(one).display))"""  # noqa: E501


def test_the_switch_moves_the_end_of_each_line_and_a_box_hides_one(browser: Any, tmp_path: Path) -> None:
    lecun = read_once("lecun1998")
    style, code = ((STATIC / f"repro.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    text = f"<style>{style}</style><body>{curves.curves(lecun)}<script>{code}</script>"
    (tmp_path / "curves.html").write_text(f"<!doctype html><meta charset=utf-8>{text}", encoding="utf-8")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto((tmp_path / "curves.html").as_uri())
    (family, *_) = families.families(lecun)
    lasts = [curves.averaged(one, "train")[-1][0] for one in family.trainings]
    rates = {"steps": [1.0] * len(lasts), "time": [one.step_seconds for one in family.trainings]}
    for key in ("steps", "time", "steps"):
        page.locator(f".repro-switch input[value={key}]").check()
        found, names = page.evaluate(MEASURED)
        starts, rights = zip(*found, strict=True)
        left = min(starts) - 2  # the first loss is that of a later step than 0
        ends = [rate * last for rate, last in zip(rates[key], lasts, strict=True)]
        widths = [right - left for right in rights]
        assert names == [key]
        for end, width in zip(ends, widths, strict=True):
            assert width / max(widths) == pytest.approx(end / max(ends), abs=0.04)
    page.locator(".repro-panel input[value='1']").first.uncheck()
    lines, numbers = page.evaluate(HIDDEN)
    assert lines == ["none", *["inline"] * (len(lasts) - 1)]
    assert numbers[0] == "none" and "none" not in numbers[1:]
    page.close()
