"""Pictures over the training, in "Look and listen", such as the grid of samples of a generator at each checkpoint.

A panel belongs to a series if its label is `<what> after <steps> steps`: `repro.datasets.sample_pictures` makes these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from repro.record import Record
from repro.report import pictures
from repro.report.html.markup import Markup, fold, tag
from repro.report.html.words import count
from repro.report.page import Page

LABEL = re.compile(r"(?P<what>.+) after [\d,]+ steps?")


def series(page: Page, found: Record) -> list[Markup]:
    """A row per series, under a heading: the first picture, the middle one and the last; the others are in a fold."""
    rows: dict[str, list[Markup]] = {}
    for example in found.examples:
        for panel in example.get("panels", ()):
            if what := _what(panel):
                item = f"{example.get('test', 'test')}, item {example.get('item', 0)}"
                rows.setdefault(what, []).append(pictures.figure(page, found, panel, item))
    head = [tag("h3", "Over the training")] if rows else []
    return [*head, *(one for row in rows.values() for one in _row(row))]


def without(example: Mapping[str, Any]) -> dict[str, Any]:
    """The example without its panels that belong to a series."""
    return {**example, "panels": [panel for panel in example.get("panels", ()) if not _what(panel)]}


def _what(panel: Mapping[str, Any]) -> str:
    found = LABEL.fullmatch(str(panel.get("label", "")))
    return found["what"] if found and "image" in panel else ""


def _row(drawn: Sequence[Markup]) -> list[Markup]:
    shown = {0, len(drawn) // 2, len(drawn) - 1}
    rest = [one for place, one in enumerate(drawn) if place not in shown]
    row = tag("div", *(drawn[place] for place in sorted(shown)), class_="repro-pictures")
    if not rest:
        return [row]
    return [row, fold(f"{count(len(rest), 'picture')} between them", tag("div", *rest, class_="repro-pictures"))]
