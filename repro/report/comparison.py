"""One table of all papers: outcome, tier, data, hardware, time and reviews. A click on a head sorts it."""

from __future__ import annotations

from collections.abc import Sequence

from repro.report import basis, chosen, effort, needed
from repro.report.html.markup import Attribute, Markup, box, join, link, tag
from repro.report.html.words import count, duration
from repro.report.outcome import bar, said
from repro.report.page import Page
from repro.report.tiers import TIERS

HEADS = ("Title", "Claims", "Tier", "Data", "Hardware", "Time", "Reviewed")
TABLE = "papers.csv"


def comparison(pages: Sequence[Page], root: str) -> Markup:
    """A row per paper, in the order given. `root` is the relative address of the site's root."""
    rows = [_row(page) for page in pages]
    if not rows:
        return tag("p", "Nothing here yet.", class_="repro-muted")
    head = tag("tr", *(tag("th", name, scope="col", role="columnheader") for name in HEADS), role="row")
    body = [tag("thead", head, role="rowgroup"), tag("tbody", *rows, role="rowgroup")]
    table = tag("table", *body, class_="repro-blocks repro-comparison", role="table", data_sorts=True)
    tiers = "; ".join(f"{code}: {words}" for code, words in TIERS.values())
    file = link(TABLE, f"{root}files/{TABLE}", download=True)
    notes = tag("p", f"{tiers}. This table as a file: ", file, class_="repro-muted")
    return join([box(table, label="All papers"), notes])


def _row(page: Page) -> Markup:
    name = tag("div", link(page.paper.title, page.address))
    needs = needed.chips(page)
    claims = tag("div", bar(page.verdicts, needs), tag("span", said(page.verdicts, needs), class_="repro-muted"))
    code, words = TIERS[page.tier]
    machines = effort.hardware(page)
    cells: list[tuple[str, Attribute]] = [
        (claims, _agreeing(page)),
        (tag("abbr", code, title=words), page.tier),
        (basis.data(page), None),
        (machines or "–", machines),
        (_time(page), page.seconds),
        (basis.reviewed(page), page.reviews[-1].date if page.reviews else ""),
    ]
    pairs = zip(HEADS[1:], cells, strict=True)
    given = [tag("td", tag("div", text), data_label=head, data_by=by, role="cell") for head, (text, by) in pairs]
    return tag("tr", tag("th", name, scope="row", role="rowheader"), *given, role="row")


def _time(page: Page) -> Markup:
    """The computing time of all runs, and their number."""
    runs = tag("span", count(len(page.records), "run"), class_="line repro-muted")
    return join([duration(page.seconds), runs], " ") if page.records else Markup("–")


def _agreeing(page: Page) -> float:
    """The share of the paper's claims that agree, by which the column is sorted."""
    found = chosen.theirs(page.verdicts)
    return chosen.sums(found)[0] / max(len(found), 1)
