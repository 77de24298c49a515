"""The geometry of the pages of all papers in a real browser, on a wide and on a narrow screen.

Skipped where Chromium or playwright is not installed.
"""

from __future__ import annotations

from typing import Any

import pytest

from repro.claim.paper import folders

pytestmark = pytest.mark.xdist_group("site")
PAPERS = sorted(folders())
FULL = {"gal2017", "goodfellow2015", "isola2017", "lecun1998", "northcutt2021", "template"}  # with a long first screen
WIDE = {"goodfellow2014", "lecun1998", "raff2019"}  # with many rows and long names; `make test-all` takes all papers
WIDTHS = (1440, 390)
TABLES = ".repro-box table:not(.repro-claims)"  # the head and the body
ROWS = ".repro-box tr, .repro-row, .repro-printed > summary"

COLLISIONS = """(rows) => {
  const seen = (one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return [...range.getClientRects()].filter((r) => r.width > 0.5 && r.height > 0.5);
  };
  const meet = (p, q) => Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1
    && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1;
  const found = [];
  for (const row of document.querySelectorAll(rows)) {
    const cells = [...row.children].filter((one) => one.checkVisibility()).map((one) => [one, seen(one)]);
    cells.forEach(([a, mine], i) => cells.slice(i + 1).forEach(([b, theirs]) => {
      if (mine.some((p) => theirs.some((q) => meet(p, q)))) found.push(`${a.textContent} | ${b.textContent}`);
    }));
  }
  return found;
}"""
"""The neighbouring cells of the rows whose contents are on top of each other."""

UNSIGNED = """() => [...document.querySelectorAll('.repro-box, .table-wrapper, .terminal')]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 3)
  .filter((one) => !getComputedStyle(one, '::before').content.includes('Scroll sideways'))
  .map((one) => one.textContent.trim().slice(0, 60))"""
"""The boxes that are cut at the right, without a sign."""


CLIPPED = """() => [...document.querySelectorAll('.repro-curve text')].filter((one) => {
  const mine = one.getBoundingClientRect(), whole = one.ownerSVGElement.getBoundingClientRect();
  return mine.width && (mine.left < whole.left - 1 || mine.right > whole.right + 1);
}).map((one) => one.textContent)"""
"""The numbers at an axis that the edge of the picture cuts."""

BEYOND = """all => all.filter((one) => {
  const cell = one.closest('td');
  return one.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1;
}).map((one) => one.textContent)"""
"""The badges that are wider than their cell."""


def opened(browser: Any, site: str, name: str, width: int, folds: bool = False) -> Any:
    """A page with all its folds open or as they are, when it has its final layout."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{site}/{name}.html")
    if folds:
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("paper", [pytest.param(one, marks=() if one in WIDE else pytest.mark.slow) for one in PAPERS])
def test_no_two_cells_of_a_row_overlap(browser: Any, site: str, paper: str, width: int) -> None:
    """Neither in the claims table, nor in the strips, rankings and tables of the paper; and what is cut says so."""
    page = opened(browser, site, f"papers/{paper}", width, folds=True)
    assert page.evaluate(COLLISIONS, ROWS) == []
    assert width < 1440 or page.evaluate(COLLISIONS, TABLES) == []  # a narrow screen has no heads
    assert page.evaluate(UNSIGNED) == []
    assert page.evaluate(CLIPPED) == []
    page.close()


def test_names_of_papers_break_only_after_an_underscore(browser: Any, site: str) -> None:
    """On the landing page; and no name of a feature is broken."""
    page = opened(browser, site, "index", 1440)
    assert page.locator(".repro-features tbody th wbr").count() > 0
    wide = "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"
    assert page.locator(".repro-features th, .repro-levels dt").evaluate_all(wide) == []
    broken = """all => all.filter((one) => {
      const text = one.firstChild, range = document.createRange();
      return text.data.split(' ').some((word) => {
        const start = text.data.indexOf(word);
        range.setStart(text, start);
        range.setEnd(text, start + word.length);
        return range.getClientRects().length > 1;
      });
    }).map((one) => one.textContent)"""
    assert page.locator(".repro-levels dt").evaluate_all(broken) == []
    page.close()


def test_what_is_wider_than_its_box_says_so_until_its_end(browser: Any, site: str) -> None:
    page = opened(browser, site, "guide/launching", 390)
    box = page.locator(".terminal").first
    assert box.get_attribute("data-wide") == "more" and page.evaluate(UNSIGNED) == []
    box.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    page.wait_for_function("document.querySelector('.terminal').dataset.wide === 'end'")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function("!('wide' in document.querySelector('.terminal').dataset)")
    page.close()


@pytest.mark.parametrize("paper", [pytest.param(one, marks=() if one in FULL else pytest.mark.slow) for one in PAPERS])
def test_the_first_screen_has_headline_claims(browser: Any, site: str, paper: str) -> None:
    """At least two complete rows, if the paper has so many: the title and the facts leave space for them."""
    page = opened(browser, site, f"papers/{paper}", 1440)
    rows = page.locator(".repro-headlines tbody tr:not(.more)")
    ends = [box["y"] + box["height"] for box in (row.bounding_box() for row in rows.all())]
    assert sum(end <= 900 for end in ends) >= min(2, len(ends))
    facts = page.locator(".repro-basis > div")
    seen = [one["y"] + one["height"] <= 900 for one in (fact.bounding_box() for fact in facts.all())]
    assert len(seen) >= 8 and all(seen)
    assert {"Tier", "Text read", "Choices made on", "Data", "Departures", "Reviewed by", "All runs"} <= {
        name.strip() for name in facts.locator("dt").all_inner_texts()
    }
    why = page.locator(".repro-told > a").bounding_box()
    assert why["y"] + why["height"] <= 900  # the link to the reasons
    assert page.locator(".repro-headlines .repro-badge").evaluate_all(BEYOND) == []
    page.close()


def test_a_claim_takes_a_third_of_its_former_height(browser: Any, site: str) -> None:
    """The table of the paper with most claims in words had 12,100 pixels for 41 claims."""
    page = opened(browser, site, "papers/lecun1998", 1440, folds=False)
    page.evaluate("document.querySelector('details.repro-all').open = true")
    table = page.locator("table.repro-claims")
    assert table.bounding_box()["height"] / table.locator("tbody").count() < 1.05 * 12100 / 41 / 3
    page.close()
