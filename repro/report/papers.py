"""The landing page: a row per paper with its outcome, and a filter box if there are many papers."""

from __future__ import annotations

from collections.abc import Sequence

from repro.errors import BadInput, nearest
from repro.report import basis, cite, effort, needed, rot, sentence, tiers
from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import day
from repro.report.outcome import EXPLAINED, bar, later, summed
from repro.report.page import Page

MANY = 8  # from this number of papers on, there is a filter box
KINDS = ("paper", "course", "template")


def papers(pages: Sequence[Page], root: str) -> Markup:
    """A row per paper, in the order given. `root` is the relative address of the site's root."""
    if not pages:
        return tag("p", "Nothing here yet.", class_="repro-muted")
    label = "Find a paper by its title, its authors, its group or an outcome"
    box = tag("div", class_="repro-filter", data_noun="paper", data_label=label) if len(pages) >= MANY else ""
    return join([box, tag("ul", *map(_row, pages), class_="repro-papers")])


def of_kind(pages: Sequence[Page], kind: str) -> list[Page]:
    """The pages whose `kind` in paper.toml is `kind`. Raises BadInput for an unknown kind."""
    if kind not in KINDS:
        raise BadInput(f"no kind '{kind}' of a paper{nearest(kind, KINDS)}")
    return [page for page in pages if page.paper.kind == kind]


def _row(page: Page) -> Markup:
    """The paper, its bar, what came out in words, and the facts, one below the other: so no card has an empty half."""
    paper, needs = page.paper, needed.chips(page)
    authors = paper.authors[0] + (" et al." if len(paper.authors) > 1 else "") if paper.authors else ""
    about = ", ".join(filter(None, (authors, cite.venue(paper), paper.group and f"reproduced by {paper.group}")))
    verdicts = [bar(page.verdicts, needs), summed(page.verdicts, f"{page.root}{EXPLAINED}", needs)]
    return tag(
        "li",
        tag("p", link(paper.title, page.address), class_="repro-card-title"),
        tag("p", about, class_="repro-muted"),
        tag("div", *verdicts, later(page.verdicts), class_="repro-card-verdicts"),
        tag("p", sentence.html(page, paper.outcome), class_="repro-card-outcome") if paper.outcome else "",
        basis.line(page),
        _facts(page),
        rot.badges(page),
        class_="repro-card repro-entry",
    )


def _facts(page: Page) -> Markup:
    """Folder, tier, cost and date in one line. The folder distinguishes copies of the same paper."""
    facts: list[str] = [tag("code", f"papers/{page.name}"), tiers.tier(page), effort.cost(page)]
    if page.newest:
        facts.append(join(["newest record ", tag("time", day(page.newest), datetime=page.newest)]))
    return tag("p", join(facts, " · "), class_="repro-card-facts")
