"""What Raff (2019) found to matter for reproduction, set against how the papers of this site came out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from repro import manifest
from repro.claim import Features
from repro.report.markup import Markup, box, join, link, tag
from repro.report.outcome import bar, said
from repro.report.page import Page
from repro.verdict import Verdict

HEADS = ("Feature", "Level", "Papers", "How their claims came out")


def features(pages: Iterable[Page]) -> Markup:
    """A row per level of each feature, with the papers scored so and the outcomes of their claims."""
    scored = [page for page in pages if page.paper.features is not None]
    groups = [_group(name, scored) for name in manifest.keys(Features)]
    bodies = [group for group in groups if group]
    if not bodies:
        return tag("p", "No paper has been scored yet.", class_="repro-muted")
    head = tag("tr", *(tag("th", name, scope="col") for name in HEADS))
    table = tag("table", tag("thead", head), *bodies, class_="repro-features")
    return box(table, label="Features of the papers and their outcomes")


def _group(name: str, pages: list[Page]) -> Markup | None:
    """The levels of one feature, in the order of the scale where it has one."""
    by_level: dict[str, list[Page]] = {}
    for page in pages:
        if level := _level(page, name):
            by_level.setdefault(level, []).append(page)
    scale = [str(level) for level in get_args(manifest.keys(Features)[name])]
    levels = sorted(by_level, key=lambda level: (scale.index(level) if level in scale else len(scale), level))
    rows = [_row(name if not number else "", level, by_level[level]) for number, level in enumerate(levels)]
    return tag("tbody", *rows) if rows else None


def _level(page: Page, name: str) -> str:
    value = getattr(page.paper.features, name)
    return f"{value:g}" if isinstance(value, float | int) else value or ""


def _row(name: str, level: str, pages: list[Page]) -> Markup:
    verdicts: list[Verdict] = [verdict for page in pages for verdict in page.verdicts]
    papers = join([link(page.paper.title, page.address) for page in pages], "; ")
    cells = [tag("td", level), tag("td", papers), tag("td", bar(verdicts), said(verdicts))]
    return tag("tr", tag("th", name.replace("_", " ").capitalize(), scope="row"), *cells)
