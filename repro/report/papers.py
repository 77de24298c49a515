"""The landing page: a card per paper, the outcome first."""

from __future__ import annotations

from collections.abc import Iterable

from repro.report import cite
from repro.report.markup import Markup, link, tag
from repro.report.outcome import bar, counts, facts
from repro.report.page import Page


def papers(pages: Iterable[Page]) -> Markup:
    """A card per paper, in the order of the names."""
    cards = [_card(page) for page in pages]
    return tag("ul", *cards, class_="repro-papers") if cards else tag("p", "No papers yet.", class_="repro-muted")


def _card(page: Page) -> Markup:
    paper = page.paper
    authors = paper.authors[0] + (" et al." if len(paper.authors) > 1 else "") if paper.authors else ""
    about = ", ".join(filter(None, (authors, cite.venue(paper))))
    head = tag("p", link(paper.title, page.address), class_="repro-card-title")
    return tag(
        "li",
        head,
        tag("p", about, class_="repro-muted"),
        bar(page.verdicts),
        counts(page.verdicts),
        facts(page),
        class_="repro-card",
    )
