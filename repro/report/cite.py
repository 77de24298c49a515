"""The citation of a paper: as a line under the title, and as BibTeX."""

from __future__ import annotations

import re

from repro.claim.paper import Paper
from repro.data.catalogue import DataSet
from repro.record import Record
from repro.report import needed, people, repository
from repro.report.html.markup import Markup, copyable, fold, join, link, outside, tag
from repro.report.outcome import said
from repro.report.page import Page

ISSUE = re.compile(r"\d+ ?\(\d+\)")  # volume and issue, as in 86(11): a journal
KINDS = (
    ("arxiv", "misc", "howpublished"),
    ("journal", "article", "journal"),
    ("transactions", "article", "journal"),
    ("letters", "article", "journal"),
)


def line(page: Page) -> Markup:
    """Authors, year, venue, link and the group; how to cite, and where to report a mistake; then the summary."""
    paper, address = page.paper, outside(page.paper.url)
    source = [link("the paper", address, rel="external")] if address else []
    group = [tag("span", f"Reproduced by {paper.group}", class_="repro-muted")] if paper.group else []
    ways = [link("Cite", f"{page.address}#cite"), people.mistake(page, "Report a mistake")]
    said = [f"{', '.join(paper.authors)}. {venue(paper)}", *source, *group, *ways]
    head = tag("p", join(said, " · "), class_="repro-citation")
    says = tag("p", paper.summary, class_="repro-summary") if paper.summary else ""
    return join([head, says])


def abstract(paper: Paper) -> Markup:
    """What the paper does and finds, in our words. It is folded, because the summary is shorter."""
    return (
        fold(f"What the {'course' if paper.kind == 'course' else 'paper'} does and finds", tag("p", paper.abstract))
        if paper.abstract
        else join([])
    )


def venue(paper: Paper) -> str:
    """Venue and year. The year is not repeated if the venue contains it."""
    year = str(paper.year)
    return paper.venue if year in paper.venue else ", ".join(filter(None, (paper.venue, year)))


def bibtex(page: Page) -> Markup:
    """The BibTeX entries of the paper, of this report and of its code, and the citations of the data."""
    parts: list[Markup] = []
    if page.records:
        parts += [tag("p", "This report of its reproduction:"), copyable(report(page))]
        parts += [tag("p", "The code and the records of the reproduction:"), copyable(code(page))]
    if found := needed.of_paper(page):
        parts += [tag("p", "The data, as the makers of each data set ask:"), tag("ul", *map(_data_set, found))]
    more = [fold("This report, its code and its data", *parts)] if parts else []
    return join([tag("p", "The paper:"), copyable(entry(page.paper)), *more])


def _data_set(one: DataSet) -> Markup:
    return tag("li", f"{one.citation}. ", link(one.homepage, outside(one.homepage), rel="external"))


def _people(paper: Paper) -> str:
    """The members of the group as BibTeX writes authors; the group if they are not named."""
    return " and ".join(paper.people) or (f"{{{paper.group}}}" if paper.group else "")


def code(page: Page) -> str:
    """The BibTeX entry of the paper's folder at the commit of the newest record, if that commit is known."""
    newest = max(page.records, key=lambda found: found.finished)
    commit = str(newest.source.get("commit") or "HEAD")
    fields = {
        "title": f"{{Code of the reproduction: {page.paper.title}}}",
        "author": _people(page.paper),
        "year": newest.finished[:4],
        "version": made_from(newest),
        "url": repository.folder(page.site, page.name, commit),
    }
    return _entry("misc", f"{page.paper.key or page.name}-code", fields)


def report(page: Page) -> str:
    """The BibTeX entry of the report. Its year is that of the newest record."""
    newest = max(page.records, key=lambda found: found.finished)
    note = [said(page.verdicts), *([f"newest record made from {made_from(newest)}"] if made_from(newest) else [])]
    fields = {
        "title": f"{{Reproducibility report: {page.paper.title}}}",
        "author": _people(page.paper),
        "year": newest.finished[:4],
        "note": "; ".join(note),
    }
    return _entry("misc", f"{page.paper.key or page.name}-report", fields)


def made_from(found: Record) -> str:
    """The short hash of the commit that made a record, and whether there were uncommitted changes.

    Empty if the run was outside git.
    """
    commit = found.source.get("commit")
    changed = " with uncommitted changes" if found.source.get("dirty") else ""
    return f"commit {commit[:12]}{changed}" if commit else ""


def entry(paper: Paper) -> str:
    """The BibTeX entry of the paper. The venue determines its type."""
    other = ("inproceedings", "booktitle") if paper.venue else ("misc", "")
    other = ("article", "journal") if ISSUE.search(paper.venue) else other
    kind, place = next(((kind, field) for word, kind, field in KINDS if word in paper.venue.lower()), other)
    fields = {
        "title": f"{{{paper.title}}}",
        "author": " and ".join(paper.authors),
        place: paper.venue,
        "year": str(paper.year),
        "url": paper.url,
    }
    return _entry(kind, paper.key or paper.name, fields)


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    rows = [f"  {name} = {{{value}}}," for name, value in fields.items() if name and value]
    return "\n".join([f"@{kind}{{{key},", *rows, "}"])
