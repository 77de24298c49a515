"""Look and listen: the panels of test items, a picture and a player each."""

from __future__ import annotations

from collections import Counter
from typing import Any

from repro.record import Record
from repro.report.markup import Markup, fold, join, link, tag
from repro.report.page import Page


def examples(page: Page) -> Markup:
    """The examples of the record that weighs most; those of the other records folded below."""
    shown = [found for found in sorted(page.records, key=page.rank) if found.examples]
    if not shown:
        return tag("p", "No record of this paper has examples.", class_="repro-muted")
    rest = [fold(f"The same of {found.stem}", _record(page, found)) for found in shown[1:]]
    return join([_record(page, shown[0]), *rest])


def _record(page: Page, found: Record) -> Markup:
    about = tag(
        "p",
        "Test items as the run ",
        link(found.stem, page.origin(found)),
        " estimates them. In a picture "
        "time runs to the right and frequency upward; within an item equal colours are equal levels.",
    )
    return join([about, *(_item(page, found, example) for example in found.examples)])


def _item(page: Page, found: Record, example: dict[str, Any]) -> Markup:
    name = f"{str(example.get('test', 'test')).replace('_', ' ')}, item {example.get('item', 0)}"
    panels = example.get("panels", [])
    drawn = [_panel(page, found, panel, name) for panel in panels]
    grid = tag("div", *drawn, class_="repro-listen", style=_columns([panel.get("label", "") for panel in panels]))
    return tag("section", tag("h3", name[:1].upper() + name[1:]), grid)


def _columns(labels: list[str]) -> str:
    """`mixture, estimate 1, estimate 2, reference 1, ...`: the first beside rows of a kind each, the same source below
    itself."""
    kinds = Counter(label.split(" ")[0] for label in labels[1:])
    return f"--columns: {max(kinds.values(), default=0) + 1}; --rows: {max(len(kinds), 1)}"


def _panel(page: Page, found: Record, panel: dict[str, str], item: str) -> Markup:
    label = panel.get("label", "")
    parts = []
    if name := panel.get("image"):
        parts.append(
            tag(
                "img",
                src=page.file("records", found.stem, name),
                loading="lazy",
                alt=f"Spectrogram of the {label}, {item}",
            )
        )
    if name := panel.get("sound"):
        parts.append(
            tag(
                "audio",
                src=page.file("records", found.stem, name),
                controls=True,
                preload="none",
                aria_label=f"{label}, {item}",
            )
        )
    return tag("figure", tag("figcaption", label), *parts, class_="repro-sound")
