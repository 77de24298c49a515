"""The section "Implementation details": the parts that the configs build, and the code that names the paper's places.

A place is a section, equation, table, figure or algorithm of the paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repro.report import parts
from repro.report.html import files
from repro.report.html.markup import Markup, box, fold, inline, join, link, tag
from repro.report.html.words import count
from repro.report.mentions import Mention, mentions, rank
from repro.report.page import Page

BUILT = ("Part", "What it is", "Built by")
PLACES = ("In the paper", "In the code", "The line")
SILENT = "No comment or docstring in this paper's code names an equation or a section of the paper."


def implementation(page: Page) -> Markup:
    """Two tables: the parts (the paper's own first), and every line of code that names a place of the paper."""
    found = [(path, one) for path in sorted(page.paper.folder.glob("[!.]*.py")) for one in mentions(path)]
    places = sorted((row for row in found if row[1].place), key=lambda row: (rank(row[1].place), row[0]))
    return fold(
        f"The parts that the configs build, and {count(len(places), 'place')} of the paper in the code",
        *[
            _table("The parts that the configs build", BUILT, list(_parts(page)), "No config builds a part."),
            _table("The paper in the code", PLACES, [_place(page, *row) for row in places], SILENT),
            *(_caveat(page, *row) for row in found if not row[1].place),
        ],
    )


def _table(title: str, heads: tuple[str, ...], rows: list[Markup], none: str) -> Markup:
    """A table with a caption; if there are no rows, the sentence `none` instead."""
    caption = tag("p", tag("strong", title), class_="repro-caption")
    if not rows:
        return caption + tag("p", none, class_="repro-muted")
    names = [tag("th", name, scope="col", role="columnheader") for name in heads]
    head = tag("thead", tag("tr", *names, role="row"), role="rowgroup")
    body = tag("tbody", *rows, role="rowgroup")
    return caption + box(tag("table", head, body, class_="repro-lines", role="table"), label=title)


def _row(name: Markup, *cells: Markup) -> Markup:
    """A table row with ARIA roles, because the style sheet shows the table as blocks on a narrow screen."""
    return tag(
        "tr",
        tag("th", name, scope="row", role="rowheader"),
        *(tag("td", cell, role="cell") for cell in cells),
        role="row",
    )


def _parts(page: Page) -> Iterator[Markup]:
    """A row per part that a config of the paper builds."""
    for part in sorted(parts.every(), key=lambda part: part.module.startswith("repro.")):
        if found := list(parts.uses(part, page.paper)):
            name = link(join([f"{part.kind}.", tag("wbr"), part.name]), f"{page.root}parts.html#{parts.anchor(part)}")
            source = link(f"{part.module}, line {part.line}", parts.address(part, page.root))
            what = inline(part.summary) + tag("span", source, class_="repro-muted")
            yield _row(tag("code", name), what, parts.config_links(found, page.root))


def _place(page: Page, path: Path, found: Mention) -> Markup:
    code = tag("code", found.code) if found.code else Markup("")
    inside = join(found.inside.split("."), join([".", tag("wbr")]))
    within = tag("span", tag("code", inside), class_="repro-muted") if found.inside else Markup("")
    place = tag("span", found.place, class_="place")
    return _row(place, _line(page, path, found) + within, code + tag("span", inline(found.sentence)))


def _caveat(page: Page, path: Path, found: Mention) -> Markup:
    return tag("p", _line(page, path, found), ": ", inline(found.sentence), class_="repro-caveat")


def _line(page: Page, path: Path, found: Mention) -> Markup:
    return link(f"{path.name}:{found.line}", f"{files.shown(page.file(path.name))}#L{found.line}")
