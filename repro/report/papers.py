"""The landing page: a row per paper with its outcome, and a filter box if there are many papers."""

from __future__ import annotations

from collections.abc import Sequence

from repro.report import cite, needed, rot
from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import count, day, duration
from repro.report.outcome import EXPLAINED, TIERS, bar, counts, departed, later
from repro.report.page import Page

MANY = 8  # from this number of papers on, there is a filter box
TABLE = "papers.csv"


def papers(pages: Sequence[Page], root: str) -> Markup:
    """A row per paper, in the order given. `root` is the relative address of the site's root."""
    if not pages:
        return tag("p", "No papers yet.", class_="repro-muted")
    label = "Find a paper by its title, its authors, its group or an outcome"
    box = tag("div", class_="repro-filter", data_noun="paper", data_label=label) if len(pages) >= MANY else ""
    rows = [_row(page) for page in pages]
    table = link("papers.csv", f"{root}files/{TABLE}", download=True)
    return join(
        [
            box,
            tag("ul", *rows, class_="repro-papers"),
            tag("p", "All papers as a table: ", table, class_="repro-muted"),
        ]
    )


def _row(page: Page) -> Markup:
    """The paper on the left, its outcome on the right; on a phone, the outcome is below."""
    paper, needs = page.paper, needed.chips(page)
    authors = paper.authors[0] + (" et al." if len(paper.authors) > 1 else "") if paper.authors else ""
    about = ", ".join(filter(None, (authors, cite.venue(paper), paper.group and f"reproduced by {paper.group}")))
    head = tag("p", link(paper.title, page.address), class_="repro-card-title")
    said = tag("div", head, tag("p", about, class_="repro-muted"), _facts(page), rot.badges(page))
    return tag(
        "li",
        said,
        tag(
            "div",
            bar(page.verdicts, needs),
            counts(page.verdicts, f"{page.root}{EXPLAINED}", needs),
            later(page.verdicts),
        ),
        class_="repro-card repro-entry",
    )


def _facts(page: Page) -> Markup:
    """Folder, tier, cost and date in one line. The folder distinguishes copies of the same paper."""
    code, words = TIERS[page.tier]
    went = join([tag("abbr", code, title=words), *([", ", departed(page)] if page.tier > 1 else [])])
    facts: list[str] = [tag("code", f"papers/{page.name}"), went]
    cost = f"{duration(page.seconds)} in {count(len(page.records), 'run')}"
    facts.append(cost if page.records else "no run yet")
    if page.newest:
        facts.append(join(["newest record ", tag("time", day(page.newest), datetime=page.newest)]))
    return tag("p", join(facts, " · "), class_="repro-card-facts")
