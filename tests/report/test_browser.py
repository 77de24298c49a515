"""The site in a real browser, headless Chromium: filters, sorting, popups, sound, keyboard, contrast, and no request.

Skipped where Chromium or playwright is not installed.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.report.read_once import read_once
from tests.report.shown import Shown

pytestmark = pytest.mark.xdist_group("site")


def test_an_outcome_and_words_choose_claims(browser: Any, site: str) -> None:
    """This opens the fold of the table, which is closed because the table is long."""
    verdicts = read_once("lecun1998").verdicts
    with Shown(browser, site, "papers/lecun1998.html") as shown:
        whole = sum(one.claim.transcribed for one in verdicts)
        assert shown.page.locator("tbody[data-outcome]").count() == whole
        assert shown.count("tbody[data-outcome]") == 0
        failed = sum(one.outcome == "not reproduced" for one in verdicts)
        button = shown.page.locator(".repro-chips button.not-reproduced")
        button.click()
        assert shown.count("tbody[data-outcome]") == failed > 0
        assert button.get_attribute("aria-pressed") == "true"
        shown.page.locator("#repro-claims-filter").fill("linear deskewing")
        assert 0 < shown.count("tbody[data-outcome]") < failed
        shown.page.locator("#repro-claims-filter").fill("")
        button.click()
        assert shown.count("tbody[data-outcome]") == whole


def test_a_link_to_a_hidden_claim_shows_it(browser: Any, site: str) -> None:
    with Shown(browser, site, "papers/lecun1998.html") as shown:
        shown.page.locator("#repro-claims-filter").fill("nothing has these words")
        assert shown.count(".repro-all thead") == 1 and shown.count("tbody[data-outcome]") == 0
        shown.page.evaluate("location.hash = '#claim-table.lenet5'")
        shown.page.wait_for_selector("[id='claim-table.lenet5']:visible")


@pytest.mark.parametrize(("head", "key"), [(1, "paper"), (2, "ours")])
def test_a_click_on_a_head_sorts_the_claims(browser: Any, site: str, head: int, key: str) -> None:
    def numbers() -> list[float]:
        cells = shown.page.locator(f"tbody[data-outcome] > tr:first-child > :nth-child({head + 1})")
        return [float(one) for one in cells.evaluate_all("all => all.map(one => one.dataset.by)")]

    with Shown(browser, site, "papers/lecun1998.html") as shown:
        shown.page.locator(".repro-all > summary").click()
        before = numbers()
        column = shown.page.locator("table.repro-claims thead th").nth(head)
        for way in ("ascending", "descending"):
            column.locator("button").click()
            assert column.get_attribute("aria-sort") == way
            assert numbers() == sorted(before, reverse=way == "descending") != before, key


def test_a_cell_opens_and_closes_by_the_keyboard(browser: Any, site: str) -> None:
    with Shown(browser, site, "papers/raff2019.html") as shown:
        cell = shown.page.locator("button.repro-cell:visible").first
        about = shown.page.locator(f"[id='{cell.get_attribute('popovertarget')}']")
        cell.focus()
        shown.page.keyboard.press("Enter")
        assert about.is_visible()
        shown.page.keyboard.press("Escape")
        assert not about.is_visible()
        assert cell.evaluate("one => one === document.activeElement"), "the focus comes back"


def test_the_keyboard_reaches_the_content_first_and_sees_where_it_is(browser: Any, site: str) -> None:
    with Shown(browser, site, "papers/lecun1998.html") as shown:
        shown.page.keyboard.press("Tab")
        first = shown.page.evaluate("document.activeElement.className")
        assert "skip" in first
        chip = shown.page.locator(".repro-chips button").first
        chip.focus()
        shown.page.keyboard.press("Shift+Tab")
        shown.page.keyboard.press("Tab")
        assert chip.evaluate("one => one === document.activeElement && one.matches(':focus-visible')")
        assert chip.evaluate("one => getComputedStyle(one).outlineStyle") != "none"


def test_a_sound_can_be_played(browser: Any, site: str) -> None:
    with Shown(browser, site, "papers/deep_clustering.html") as shown:
        first = shown.page.locator("audio").first
        first.scroll_into_view_if_needed()
        first.evaluate(
            "one => new Promise((good, bad) => {one.onloadedmetadata = good; one.onerror = bad; one.load()})"
        )
        assert first.evaluate("one => one.duration") > 0.5


@pytest.mark.parametrize("width", [1440, 390])
def test_the_first_screen_leads_to_the_failed_claims_the_citation_and_a_report_of_a_mistake(
    browser: Any, site: str, width: int
) -> None:
    """One click each: their places are on the page, or the address of a new issue."""
    with Shown(browser, site, "papers/lecun1998.html", width) as shown:
        failed, cite, mistake = (
            ".repro-outcome .repro-told > a",
            ".repro-citation a[href$='#cite']",
            ".repro-citation a >> nth=-1",
        )
        for selector in (failed, cite, mistake):
            box = shown.page.locator(selector).bounding_box()
            assert box["y"] + box["height"] < (900 if width == 1440 else 1.2 * 900)
            goal = shown.page.locator(selector).get_attribute("href")
            assert "/issues/new" in goal or shown.page.locator(f"[id='{goal.partition('#')[2]}']").count() == 1


def test_the_page_of_41_claims_is_half_as_high_as_it_was(browser: Any, site: str) -> None:
    """It had 36,400 pixels when its readers could not find the answer; the answer is in the first screen.

    Fonts differ between machines: with a wide one the page may be a tenth higher.
    """
    with Shown(browser, site, "papers/lecun1998.html") as shown:
        assert shown.page.evaluate("document.documentElement.scrollHeight") <= 1.1 * 36_400 / 2
        answer = shown.page.locator(".repro-answer").bounding_box()
        assert answer["y"] + answer["height"] < 900


@pytest.mark.slow
def test_the_contents_of_the_parts_are_filtered_and_lead_to_an_open_entry(browser: Any, site: str) -> None:
    with Shown(browser, site, "parts.html") as shown:
        assert shown.count(".repro-index dd a") == shown.count(".repro-entry") > 50
        assert shown.count(".repro-entry .repro-signature") == 0
        shown.page.locator("#repro-filter").fill("meansquare")
        assert 0 < shown.count(".repro-index dd a") == shown.count(".repro-entry") < 10
        shown.page.locator(".repro-index dd a:visible").first.click()
        shown.page.wait_for_selector(".repro-entry .repro-signature:visible")


def test_a_card_has_no_empty_half(browser: Any, site: str) -> None:
    """All lines of a card begin at its left edge, and what came out is as wide as the card."""
    with Shown(browser, site, "index.html") as shown:
        script = "all => all.map(one => [...one.children].map(line => [line.offsetLeft, line.offsetWidth]))"
        cards = shown.page.locator(".repro-card").evaluate_all(script)
        assert cards and all(len({tuple(line) for line in lines}) == 1 for lines in cards)


@pytest.mark.parametrize("width", [1440, 1200, 1000, 700, 390, 320])
def test_the_button_to_the_top_does_not_cover_text(browser: Any, site: str, width: int) -> None:
    """It is shown while a reader scrolls up. What is below the bar on top of a narrow page was covered anyway."""
    script = """button => {
      const box = button.getBoundingClientRect();
      const covers = (x, y) => {
        const below = document.elementsFromPoint(x, y).filter(one => !button.contains(one));
        const bar = below.findIndex(one => one.matches(".mobile-header"));
        const texts = "article, .toc-drawer a, label, .header-center a";
        return below.slice(0, bar < 0 ? below.length : bar).some(one => one.closest(texts));
      };
      return [box.left + 1, box.right - 1].some(x => [box.top + 1, box.bottom - 1].some(y => covers(x, y)));
    }"""
    with Shown(browser, site, "papers/lecun1998.html", width) as shown:
        for place in (5000, 4900, 4800):
            shown.page.evaluate(f"scrollTo(0, {place})")
            shown.page.wait_for_timeout(50)
        button = shown.page.locator(".back-to-top")
        assert button.is_visible() and button.evaluate(script) is False
        assert min(button.bounding_box()[side] for side in ("width", "height")) >= 24
        button.click()
        shown.page.wait_for_function("scrollY === 0")


def test_a_file_page_changes_the_theme_of_the_site(browser: Any, site: str) -> None:
    with Shown(browser, site, "files/papers/lecun1998/configs/lenet5.gin.html") as shown:
        button = shown.page.locator(".tools button", has_text="theme")
        grounds = set()
        for theme in ("light", "dark"):
            button.click()
            assert button.text_content() == f"theme: {theme}"
            grounds.add(shown.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(grounds) == 2
        shown.page.goto(f"{site}/index.html")
        assert shown.page.locator("body").get_attribute("data-theme") == "dark"


def test_the_page_of_a_paper_is_found_first_by_its_name(browser: Any, site: str) -> None:
    with Shown(browser, site, "search.html?q=lecun1998") as shown:
        first = shown.page.locator("#search-results ul.search a").first
        first.wait_for()
        assert first.get_attribute("href").startswith("papers/lecun1998.html")
